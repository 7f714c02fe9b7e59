// The leader: proposals, the followers' logs, commitment, transfer of the leadership.
#include <algorithm>

#include "base/macros.h"
#include "raft/raft.h"

namespace nokv::raft {

Status Raft::StepLeader(Message&& message) {
  switch (message.type) {
    case MessageType::kProp:
      return HandleProposal(std::move(message));
    case MessageType::kReadIndex:
      return HandleReadIndex(std::move(message));
    default:
      break;
  }
  Progress* progress = tracker_.Find(message.from);
  if (progress == nullptr) return Status::Ok();
  switch (message.type) {
    case MessageType::kAppResp:
      HandleAppendResponse(message, progress);
      break;
    case MessageType::kHeartbeatResp:
      HandleHeartbeatResponse(message, progress);
      break;
    case MessageType::kSnapStatus:
      HandleSnapshotStatus(message, progress);
      break;
    case MessageType::kUnreachable:
      // What was sent ahead is probably lost.
      if (progress->state == ProgressState::kReplicate) progress->BecomeProbe();
      break;
    case MessageType::kTransferLeader:
      HandleTransfer(message, *progress);
      break;
    default:
      break;
  }
  return Status::Ok();
}

Status Raft::CheckProposal() const {
  if (tracker_.Find(id()) == nullptr) {
    return Status::Unavailable("proposal dropped: this leader was removed from its group");
  }
  if (transferee_ != kNoNode) {
    return Status::Unavailable("proposal dropped: the leadership is being transferred to node " +
                               std::to_string(transferee_));
  }
  return Status::Ok();
}

Status Raft::HandleProposal(Message&& message) {
  RETURN_IF_ERROR(CheckProposal());
  RETURN_IF_ERROR(CheckConfChanges(&message.entries));
  if (!AppendEntries(std::move(message.entries))) {
    return Status::ResourceExhausted("proposal dropped: " + std::to_string(uncommitted_bytes_) +
                                     " bytes are not committed yet");
  }
  BroadcastAppend();
  return Status::Ok();
}

// A change that does not fit becomes an empty entry: whoever waits for its index gets an answer.
Status Raft::CheckConfChanges(std::vector<Entry>* entries) {
  if (std::none_of(entries->begin(), entries->end(),
                   [](const Entry& entry) { return entry.IsConfChange(); })) {
    return Status::Ok();
  }
  std::vector<std::optional<ConfChange>> changes(entries->size());
  for (size_t i = 0; i < entries->size(); i++) {
    if (!(*entries)[i].IsConfChange()) continue;
    ASSIGN_OR_RETURN(changes[i], DecodeConfChange((*entries)[i]));
  }
  for (size_t i = 0; i < entries->size(); i++) {
    if (!changes[i]) continue;
    const bool pending = pending_conf_index_ > log_.applied();
    const bool joint = tracker_.config().voters.joint();
    const bool leaves = changes[i]->steps.empty();
    if ((pending || joint != leaves) && !config_.disable_conf_change_validation) {
      Note("configuration change refused: " +
           std::string(pending ? "another one is not applied yet"
                       : joint ? "the joint configuration must be left first"
                               : "there is no joint configuration to leave"));
      (*entries)[i] = Entry();
    } else {
      pending_conf_index_ = log_.LastIndex() + i + 1;
    }
  }
  return Status::Ok();
}

bool Raft::AppendEntries(std::vector<Entry> entries) {
  // Empty entries pass always: a new leader and the way out of a joint configuration need them. So
  // does anything while nothing is uncommitted, or an entry larger than the limit never would.
  const uint64_t bytes = PayloadSize(entries);
  if (uncommitted_bytes_ > 0 && bytes > 0 &&
      bytes > config_.max_uncommitted_bytes -
                  std::min(uncommitted_bytes_, config_.max_uncommitted_bytes)) {
    return false;
  }
  uncommitted_bytes_ += bytes;
  LogIndex index = log_.LastIndex();
  for (Entry& entry : entries) {
    entry.term = term_;
    entry.index = ++index;
  }
  log_.Append(entries);
  // The leader counts itself when the entries are in its storage, as everybody.
  Send({.type = MessageType::kAppResp, .to = id(), .index = index});
  return true;
}

void Raft::ReduceUncommitted(uint64_t bytes) {
  uncommitted_bytes_ -= std::min(uncommitted_bytes_, bytes);
}

bool Raft::MaybeCommit() {
  const LogIndex agreed = tracker_.Committed();
  // Only entries of the own term are committed by counting; those before them come along.
  if (agreed <= log_.committed() || log_.TermAt(agreed) != term_) return false;
  log_.CommitTo(agreed);
  return true;
}

bool Raft::MaybeSendAppend(NodeId to, bool send_if_empty) {
  Progress* progress = tracker_.Find(to);
  if (progress == nullptr || progress->IsPaused()) return false;
  if (!send_if_empty && progress->next > log_.LastIndex()) return false;
  const LogIndex previous = progress->next - 1;
  const auto previous_term = log_.TermAt(previous);
  if (!previous_term) return MaybeSendSnapshot(to, progress);
  // With a full window only an empty message goes out: its answer shows what was lost of the
  // window.
  std::vector<Entry> entries;
  if (progress->state != ProgressState::kReplicate || !progress->inflights.Full()) {
    auto found = log_.EntriesFrom(progress->next, config_.max_message_bytes);
    if (!found) return send_if_empty && MaybeSendSnapshot(to, progress);
    entries = std::move(*found);
  }
  if (entries.empty() && !send_if_empty) return false;
  progress->SentEntries(entries.size(), PayloadSize(entries));
  progress->SentCommit(log_.committed());
  Send({.type = MessageType::kApp,
        .to = to,
        .log_term = *previous_term,
        .index = previous,
        .entries = std::move(entries),
        .commit = log_.committed()});
  return true;
}

void Raft::BroadcastAppend() {
  for (const auto& [node, progress] : tracker_.progress()) {
    if (node != id()) SendAppend(node);
  }
}

void Raft::BroadcastHeartbeat() {
  const std::string context = HeartbeatContext();
  for (auto& [node, progress] : tracker_.progress()) {
    if (node == id()) continue;
    // Never beyond what the follower is known to have: it could hold something else there.
    const LogIndex commit = std::min(progress.match, log_.committed());
    Send({.type = MessageType::kHeartbeat, .to = node, .commit = commit, .context = context});
    progress.SentCommit(commit);
  }
}

void Raft::HandleAppendResponse(const Message& message, Progress* progress) {
  progress->recent_active = true;
  if (message.reject) {
    HandleAppendRejection(message, progress);
  } else {
    HandleAppendAck(message, progress);
  }
}

// Changes of the configuration are held up by members that have not applied the last one.
bool Raft::TellsCommits() const {
  return !config_.lazy_commit || pending_conf_index_ > log_.applied();
}

void Raft::HandleAppendRejection(const Message& message, Progress* progress) {
  LogIndex next_probe = message.reject_hint;
  // The follower's log at the hint is of `log_term`, and terms only rise within a log. So every
  // index at which ours is of a later term must differ as well, and is not worth a round trip.
  if (message.log_term > 0) {
    next_probe =
        log_.FindConflictByTerm(std::min(message.reject_hint, log_.LastIndex()), message.log_term)
            .index;
  }
  if (!progress->MaybeDecrease(message.index, next_probe)) return;
  if (progress->state == ProgressState::kReplicate) progress->BecomeProbe();
  SendAppend(message.from);
}

void Raft::HandleAppendAck(const Message& message, Progress* progress) {
  // Nobody can have more than the leader of the term.
  if (message.index > log_.LastIndex()) return;
  const bool probe_answered =
      progress->match == message.index && progress->state == ProgressState::kProbe;
  if (!progress->MaybeUpdate(message.index) && !probe_answered) return;
  if (progress->state == ProgressState::kProbe) {
    progress->BecomeReplicate();
  } else if (progress->state == ProgressState::kReplicate) {
    progress->inflights.FreeUpTo(message.index);
  } else if (progress->match + 1 >= log_.FirstIndex()) {
    // Wherever it has its snapshot from, our log goes on where it is.
    progress->BecomeProbe();
    progress->BecomeReplicate();
  }
  const bool is_self = message.from == id();
  if (MaybeCommit()) {
    ReleasePendingReads();
    if (TellsCommits()) BroadcastAppend();
  } else if (!is_self && TellsCommits() && progress->CanBumpCommit(log_.committed())) {
    SendAppend(message.from);
  }
  // The window may have opened for several messages.
  while (!is_self && MaybeSendAppend(message.from, false)) {
  }
  if (message.from == transferee_ && progress->match == log_.LastIndex()) {
    SendTimeoutNow(message.from);
  }
}

void Raft::HandleHeartbeatResponse(const Message& message, Progress* progress) {
  progress->recent_active = true;
  progress->flow_paused = false;
  // Also to a follower that has everything but is being probed: the answer ends the probing.
  if (progress->match < log_.LastIndex() || progress->state == ProgressState::kProbe) {
    SendAppend(message.from);
  }
  HandleHeartbeatContext(message.from, message.context);
}

void Raft::HandleTransfer(const Message& message, const Progress& progress) {
  if (progress.is_learner || transferee_ == message.from) return;
  // A transfer to somebody else is over.
  transferee_ = kNoNode;
  if (message.from == id()) return;
  Note("transferring the leadership to node " + std::to_string(message.from));
  transferee_ = message.from;
  election_elapsed_ = 0;  // it has one election timeout
  if (progress.match == log_.LastIndex()) {
    SendTimeoutNow(transferee_);
  } else {
    SendAppend(transferee_);
  }
}

void Raft::SendTimeoutNow(NodeId to) {
  lease_.Void();
  Send({.type = MessageType::kTimeoutNow, .to = to});
}

void Raft::AppliedTo(LogIndex index, uint64_t bytes) {
  log_.AppliedTo(std::max(index, log_.applied()), bytes);
  MaybeLeaveJoint();
}

}  // namespace nokv::raft
