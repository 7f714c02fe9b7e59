// Changes of the configuration.
#include "base/macros.h"
#include "raft/confchange/changer.h"
#include "raft/raft.h"

namespace nokv::raft {

Result<ConfState> Raft::ApplyConfChange(const ConfChange& change) {
  // The snapshot brought its configuration along, and whatever is applied now lies before it.
  if (log_.unstable().snapshot() != nullptr) {
    return Status::Aborted("a snapshot has arrived that includes this configuration change");
  }
  ASSIGN_OR_RETURN(Membership members, Changer(tracker_, log_.LastIndex()).Apply(change));
  return SwitchTo(std::move(members));
}

ConfState Raft::SwitchTo(Membership members) {
  tracker_.SetMembers(std::move(members));
  Note("configuration " + ToString(tracker_.config()));
  ConfState state = tracker_.config().ToConfState();
  if (role_ != Role::kLeader) return state;

  const Progress* self = tracker_.Find(id());
  if (self == nullptr || self->is_learner) {
    if (config_.step_down_on_removal) BecomeFollower(term_, kNoNode);
    return state;
  }
  if (MaybeCommit()) {
    // Fewer voters may already have agreed on more.
    ReleasePendingReads();
    BroadcastAppend();
  } else {
    // New members are probed at once.
    for (const auto& [node, progress] : tracker_.progress()) {
      if (node != id()) MaybeSendAppend(node, false);
    }
  }
  ReleaseConfirmedReads();
  if (!tracker_.config().voters.Contains(transferee_)) transferee_ = kNoNode;
  return state;
}

void Raft::MaybeLeaveJoint() {
  if (!tracker_.config().auto_leave || role_ != Role::kLeader ||
      log_.applied() < pending_conf_index_) {
    return;
  }
  // An empty change. It can be refused while the leadership is transferred; then the next applied
  // entry, here or at the next leader, brings another try.
  Entry leave;
  leave.type = EntryType::kConfChangeV2;
  const Status proposed = HandleProposal({.type = MessageType::kProp, .entries = {leave}});
  Note(proposed.ok() ? "leaving the joint configuration" : proposed.ToString());
}

}  // namespace nokv::raft
