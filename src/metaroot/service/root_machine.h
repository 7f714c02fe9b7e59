// RootMachine: the state machine of the metadata root's raft group. All of it is in memory; what
// makes it durable is the raft log, whose snapshots are the machine's: a restart installs the last
// one and applies the entries behind it.
//
// Beside the state it knows when it saw the lease granted, on the clock of this node, which never
// jumps. Whoever leads judges by that whether the lease's time has passed: the holder counts from
// before it asked, so it has stopped by then.
//
// Thread safety: thread-safe. Nothing is called with the lock held.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "metaroot/machine.h"
#include "metaroot/state.h"
#include "metaroot/wire/wire.h"
#include "raftlog/format.h"
#include "raftnode/state_machine.h"

namespace nokv::metaroot {

inline constexpr raftlog::GroupId kRootGroup = 1;

// What changed, for whoever is asked to look.
class RootObserver {
 public:
  virtual ~RootObserver() = default;
  // The state is another one than before.
  virtual void Changed() = 0;
  // The group has stopped here; nothing will change any more.
  virtual void Stopped(const Status& reason) = 0;
};

class RootMachine final : public raftnode::StateMachine {
 public:
  // `clock` is borrowed. `observer` too, and may be null.
  RootMachine(base::Clock& clock, RootObserver* observer) : clock_(clock), observer_(observer) {}

  // With what the group begins: the configuration, and a machine that was told nothing.
  static std::shared_ptr<const raft::Snapshot> Founding(const std::vector<uint64_t>& members);

  StateHead head() const EXCLUDES(mu_);
  State state() const EXCLUDES(mu_);
  // As Machine's; none after a revision that is not there yet.
  std::optional<std::vector<TailEvent>> EventsAfter(uint64_t revision) const EXCLUDES(mu_);
  // Those of the events after `revision` that are kept.
  struct Tail {
    std::vector<TailEvent> events = {};
    uint64_t kept_after = 0;  // those up to this revision are gone
    uint64_t revision = 0;    // the last one
  };
  Tail TailAfter(uint64_t revision) const EXCLUDES(mu_);
  // What the state says of a status.
  void Describe(NodeStatus* status) const EXCLUDES(mu_);
  // The index that was applied last, and the hash of the state then.
  std::pair<raft::LogIndex, uint64_t> AppliedHash() const EXCLUDES(mu_);
  // This node leads, and nobody has told the root yet which cluster it is.
  bool ShouldFound() const EXCLUDES(mu_);
  // Of the lease in force; 0: its time has passed, or there is none.
  uint64_t LeaseRemainingMs() const EXCLUDES(mu_);

  // Puts the end of another's lease before a grant, if its time has passed.
  void EndExpiredLease(Command* command) const EXCLUDES(mu_);

  // StateMachine.
  void Apply(std::vector<raftnode::Committed> entries, raftnode::Done done) override EXCLUDES(mu_);
  // The members are fixed.
  bool Admits(const raft::ConfChange& /*change*/) override { return false; }
  void ApplyConfChange(const raft::Entry& entry, const raft::ConfState& conf_state,
                       raftnode::Done done) override EXCLUDES(mu_);
  void Install(const std::shared_ptr<const raft::Snapshot>& snapshot, raftnode::Done done) override
      EXCLUDES(mu_);
  void TakeSnapshot(raftnode::SnapshotDone done) override EXCLUDES(mu_);
  void RoleChanged(const raft::SoftState& state, raft::Term term) override EXCLUDES(mu_);
  void Stopped(const Status& reason) override;

 private:
  void NoteLeaseLocked() REQUIRES(mu_);
  uint64_t LeaseRemainingMsLocked() const REQUIRES(mu_);

  base::Clock& clock_;
  RootObserver* const observer_;
  mutable base::Mutex mu_;
  Machine machine_ GUARDED_BY(mu_);
  raft::EntryId applied_ GUARDED_BY(mu_);
  raft::ConfState conf_state_ GUARDED_BY(mu_);
  bool leads_ GUARDED_BY(mu_) = false;
  // When the last grant was seen, and which one that was.
  uint64_t lease_seen_us_ GUARDED_BY(mu_) = 0;
  uint64_t lease_seen_revision_ GUARDED_BY(mu_) = 0;
};

}  // namespace nokv::metaroot
