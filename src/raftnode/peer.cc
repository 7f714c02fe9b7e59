#include "raftnode/peer.h"

#include <algorithm>
#include <iterator>

#include "base/coding.h"
#include "base/macros.h"

namespace nokv::raftnode {
namespace {

// Proposals of one pass are one step of the node as long as they are not larger.
constexpr uint64_t kBatchBytes = 256 << 10;

}  // namespace

Status Peer::Open() {
  raftlog::RaftLog& log = host_.log();
  storage_ = &log.StorageOf(group());
  ASSIGN_OR_RETURN(const raft::Storage::Saved saved, storage_->Load());
  if (saved.hard_state.empty() && storage_->LastIndex() == 0 && options_.founding != nullptr) {
    // Promises are made after it in the log, so it is durable before any of them.
    const raftlog::GroupWrite write{
        .group = group(),
        .install = options_.founding,
        .hard_state = {.term = options_.founding->term, .commit = options_.founding->index}};
    RETURN_IF_ERROR(log.Append({&write, 1}).status());
  }
  applied_ = options_.applied;
  raft::Config config = options_.raft;
  config.applied = applied_;
  raft::ConfState conf_state = options_.conf_state;
  if (applied_ + 1 < storage_->FirstIndex()) {
    // The process died before a snapshot was installed.
    ASSIGN_OR_RETURN(const auto snapshot, storage_->LatestSnapshot());
    config.applied = snapshot->index;
    conf_state = snapshot->conf_state;
    operations_.push_back({.install = snapshot});
  } else if (const auto newest = storage_->LatestSnapshot();
             !newest.ok() || (*newest)->conf_state != conf_state) {
    // The one that names those who came last was not stored in time; they ignore any other.
    snapshot_wanted_ = true;
  }
  storage_->SetConfState(conf_state);
  config.id = options_.id;
  config.storage = storage_;
  config.async_storage_writes = true;
  config.disable_proposal_forwarding = true;
  config.lazy_commit = !options_.tells_commits;
  config.logger = host_.options().logger;
  no_leader_since_us_ = host_.now_us();
  Observer* observer = host_.options().observer;
  if (observer != nullptr) {
    observer->Opening(group(), options_.id, *storage_, config.applied, conf_state);
  }
  ASSIGN_OR_RETURN(node_, raft::RawNode::Open(config));
  Stepped();
  return failure_;
}

bool Peer::Check(const Status& status) {
  if (!status.ok()) Fail(status);
  return failure_.ok();
}

bool Peer::Stepped() {
  host_.Touch(this);
  if (!Check(node_->failure())) return false;
  Observer* observer = host_.options().observer;
  return observer == nullptr || Check(observer->Stepped(group(), *node_));
}

void Peer::Fail(const Status& status) {
  if (!failure_.ok()) return;
  failure_ = status;
  host_.metrics().stopped_groups.Add(1);
  operations_.clear();
  storing_.clear();
  writes_.clear();
  outbox_.clear();
  for (const Proposal& proposal : std::exchange(queued_proposals_, {})) {
    Refuse(proposal.done, Refusal::kStopped);
  }
  for (const OutcomeDone& done : std::exchange(queued_reads_, {})) Refuse(done, Refusal::kStopped);
  LoseProposals(UINT64_MAX);
  for (auto& [context, read] : std::exchange(reads_, {})) {
    for (const OutcomeDone& done : read.waiting) Refuse(done, Refusal::kStopped);
  }
  for (auto& [index, done] : std::exchange(served_later_, {})) Refuse(done, Refusal::kStopped);
  reads_waiting_ = 0;
  options_.machine->Stopped(status);
}

void Peer::Remove(Done done) {
  removed_ = std::move(done);
  Fail(Status(StatusCode::kCancelled, "the member was removed"));
  host_.Touch(this);
}

void Peer::Tick() {
  if (!failure_.ok()) return;
  node_->Tick();
  if (Stepped()) ExpireReads();
}

void Peer::Step(raft::Message&& message) {
  if (!failure_.ok()) return host_.metrics().Dropped(Drop::kStopped);
  const raft::NodeId from = message.from;
  const Status stepped = node_->Step(std::move(message));
  if (!Stepped()) return;
  // Proposals that were dropped and the like are no fault of the message.
  if (!stepped.IsCorruption() && stepped.code() != StatusCode::kInvalidArgument) return;
  host_.metrics().Dropped(Drop::kRefused);
  host_.options().logger->Warning("raft group " + std::to_string(group()) +
                                  ": a message of member " + std::to_string(from) +
                                  " was refused: " + stepped.ToString());
  Observer* observer = host_.options().observer;
  if (observer != nullptr) Check(observer->Refused(group(), stepped));
}

Outcome Peer::Refused(Refusal why) const {
  Outcome outcome;
  outcome.refusal = why;
  if (node_ != nullptr) {
    const raft::BasicStatus status = node_->GetBasicStatus();
    const raft::NodeId leader =
        status.transferee != raft::kNoNode ? status.transferee : status.soft_state.lead;
    if (leader != options_.id) outcome.leader = leader;
  }
  return outcome;
}

void Peer::Refuse(const OutcomeDone& done, Refusal why) {
  host_.metrics().Refused(why);
  if (done) done(Refused(why));
}

// Of what the node says when it does not take a proposal or a read.
Refusal Peer::RefusalOf(const Status& status) const {
  if (!failure_.ok()) return Refusal::kStopped;
  return status.code() == StatusCode::kResourceExhausted ? Refusal::kBusy : Refusal::kNotLeader;
}

void Peer::Propose(Proposal proposal) {
  if (!failure_.ok()) return Refuse(proposal.done, Refusal::kStopped);
  if (node_->GetBasicStatus().soft_state.role != raft::Role::kLeader) {
    return Refuse(proposal.done, Refusal::kNotLeader);
  }
  if (proposals_.size() + queued_proposals_.size() >= options_.max_waiting) {
    return Refuse(proposal.done, Refusal::kBusy);
  }
  queued_proposals_.push_back(std::move(proposal));
  host_.Touch(this);
}

void Peer::ProposeQueued() {
  if (queued_proposals_.empty()) return;
  std::vector<Proposal> queued = std::exchange(queued_proposals_, {});
  // Alone in the log anything is taken, so a batch must not be what the limit is there to refuse.
  const uint64_t most_bytes = std::min(kBatchBytes, options_.raft.max_uncommitted_bytes);
  size_t begin = 0;
  while (begin < queued.size() && failure_.ok()) {
    std::vector<raft::Payload> batch;
    batch.reserve(queued.size() - begin);
    uint64_t bytes = 0;
    size_t end = begin;
    for (; end < queued.size() && (end == begin || bytes + queued[end].data.size() <= most_bytes);
         end++) {
      bytes += queued[end].data.size();
      batch.push_back(queued[end].data);
    }
    const uint64_t before = node_->GetBasicStatus().last_index;
    const Status taken = node_->Propose(std::move(batch));
    if (!Stepped()) break;
    if (taken.code() == StatusCode::kResourceExhausted && end - begin > 1) {
      // Some of them may fit.
      ProposeOneByOne({std::make_move_iterator(queued.begin() + static_cast<ptrdiff_t>(begin)),
                       std::make_move_iterator(queued.begin() + static_cast<ptrdiff_t>(end))});
    } else {
      for (size_t i = begin; i < end; i++) {
        if (taken.ok()) NoteProposed(std::move(queued[i].done), false, before + i - begin);
        if (!taken.ok()) Refuse(queued[i].done, RefusalOf(taken));
      }
    }
    begin = end;
  }
  for (; begin < queued.size(); begin++) Refuse(queued[begin].done, Refusal::kStopped);
  // It keeps its memory for the next pass.
  queued.clear();
  if (queued_proposals_.empty()) queued_proposals_.swap(queued);
}

void Peer::ProposeOneByOne(std::vector<Proposal> batch) {
  for (Proposal& proposal : batch) {
    const uint64_t before = node_->GetBasicStatus().last_index;
    const Status taken = node_->Propose(std::move(proposal.data));
    if (!Stepped() || !taken.ok()) {
      Refuse(proposal.done, RefusalOf(taken));
    } else {
      NoteProposed(std::move(proposal.done), false, before);
    }
  }
}

void Peer::NoteProposed(OutcomeDone done, bool is_change, uint64_t before_last) {
  host_.metrics().proposals.Add();
  proposals_.emplace(std::pair(before_last + 1, node_->GetBasicStatus().hard_state.term),
                     PendingProposal{std::move(done), is_change});
}

void Peer::ProposeConfChange(const raft::ConfChange& change, OutcomeDone done) {
  if (!failure_.ok()) return Refuse(done, Refusal::kStopped);
  const raft::BasicStatus status = node_->GetBasicStatus();
  if (status.soft_state.role != raft::Role::kLeader) return Refuse(done, Refusal::kNotLeader);
  if (proposals_.size() >= options_.max_waiting) return Refuse(done, Refusal::kBusy);
  // What was asked for before it goes before it.
  ProposeQueued();
  const uint64_t before = node_->GetBasicStatus().last_index;
  const Status taken = node_->ProposeConfChange(change);
  if (!Stepped() || !taken.ok()) return Refuse(done, RefusalOf(taken));
  NoteProposed(std::move(done), true, before);
}

void Peer::Read(OutcomeDone done) {
  if (!failure_.ok()) return Refuse(done, Refusal::kStopped);
  if (reads_waiting_ >= options_.max_waiting) return Refuse(done, Refusal::kBusy);
  reads_waiting_++;
  queued_reads_.push_back(std::move(done));
  host_.metrics().reads.Add();
  host_.Touch(this);
}

// One round of the quorum is enough for all that wait.
void Peer::AskQueuedReads() {
  if (queued_reads_.empty()) return;
  PendingRead read{std::exchange(queued_reads_, {}), 0};
  std::string context;
  base::PutFixed64(&context, options_.id);
  base::PutFixed64(&context, host_.NextNumber());
  const Status taken = node_->ReadIndex(context);
  if (Stepped() && taken.ok()) {
    reads_.emplace(std::move(context), std::move(read));
    return;
  }
  reads_waiting_ -= std::min(reads_waiting_, read.waiting.size());
  for (const OutcomeDone& done : read.waiting) Refuse(done, RefusalOf(taken));
}

void Peer::NoteReads(const std::vector<raft::ReadState>& reads) {
  for (const raft::ReadState& read : reads) {
    auto found = reads_.extract(read.context);
    if (found.empty()) continue;  // expired, or answered twice
    for (OutcomeDone& done : found.mapped().waiting) {
      served_later_.emplace(read.index, std::move(done));
    }
  }
}

// A request for a quorum can get lost on the way to the leader.
void Peer::ExpireReads() {
  const uint64_t most_ticks = 2 * static_cast<uint64_t>(options_.raft.election_ticks);
  for (auto it = reads_.begin(); it != reads_.end();) {
    if (it->second.ticks++ < most_ticks) {
      ++it;
      continue;
    }
    const PendingRead expired = std::move(it->second);
    it = reads_.erase(it);
    reads_waiting_ -= expired.waiting.size();
    for (const OutcomeDone& done : expired.waiting) Refuse(done, Refusal::kNoQuorum);
  }
}

void Peer::ServeReads() {
  while (!served_later_.empty() && served_later_.begin()->first <= applied_) {
    const OutcomeDone done = std::move(served_later_.begin()->second);
    Outcome outcome;
    outcome.index = served_later_.begin()->first;
    served_later_.erase(served_later_.begin());
    reads_waiting_--;
    done(std::move(outcome));
  }
}

void Peer::Campaign() {
  if (!failure_.ok()) return;
  // It may not be able to, and then does not.
  (void)node_->Campaign();
  Stepped();
}

void Peer::TransferLeader(raft::NodeId to) {
  if (!failure_.ok()) return;
  // What does not lead or has no such member lets it be.
  (void)node_->TransferLeader(to);
  Stepped();
}

void Peer::ReportUnreachable(raft::NodeId to) {
  if (!failure_.ok()) return;
  node_->ReportUnreachable(to);
  Stepped();
}

void Peer::ReportSnapshot(raft::NodeId to, bool arrived) {
  if (!failure_.ok()) return;
  node_->ReportSnapshot(to, arrived);
  Stepped();
}

void Peer::Collect(Collected* collected) {
  if (failure_.ok()) ProposeQueued();
  if (failure_.ok()) AskQueuedReads();
  const auto writes = static_cast<ptrdiff_t>(collected->writes.size());
  const auto messages = static_cast<ptrdiff_t>(collected->messages.size());
  // They keep their memory for the next pass.
  std::move(writes_.begin(), writes_.end(), std::back_inserter(collected->writes));
  writes_.clear();
  std::move(outbox_.begin(), outbox_.end(), std::back_inserter(collected->messages));
  outbox_.clear();
  bool is_new = false;
  while (failure_.ok() && node_->HasReady()) {
    is_new = true;
    CollectReady(collected);
  }
  if (!failure_.ok()) {
    collected->writes.erase(collected->writes.begin() + writes, collected->writes.end());
    collected->messages.erase(collected->messages.begin() + messages, collected->messages.end());
  }
  if (removed_ != nullptr && idle() && !std::exchange(removal_collected_, true)) {
    collected->writes.push_back({.peer = this, .must_sync = true, .remove = true});
    // Its storage goes with the write.
    node_ = nullptr;
  }
  if (failure_.ok() && is_new) NoteCommitted();
}

void Peer::NoteCommitted() {
  const raft::BasicStatus status = node_->GetBasicStatus();
  const bool waits =
      status.soft_state.role == raft::Role::kLeader && status.last_index > status.hard_state.commit;
  if (!waits) uncommitted_since_us_ = 0;
  if (waits && (uncommitted_since_us_ == 0 || status.hard_state.commit != committed_)) {
    uncommitted_since_us_ = host_.now_us();
  }
  committed_ = status.hard_state.commit;
}

void Peer::CollectReady(Collected* collected) {
  raft::Ready& ready = collected->ready;
  node_->TakeReady(&ready);
  if (!Check(node_->failure())) return;
  Observer* observer = host_.options().observer;
  if (observer != nullptr && !Check(observer->Took(group(), *node_, ready))) return;
  if (ready.soft_state) NoteRole(*ready.soft_state);
  NoteReads(ready.read_states);
  for (raft::Message& message : ready.messages) {
    if (message.to == raft::kAppendThread) {
      const bool must_sync = ready.must_sync || message.snapshot != nullptr;
      if (!must_sync && message.responses.empty()) {
        // Only what is committed is new: the next write says it.
        commit_is_unwritten_ = true;
        continue;
      }
      if (must_sync && commit_is_unwritten_) TakeHardState(&message);
      if (message.term != 0) commit_is_unwritten_ = false;
      collected->writes.push_back(
          {.peer = this, .message = std::move(message), .must_sync = must_sync});
    } else if (message.to == raft::kApplyThread) {
      operations_.push_back(
          {.entries = std::move(message.entries), .responses = std::move(message.responses)});
    } else {
      collected->messages.push_back({group(), std::move(message)});
    }
  }
}

// As of now into a write to the log.
void Peer::TakeHardState(raft::Message* write) const {
  const raft::HardState state = node_->GetBasicStatus().hard_state;
  write->term = state.term;
  write->vote = state.vote;
  write->commit = state.commit;
}

void Peer::NoteRole(const raft::SoftState& state) {
  if (state.lead != raft::kNoNode) no_leader_since_us_ = 0;
  if (state.lead == raft::kNoNode && no_leader_since_us_ == 0) {
    no_leader_since_us_ = host_.now_us();
  }
  options_.machine->RoleChanged(state, node_->GetBasicStatus().hard_state.term);
}

void Peer::GetStatus(GroupStatus* status) const {
  status->group = group();
  status->failure = failure_;
  status->applied = applied_;
  status->raft = node_ != nullptr ? node_->GetBasicStatus() : raft::BasicStatus();
  status->proposals = proposals_.size() + queued_proposals_.size();
  status->reads = reads_waiting_;
  status->waits.clear();
  if (!failure_.ok()) return;
  const Wait waits[] = {
      {WaitFor::kLeader, no_leader_since_us_},
      {WaitFor::kQuorum, uncommitted_since_us_},
      {WaitFor::kSync, appended_ > 0 ? unsynced_since_us_ : 0},
      {installing_ ? WaitFor::kInstall : WaitFor::kApply, operating_ ? operating_since_us_ : 0},
      {WaitFor::kSnapshot, taking_snapshot_ ? taking_since_us_ : 0}};
  for (const Wait& wait : waits) {
    if (wait.since_us == 0) continue;
    const auto later =
        std::find_if(status->waits.begin(), status->waits.end(),
                     [&](const Wait& other) { return other.since_us > wait.since_us; });
    status->waits.insert(later, wait);
  }
}

}  // namespace nokv::raftnode
