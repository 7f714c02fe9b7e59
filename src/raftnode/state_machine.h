// StateMachine: what the members of a raft group apply its entries to. Whoever hosts a group
// implements it; the driver calls it in the order that raft wants.
//
// Each operation says that it has ended by calling `done`, once: at once, or later from any thread.
// Until then no other operation of this machine begins, so that a slow one holds up its own group
// and nobody else. An error stops the group: a member that could not apply an entry must not go on
// to become a different answer than the others.
//
// Thread safety: called by the driver's pass, one call at a time.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "nokv/status.h"
#include "raft/conf_change.h"
#include "raft/raw_node.h"
#include "raftnode/outcome.h"

namespace nokv::raftnode {

using Done = std::function<void(const Status&)>;
using SnapshotDone = std::function<void(Result<std::shared_ptr<const raft::Snapshot>>)>;

// A committed entry, and who waits for it: `done` is set if it was proposed here. The machine calls
// it when the effects can be seen.
struct Committed {
  raft::Entry entry;
  OutcomeDone done;
};

class StateMachine {
 public:
  virtual ~StateMachine() = default;

  // Ordinary entries that follow each other. Those of a new leader hold nothing.
  virtual void Apply(std::vector<Committed> entries, Done done) = 0;
  // Whether a committed change may take effect; every member must say the same. It is asked before
  // ApplyConfChange; one that may not leaves the configuration as it is.
  virtual bool Admits(const raft::ConfChange& change) = 0;
  // A committed entry after which the configuration is `conf_state`: to be kept with the applied
  // index.
  virtual void ApplyConfChange(const raft::Entry& entry, const raft::ConfState& conf_state,
                               Done done) = 0;
  // Takes the place of the whole state. The log holds it durably already; if the process dies
  // before `done`, the next start calls this again.
  virtual void Install(const std::shared_ptr<const raft::Snapshot>& snapshot, Done done) = 0;
  // Asks for a snapshot of what is applied now, or a recent one. What it stands for is durable when
  // `done` is called: the log forgets the entries. Other operations go on meanwhile.
  virtual void TakeSnapshot(SnapshotDone done) = 0;

  // The role, the leader or the term changed.
  virtual void RoleChanged(const raft::SoftState& state, raft::Term term) = 0;
  // The group has stopped here. Nothing is called any more; an operation that is under way may
  // still end.
  virtual void Stopped(const Status& reason) = 0;
};

}  // namespace nokv::raftnode
