// NoState: a state machine that keeps nothing: an entry is answered when it is committed.
//
// Thread safety: as of raftnode::StateMachine.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "raftnode/state_machine.h"

namespace nokv::bench {

class NoState final : public raftnode::StateMachine {
 public:
  // `leads` is called each time the member here becomes the leader.
  explicit NoState(std::function<void()> leads) : leads_(std::move(leads)) {}

  void Apply(std::vector<raftnode::Committed> entries, raftnode::Done done) override {
    for (const raftnode::Committed& committed : entries) {
      applied_ = committed.entry.id();
      if (committed.done) committed.done({});
    }
    done(Status::Ok());
  }
  bool Admits(const raft::ConfChange& /*change*/) override { return true; }
  void ApplyConfChange(const raft::Entry& entry, const raft::ConfState& conf_state,
                       raftnode::Done done) override {
    applied_ = entry.id();
    conf_state_ = conf_state;
    done(Status::Ok());
  }
  void Install(const std::shared_ptr<const raft::Snapshot>& snapshot,
               raftnode::Done done) override {
    applied_ = snapshot->id();
    conf_state_ = snapshot->conf_state;
    done(Status::Ok());
  }
  void TakeSnapshot(raftnode::SnapshotDone done) override {
    auto snapshot = std::make_shared<raft::Snapshot>();
    snapshot->conf_state = conf_state_;
    snapshot->index = applied_.index;
    snapshot->term = applied_.term;
    done(std::shared_ptr<const raft::Snapshot>(std::move(snapshot)));
  }
  void RoleChanged(const raft::SoftState& state, raft::Term /*term*/) override {
    if (state.role == raft::Role::kLeader) leads_();
  }
  void Stopped(const Status& /*reason*/) override {}

 private:
  const std::function<void()> leads_;
  raft::EntryId applied_;
  raft::ConfState conf_state_;
};

}  // namespace nokv::bench
