#include "raft/raw_node.h"

#include <algorithm>

#include "base/check.h"
#include "base/macros.h"
#include "raft/message_check.h"

namespace nokv::raft {

namespace {

std::span<const Entry> EntriesTo(NodeId thread, const Ready& ready) {
  const auto found =
      std::find_if(ready.messages.begin(), ready.messages.end(),
                   [thread](const Message& message) { return message.to == thread; });
  return found == ready.messages.end() ? std::span<const Entry>() : found->entries;
}

}  // namespace

std::span<const Entry> EntriesToStore(const Ready& ready) {
  return ready.entries.empty() ? EntriesTo(kAppendThread, ready) : ready.entries;
}

std::span<const Entry> EntriesToApply(const Ready& ready) {
  return ready.committed_entries.empty() ? EntriesTo(kApplyThread, ready) : ready.committed_entries;
}

RawNode::RawNode(std::unique_ptr<Raft> raft, bool async)
    : raft_(std::move(raft)),
      async_(async),
      last_soft_state_(raft_->soft_state()),
      last_hard_state_(raft_->hard_state()) {}

Result<std::unique_ptr<RawNode>> RawNode::Open(const Config& config) {
  RETURN_IF_ERROR(Validate(config));
  ASSIGN_OR_RETURN(std::unique_ptr<Raft> raft, Raft::Open(config));
  return std::unique_ptr<RawNode>(new RawNode(std::move(raft), config.async_storage_writes));
}

void RawNode::Tick() {
  if (failure().ok()) raft_->Tick();
}

Status RawNode::Step(Message&& message) {
  RETURN_IF_ERROR(CheckMessage(message, raft_->tracker()));
  return StepLocal(std::move(message));
}

Status RawNode::StepLocal(Message&& message) {
  if (!failure().ok()) return failure();
  Status stepped = raft_->Step(std::move(message));
  if (!failure().ok()) return failure();
  return stepped;
}

Status RawNode::Campaign() {
  return StepLocal({.type = MessageType::kHup});
}

Status RawNode::Propose(Payload data) {
  return Propose(std::vector<Payload>{std::move(data)});
}

Status RawNode::Propose(std::vector<Payload> batch) {
  Message message{.type = MessageType::kProp, .from = raft_->id()};
  message.entries.resize(batch.size());
  for (size_t i = 0; i < batch.size(); i++) message.entries[i].data = std::move(batch[i]);
  return StepLocal(std::move(message));
}

Status RawNode::ProposeConfChange(const ConfChange& change, bool v1) {
  if (v1 && change.steps.size() != 1) {
    return Status::InvalidArgument("the first form of a configuration change has one step");
  }
  return StepLocal(
      {.type = MessageType::kProp, .from = raft_->id(), .entries = {EncodeConfChange(change, v1)}});
}

Result<ConfState> RawNode::ApplyConfChange(const ConfChange& change) {
  RETURN_IF_ERROR(failure());
  return raft_->ApplyConfChange(change);
}

Status RawNode::ReadIndex(std::string context) {
  Entry entry;
  entry.data = Payload(std::move(context));
  return StepLocal({.type = MessageType::kReadIndex, .entries = {entry}});
}

Status RawNode::TransferLeader(NodeId transferee) {
  return StepLocal({.type = MessageType::kTransferLeader, .from = transferee});
}

Status RawNode::ForgetLeader() {
  return StepLocal({.type = MessageType::kForgetLeader});
}

void RawNode::ReportUnreachable(NodeId peer) {
  // A report cannot be refused; a failed storage is told by the next call.
  (void)StepLocal({.type = MessageType::kUnreachable, .from = peer});
}

void RawNode::ReportSnapshot(NodeId peer, bool succeeded) {
  (void)StepLocal({.type = MessageType::kSnapStatus, .from = peer, .reject = !succeeded});
}

bool RawNode::HasReady() const {
  if (!failure().ok()) return false;
  const Log& log = raft_->log();
  const Raft::Outbox& outbox = raft_->outbox();
  return !outbox.now.empty() || !outbox.after_append.empty() || !outbox.reads.empty() ||
         log.unstable().HasNextEntries() || log.unstable().NextSnapshot() != nullptr ||
         log.HasNextCommitted(AllowUnstable()) || raft_->soft_state() != last_soft_state_ ||
         raft_->hard_state() != last_hard_state_;
}

Ready RawNode::TakeReady() {
  Ready ready;
  TakeReady(&ready);
  return ready;
}

void RawNode::TakeReady(Ready* taken) {
  NOKV_CHECK(!awaits_advance_) << "a Ready is taken before Advance for the one before";
  std::vector<Message> spare = std::move(taken->messages);
  spare.clear();
  Ready& ready = *taken = Ready();
  if (!failure().ok()) return;
  Log& log = raft_->log();
  std::vector<Entry> committed = log.NextCommitted(AllowUnstable());
  // Reading them can have failed; then nothing may leave.
  if (!failure().ok()) return;
  ready.committed_entries = std::move(committed);
  const SoftState soft_state = raft_->soft_state();
  const HardState hard_state = raft_->hard_state();
  if (soft_state != last_soft_state_) ready.soft_state = soft_state;
  if (hard_state != last_hard_state_) ready.hard_state = hard_state;
  ready.entries = log.unstable().NextEntries();
  ready.snapshot = log.unstable().NextSnapshot();
  ready.read_states = std::exchange(raft_->outbox().reads, {});
  ready.messages = std::exchange(raft_->outbox().now, std::move(spare));
  ready.must_sync = !ready.entries.empty() || hard_state.term != last_hard_state_.term ||
                    hard_state.vote != last_hard_state_.vote;
  Accept(ready);
  if (async_) {
    AddAppendMessage(&ready);
    AddApplyMessage(&ready);
  } else {
    SplitPromises(&ready);
  }
}

void RawNode::Recycle(std::vector<Message> responses) {
  // Those of an append and those of an application may be under way at a time.
  constexpr size_t kSpares = 2;
  if (spares_.size() >= kSpares) return;
  responses.clear();
  spares_.push_back(std::move(responses));
}

std::vector<Message> RawNode::TakeSpare() {
  if (spares_.empty()) return {};
  std::vector<Message> spare = std::move(spares_.back());
  spares_.pop_back();
  return spare;
}

bool RawNode::NeedsAppendResponse(const Ready& ready) const {
  // While anything is unstable, not only when something new is: an earlier response may have been
  // ignored because the term changed.
  return raft_->log().unstable().HasEntries() || ready.snapshot != nullptr;
}

// All that is unstable now will be in storage when this arrives. It counts only if the term is
// still the same: a later term can have replaced the entries, and brought the same ones back, while
// older writes were still under way.
Message RawNode::AppendResponse(const Ready& ready) const {
  Message response = {.type = MessageType::kStorageAppendResp,
                      .to = raft_->id(),
                      .from = kAppendThread,
                      .term = raft_->hard_state().term};
  if (raft_->log().unstable().HasEntries()) {
    const EntryId last = raft_->log().LastId();
    response.index = last.index;
    response.log_term = last.term;
  }
  response.snapshot = ready.snapshot;
  return response;
}

Message RawNode::ApplyResponse(const Ready& ready) const {
  return {.type = MessageType::kStorageApplyResp,
          .to = raft_->id(),
          .from = kApplyThread,
          .entries = ready.committed_entries};
}

void RawNode::AddAppendMessage(Ready* ready) {
  std::vector<Message>& promises = raft_->outbox().after_append;
  if (ready->entries.empty() && ready->hard_state.empty() && ready->snapshot == nullptr &&
      promises.empty()) {
    return;
  }
  Message& append = ready->messages.emplace_back();
  append.type = MessageType::kStorageAppend;
  append.to = kAppendThread;
  append.from = raft_->id();
  append.term = ready->hard_state.term;
  append.entries = std::exchange(ready->entries, {});
  append.commit = ready->hard_state.commit;
  append.vote = ready->hard_state.vote;
  append.snapshot = ready->snapshot;
  append.responses = std::exchange(promises, TakeSpare());
  if (NeedsAppendResponse(*ready)) append.responses.push_back(AppendResponse(*ready));
}

void RawNode::AddApplyMessage(Ready* ready) {
  if (ready->committed_entries.empty()) return;
  Message& apply = ready->messages.emplace_back();
  apply.type = MessageType::kStorageApply;
  apply.to = kApplyThread;
  apply.from = raft_->id();
  apply.responses = TakeSpare();
  apply.responses.push_back(ApplyResponse(*ready));
  apply.entries = std::exchange(ready->committed_entries, {});
}

// The caller stores before it sends, so answers to others leave with this Ready; those to this node
// count when it has advanced.
void RawNode::SplitPromises(Ready* ready) {
  for (Message& message : raft_->outbox().after_append) {
    auto& target = message.to == raft_->id() ? steps_on_advance_ : ready->messages;
    target.push_back(std::move(message));
  }
  raft_->outbox().after_append.clear();
  if (NeedsAppendResponse(*ready)) steps_on_advance_.push_back(AppendResponse(*ready));
  if (!ready->committed_entries.empty()) steps_on_advance_.push_back(ApplyResponse(*ready));
  awaits_advance_ = true;
}

void RawNode::Accept(const Ready& ready) {
  if (ready.soft_state) last_soft_state_ = *ready.soft_state;
  if (!ready.hard_state.empty()) last_hard_state_ = ready.hard_state;
  raft_->log().unstable().AcceptInProgress();
  if (!ready.committed_entries.empty()) {
    raft_->log().AcceptApplying(ready.committed_entries.back().index,
                                EncodedSize(ready.committed_entries), AllowUnstable());
  }
}

Status RawNode::Advance() {
  NOKV_CHECK(!async_) << "responses of the storage threads take the place of Advance";
  awaits_advance_ = false;
  for (Message& step : std::exchange(steps_on_advance_, {})) {
    RETURN_IF_ERROR(StepLocal(std::move(step)));
  }
  return Status::Ok();
}

BasicStatus RawNode::GetBasicStatus() const {
  return {.id = raft_->id(),
          .hard_state = raft_->hard_state(),
          .soft_state = raft_->soft_state(),
          .applied = raft_->log().applied(),
          .last_index = raft_->log().LastIndex(),
          .transferee = raft_->transferee()};
}

FullStatus RawNode::GetStatus() const {
  FullStatus status{GetBasicStatus(), raft_->tracker().config(), {}};
  if (status.basic.soft_state.role == Role::kLeader) status.progress = raft_->tracker().progress();
  return status;
}

}  // namespace nokv::raft
