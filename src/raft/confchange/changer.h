// Changer: computes the members that a configuration change leads to, or says why it must not be
// made. Nothing is changed in place.
//
// Simple changes touch at most one voter. All others pass through a joint configuration, in which
// both the old and the new voters must agree.
//
// Thread safety: thread-compatible; pure.
#pragma once

#include <vector>

#include "nokv/status.h"
#include "raft/conf_change.h"
#include "raft/tracker/tracker.h"

namespace nokv::raft {

class Changer {
 public:
  // `tracker` is borrowed. New members are probed from `last_index` on.
  Changer(const Tracker& tracker, LogIndex last_index)
      : tracker_(tracker), last_index_(last_index) {}

  // All three: kFailedPrecondition with the reason.
  Result<Membership> Simple(const std::vector<ConfChangeStep>& steps) const;
  Result<Membership> EnterJoint(bool auto_leave, const std::vector<ConfChangeStep>& steps) const;
  Result<Membership> LeaveJoint() const;

  // Whichever of the three `change` asks for.
  Result<Membership> Apply(const ConfChange& change) const;

 private:
  Status ApplySteps(const std::vector<ConfChangeStep>& steps, Membership* members) const;
  void MakeVoter(NodeId id, Membership* members) const;
  void MakeLearner(NodeId id, Membership* members) const;
  void AddProgress(NodeId id, bool is_learner, Membership* members) const;

  const Tracker& tracker_;
  const LogIndex last_index_;
};

// The members that `state` describes, each with a new progress. `tracker` must have no members.
Result<Membership> RestoreMembers(Tracker tracker, LogIndex last_index, const ConfState& state);

}  // namespace nokv::raft
