// Linearizable reads.
#include "base/coding.h"
#include "raft/raft.h"

namespace nokv::raft {

bool Raft::CommittedInCurrentTerm() const {
  return log_.TermAt(log_.committed()) == term_;
}

Status Raft::HandleReadIndex(Message&& message) {
  if (reads_.size() + pending_reads_.size() >= config_.max_pending_reads) {
    return Status::ResourceExhausted("read refused: " + std::to_string(config_.max_pending_reads) +
                                     " reads wait for a quorum");
  }
  // Until an entry of its own term is committed, a leader does not know how far others got, nor,
  // because a commit index need not be durable, how far it got itself.
  if (!CommittedInCurrentTerm()) {
    pending_reads_.push_back(std::move(message));
  } else {
    StartRead(std::move(message));
  }
  return Status::Ok();
}

void Raft::StartRead(Message&& message) {
  const bool alone = tracker_.IsSingleton() && tracker_.config().voters.Contains(id());
  const bool trusted = UsesLeases() ? lease_.Holds(id(), tracker_.config().voters)
                                    : config_.read_mode == ReadMode::kLeaseBased;
  if (alone || trusted) return AnswerRead(message, log_.committed());
  reads_.Add(log_.committed(), std::move(message));
  reads_.AcknowledgeAll(id());
  BroadcastHeartbeat();
}

// The number of the newest read that waits, then, for a lease, the tick of now.
std::string Raft::HeartbeatContext() const {
  std::string context = reads_.HeartbeatContext();
  if (!UsesLeases()) return context;
  if (context.empty()) base::PutFixed64(&context, 0);
  base::PutFixed64(&context, lease_.now());
  return context;
}

void Raft::HandleHeartbeatContext(NodeId from, std::string_view context) {
  constexpr size_t kNumberBytes = sizeof(uint64_t);
  if (UsesLeases() && context.size() == 2 * kNumberBytes) {
    lease_.Acknowledge(from, base::LoadFixed64(context.data() + kNumberBytes));
    context.remove_suffix(kNumberBytes);
  }
  if (context.empty()) return;
  reads_.Acknowledge(from, context);
  ReleaseConfirmedReads();
}

void Raft::AnswerRead(const Message& request, LogIndex index) {
  if (request.from == kNoNode || request.from == id()) {
    outbox_.reads.push_back({index, std::string(request.entries[0].data.view())});
    return;
  }
  Respond(request,
          {.type = MessageType::kReadIndexResp, .index = index, .entries = request.entries});
}

void Raft::ReleasePendingReads() {
  if (pending_reads_.empty() || !CommittedInCurrentTerm()) return;
  std::vector<Message> pending = std::move(pending_reads_);
  pending_reads_.clear();
  for (Message& message : pending) StartRead(std::move(message));
}

void Raft::ReleaseConfirmedReads() {
  for (const ReadQueue::Read& read : reads_.TakeConfirmed(tracker_.config().voters)) {
    AnswerRead(read.request, read.index);
  }
}

}  // namespace nokv::raft
