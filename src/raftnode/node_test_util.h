// What the tests of the driver share: a state machine that can be read.
//
// Thread safety: used by one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "raftnode/state_machine.h"

namespace nokv::raftnode {

// Says what it applied, and answers a proposal with it.
class Words : public StateMachine {
 public:
  void Apply(std::vector<Committed> entries, Done done) override {
    if (held) {
      held_work.push_back([this, entries, done] { Take(entries, done); });
    } else {
      Take(entries, done);
    }
  }
  bool Admits(const raft::ConfChange& change) override { return change.context != "late"; }
  void ApplyConfChange(const raft::Entry& entry, const raft::ConfState& state, Done done) override {
    applied = entry.id();
    conf_state = state;
    done(Status::Ok());
  }
  void Install(const std::shared_ptr<const raft::Snapshot>& snapshot, Done done) override {
    installs++;
    applied = snapshot->id();
    conf_state = snapshot->conf_state;
    text = snapshot->data.view();
    done(Status::Ok());
  }
  void TakeSnapshot(SnapshotDone done) override {
    if (loses_snapshots) {
      held_work.push_back([done] { done(Status::Unavailable("the process ends")); });
      return;
    }
    snapshots++;
    auto snapshot = std::make_shared<raft::Snapshot>();
    snapshot->data = raft::Payload(text);
    snapshot->conf_state = conf_state;
    snapshot->index = applied.index;
    snapshot->term = applied.term;
    done(std::shared_ptr<const raft::Snapshot>(snapshot));
  }
  void RoleChanged(const raft::SoftState& state, raft::Term /*term*/) override {
    role = state.role;
  }
  void Stopped(const Status& reason) override { stopped = reason; }

  std::string text;
  raft::EntryId applied;
  raft::ConfState conf_state;
  int installs = 0;
  int snapshots = 0;
  bool loses_snapshots = false;  // the process ends before they are stored
  raft::Role role = raft::Role::kFollower;
  Status stopped;
  Status answer;  // of Apply
  bool held = false;
  std::vector<std::function<void()>> held_work;

 private:
  void Take(const std::vector<Committed>& entries, const Done& done) {
    for (const Committed& committed : entries) {
      text += committed.entry.data.view();
      applied = committed.entry.id();
      Outcome outcome;
      outcome.reply = text;
      if (committed.done && answer.ok()) committed.done(outcome);
    }
    done(answer);
  }
};

}  // namespace nokv::raftnode
