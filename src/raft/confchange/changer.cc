#include "raft/confchange/changer.h"

#include <algorithm>

#include "base/macros.h"

namespace nokv::raft {
namespace {

Status Refused(std::string_view why) {
  return Status::FailedPrecondition(why);
}

void RemoveMember(NodeId id, Membership* members) {
  Configuration& config = members->config;
  config.voters.incoming.Erase(id);
  config.learners.Erase(id);
  config.learners_next.Erase(id);
  // A voter of the outgoing half still counts.
  if (!config.voters.outgoing.Contains(id)) members->progress.erase(id);
}

size_t CountDifferent(const IdSet& a, const IdSet& b) {
  std::vector<NodeId> different;
  std::set_symmetric_difference(a.begin(), a.end(), b.begin(), b.end(),
                                std::back_inserter(different));
  return different.size();
}

Status CheckEachHasProgress(const IdSet& ids, const ProgressMap& progress) {
  for (NodeId id : ids) {
    if (!progress.contains(id)) return Refused("no progress for " + std::to_string(id));
  }
  return Status::Ok();
}

// What every configuration must satisfy, before and after a change.
Result<Membership> Checked(Membership members) {
  const Configuration& config = members.config;
  RETURN_IF_ERROR(CheckEachHasProgress(config.voters.All(), members.progress));
  RETURN_IF_ERROR(CheckEachHasProgress(config.learners, members.progress));
  RETURN_IF_ERROR(CheckEachHasProgress(config.learners_next, members.progress));
  for (NodeId id : config.learners_next) {
    if (!config.voters.outgoing.Contains(id) || members.progress.at(id).is_learner) {
      return Refused(std::to_string(id) + " waits to be a learner but is no outgoing voter");
    }
  }
  for (NodeId id : config.learners) {
    if (config.voters.Contains(id) || !members.progress.at(id).is_learner) {
      return Refused(std::to_string(id) + " is a learner and a voter");
    }
  }
  if (!config.voters.joint() && (!config.learners_next.empty() || config.auto_leave)) {
    return Refused("parts of a joint configuration are left over");
  }
  return members;
}

}  // namespace

Result<Membership> Changer::Simple(const std::vector<ConfChangeStep>& steps) const {
  ASSIGN_OR_RETURN(Membership members, Checked(tracker_.members()));
  if (members.config.voters.joint()) {
    return Refused("can't apply simple config change in joint config");
  }
  RETURN_IF_ERROR(ApplySteps(steps, &members));
  if (CountDifferent(tracker_.config().voters.incoming, members.config.voters.incoming) > 1) {
    return Refused("more than one voter changed without entering joint config");
  }
  return Checked(std::move(members));
}

Result<Membership> Changer::EnterJoint(bool auto_leave,
                                       const std::vector<ConfChangeStep>& steps) const {
  ASSIGN_OR_RETURN(Membership members, Checked(tracker_.members()));
  if (members.config.voters.joint()) return Refused("config is already joint");
  if (members.config.voters.incoming.empty()) {
    return Refused("can't make a zero-voter config joint");
  }
  members.config.voters.outgoing = members.config.voters.incoming;
  RETURN_IF_ERROR(ApplySteps(steps, &members));
  members.config.auto_leave = auto_leave;
  return Checked(std::move(members));
}

Result<Membership> Changer::LeaveJoint() const {
  ASSIGN_OR_RETURN(Membership members, Checked(tracker_.members()));
  Configuration& config = members.config;
  if (!config.voters.joint()) return Refused("can't leave a non-joint config");
  for (NodeId id : config.learners_next) {
    config.learners.Insert(id);
    members.progress.at(id).is_learner = true;
  }
  config.learners_next.Clear();
  for (NodeId id : config.voters.outgoing) {
    if (!config.voters.incoming.Contains(id) && !config.learners.Contains(id)) {
      members.progress.erase(id);
    }
  }
  config.voters.outgoing.Clear();
  config.auto_leave = false;
  return Checked(std::move(members));
}

Result<Membership> Changer::Apply(const ConfChange& change) const {
  if (change.LeavesJoint()) return LeaveJoint();
  if (change.EntersJoint()) return EnterJoint(change.AutoLeave(), change.steps);
  return Simple(change.steps);
}

Status Changer::ApplySteps(const std::vector<ConfChangeStep>& steps, Membership* members) const {
  for (const ConfChangeStep& step : steps) {
    // An application strikes out a change that it does not want by setting its node to zero.
    if (step.node == kNoNode) continue;
    switch (step.type) {
      case ConfChangeType::kAddVoter:
        MakeVoter(step.node, members);
        break;
      case ConfChangeType::kAddLearner:
        MakeLearner(step.node, members);
        break;
      case ConfChangeType::kRemove:
        if (members->progress.contains(step.node)) RemoveMember(step.node, members);
        break;
      case ConfChangeType::kUpdate:
        break;
    }
  }
  if (members->config.voters.incoming.empty()) return Refused("removed all voters");
  return Status::Ok();
}

void Changer::MakeVoter(NodeId id, Membership* members) const {
  const auto found = members->progress.find(id);
  if (found == members->progress.end()) return AddProgress(id, false, members);
  found->second.is_learner = false;
  members->config.learners.Erase(id);
  members->config.learners_next.Erase(id);
  members->config.voters.incoming.Insert(id);
}

void Changer::MakeLearner(NodeId id, Membership* members) const {
  const auto found = members->progress.find(id);
  if (found == members->progress.end()) return AddProgress(id, true, members);
  if (found->second.is_learner) return;
  Progress kept = found->second;
  RemoveMember(id, members);
  // A voter of the outgoing half cannot be a learner before that half is gone.
  if (members->config.voters.outgoing.Contains(id)) {
    members->config.learners_next.Insert(id);
  } else {
    kept.is_learner = true;
    members->config.learners.Insert(id);
  }
  members->progress.insert_or_assign(id, std::move(kept));
}

void Changer::AddProgress(NodeId id, bool is_learner, Membership* members) const {
  if (is_learner) {
    members->config.learners.Insert(id);
  } else {
    members->config.voters.incoming.Insert(id);
  }
  Progress progress = tracker_.NewProgress();
  progress.next = std::max<LogIndex>(last_index_, 1);
  progress.is_learner = is_learner;
  // Otherwise the next check of the quorum could depose the leader before the new member had any
  // chance to answer.
  progress.recent_active = true;
  members->progress.emplace(id, std::move(progress));
}

Result<Membership> RestoreMembers(Tracker tracker, LogIndex last_index, const ConfState& state) {
  const auto simple = [&](ConfChangeType type, NodeId id) -> Status {
    ASSIGN_OR_RETURN(Membership members, Changer(tracker, last_index).Simple({{type, id}}));
    tracker.SetMembers(std::move(members));
    return Status::Ok();
  };
  std::vector<ConfChangeStep> incoming;
  for (NodeId id : state.voters_outgoing) {
    RETURN_IF_ERROR(simple(ConfChangeType::kAddVoter, id));
    incoming.push_back({ConfChangeType::kRemove, id});
  }
  for (NodeId id : state.voters) incoming.push_back({ConfChangeType::kAddVoter, id});
  for (NodeId id : state.learners) incoming.push_back({ConfChangeType::kAddLearner, id});
  for (NodeId id : state.learners_next) incoming.push_back({ConfChangeType::kAddLearner, id});
  if (!state.voters_outgoing.empty()) {
    return Changer(tracker, last_index).EnterJoint(state.auto_leave, incoming);
  }
  for (const ConfChangeStep& step : incoming) RETURN_IF_ERROR(simple(step.type, step.node));
  return tracker.members();
}

}  // namespace nokv::raft
