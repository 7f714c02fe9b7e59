// Followers and candidates: what a leader sends, what is forwarded to it.
#include <algorithm>

#include "base/macros.h"
#include "raft/describe.h"
#include "raft/raft.h"

namespace nokv::raft {

Status Raft::StepCandidate(Message&& message) {
  const MessageType answer =
      role_ == Role::kPreCandidate ? MessageType::kPreVoteResp : MessageType::kVoteResp;
  if (message.type == answer) {
    HandleVoteResponse(message);
    return Status::Ok();
  }
  switch (message.type) {
    case MessageType::kProp:
      return Status::Unavailable("proposal dropped: no leader in term " + std::to_string(term_));
    case MessageType::kReadIndex:
      return Status::Unavailable("read dropped: no leader in term " + std::to_string(term_));
    case MessageType::kApp:
    case MessageType::kHeartbeat:
    case MessageType::kSnap:
      // Of the same term, so somebody else has won it.
      BecomeFollower(term_, message.from);
      return HandleFromLeader(message);
    default:
      return Status::Ok();
  }
}

Status Raft::StepFollower(Message&& message) {
  switch (message.type) {
    case MessageType::kProp:
      if (lead_ != kNoNode && config_.disable_proposal_forwarding) {
        return Status::Unavailable("proposal dropped: node " + std::to_string(lead_) + " leads");
      }
      return Forward(std::move(message), "proposal");
    case MessageType::kReadIndex:
      return Forward(std::move(message), "read");
    case MessageType::kTransferLeader:
      return Forward(std::move(message), "transfer of the leadership");
    case MessageType::kApp:
    case MessageType::kHeartbeat:
    case MessageType::kSnap:
      RestartElectionTime();
      lead_ = message.from;
      return HandleFromLeader(message);
    case MessageType::kForgetLeader:
      return ForgetLeader();
    case MessageType::kTimeoutNow:
      // Never a pre-vote: the leader itself asks for this.
      HandleHup(Campaign::kTransfer);
      return Status::Ok();
    case MessageType::kReadIndexResp:
      outbox_.reads.push_back({message.index, std::string(message.entries[0].data.view())});
      return Status::Ok();
    default:
      return Status::Ok();
  }
}

Status Raft::Forward(Message&& message, std::string_view what) {
  if (lead_ == kNoNode) {
    return Status::Unavailable(std::string(what) + " dropped: no leader in term " +
                               std::to_string(term_));
  }
  message.to = lead_;
  Send(std::move(message));
  return Status::Ok();
}

Status Raft::ForgetLeader() {
  if (config_.read_mode == ReadMode::kLeaseBased) {
    // A vote granted now could make a second leader while the first trusts its lease.
    return Status::FailedPrecondition("the leader is not forgotten: reads trust its lease");
  }
  lead_ = kNoNode;
  return Status::Ok();
}

Status Raft::HandleFromLeader(const Message& message) {
  if (UsesLeases()) promise_ticks_ = config_.election_ticks;
  switch (message.type) {
    case MessageType::kApp:
      return HandleAppend(message);
    case MessageType::kHeartbeat:
      return HandleHeartbeat(message);
    default:
      return HandleSnapshot(message);
  }
}

Status Raft::HandleAppend(const Message& message) {
  if (message.index < log_.committed()) {
    Respond(message, {.type = MessageType::kAppResp, .index = log_.committed()});
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(const bool appended,
                   log_.MaybeAppend({message.log_term, message.index}, message.entries));
  if (appended) {
    const LogIndex last = message.index + message.entries.size();
    log_.CommitTo(std::min(message.commit, last));
    Respond(message, {.type = MessageType::kAppResp, .index = last});
    return Status::Ok();
  }
  // The largest place at which the logs can agree: before it, the leader's terms are no larger than
  // that of its probe.
  const EntryId hint =
      log_.FindConflictByTerm(std::min(message.index, log_.LastIndex()), message.log_term);
  Respond(message, {.type = MessageType::kAppResp,
                    .log_term = hint.term,
                    .index = message.index,
                    .reject = true,
                    .reject_hint = hint.index});
  return Status::Ok();
}

Status Raft::HandleHeartbeat(const Message& message) {
  if (message.commit > log_.LastIndex()) {
    return Status::Corruption("node " + std::to_string(message.from) + " says that this node has " +
                              std::to_string(message.commit) + ", but its log ends at " +
                              std::to_string(log_.LastIndex()) + ": entries were lost");
  }
  log_.CommitTo(message.commit);
  Respond(message, {.type = MessageType::kHeartbeatResp, .context = message.context});
  return Status::Ok();
}

}  // namespace nokv::raft
