#include "sim/replog/member.h"

#include <algorithm>

#include "base/coding.h"
#include "base/macros.h"

namespace nokv::sim {
namespace {

// Requests that wait for an entry or a quorum; the oldest are forgotten, their clients ask again.
constexpr size_t kMaxWaiting = 1000;
// Ticks that are made up for at once; whoever missed more knows nothing any more anyway.
constexpr uint64_t kMaxTicks = 200;
// Until the transport reports what became of a snapshot.
constexpr uint64_t kReportMicros = 30'000;

}  // namespace

Member::Member(MemberHost& host, Machine& machine, raft::NodeId id, const MemberOptions& options)
    : host_(host), machine_(machine), id_(id), options_(options) {}

Result<std::unique_ptr<Member>> Member::Start(MemberHost& host, Machine& machine, raft::NodeId id,
                                              const MemberOptions& options,
                                              const raft::ConfState& founders, uint64_t seed) {
  std::unique_ptr<Member> member(new Member(host, machine, id, options));
  member->boot_ = seed;
  RETURN_IF_ERROR(member->Open(founders, seed));
  member->next_tick_us_ = machine.clock().MonotonicMicros() + options.tick_us;
  member->StartTicks();
  return member;
}

bool Member::Check(const Status& status) {
  if (status.ok() || ended_) return !ended_;
  ended_ = true;
  if (status.IsCorruption() || status.code() == StatusCode::kInternal ||
      status.code() == StatusCode::kInvalidArgument ||
      status.code() == StatusCode::kFailedPrecondition) {
    host_.Violated(id_, status);
  } else {
    host_.Failed(id_, status);
  }
  return false;
}

void Member::StartTicks() {
  machine_.runtime().PostAfter(runtime::Lane::kUrgent, options_.tick_us, [this] {
    if (ended_) return;
    CatchUp();
    Pump();
    StartTicks();
  });
}

void Member::CatchUp() {
  const uint64_t now = machine_.clock().MonotonicMicros();
  for (uint64_t ticks = 0; !ended_ && next_tick_us_ <= now; ticks++) {
    next_tick_us_ += options_.tick_us;
    if (ticks >= kMaxTicks) continue;
    node_->Tick();
    Check(host_.invariants().Stepped(*node_));
  }
}

void Member::Receive(raft::Message message) {
  if (ended_) return;
  CatchUp();
  StepSelf(std::move(message));
  Pump();
}

// Refusals are fine, but for those that say that somebody broke the rules.
void Member::StepSelf(raft::Message message) {
  if (ended_) return;
  const Status stepped = node_->Step(std::move(message));
  if (stepped.IsCorruption() || stepped.code() == StatusCode::kInvalidArgument) {
    Check(stepped);
    return;
  }
  if (Check(node_->failure())) Check(host_.invariants().Stepped(*node_));
}

void Member::Arrive(const Request& request, const SendReply& reply) {
  if (ended_) return;
  CatchUp();
  Status taken;
  if (request.kind == OperationKind::kRead && request.path == ReadPath::kReadIndex) {
    std::string context;
    base::PutFixed64(&context, id_);
    base::PutFixed64(&context, boot_);
    base::PutFixed64(&context, next_read_++);
    if (reads_.size() >= kMaxWaiting) reads_.erase(reads_.begin());
    reads_[context] = {request.key, host_.invariants().committed(), reply};
    taken = node_->ReadIndex(context);
    if (!taken.ok()) reads_.erase(context);
  } else {
    taken = node_->Propose(raft::Payload(EncodeRequest(request)));
    if (taken.ok()) {
      if (proposals_.size() >= kMaxWaiting) proposals_.erase(proposals_.begin());
      proposals_[{request.client, request.number}] = reply;
    }
  }
  if (!taken.ok()) Refuse(reply);
  Check(host_.invariants().Stepped(*node_));
  Pump();
}

void Member::Refuse(const SendReply& reply) const {
  const raft::NodeId leader = status().soft_state.lead;
  reply({.done = false,
         .before = {},
         .leader =
             leader == raft::kNoNode || leader == id_ ? std::nullopt : host_.AddressOf(leader)});
}

void Member::Change(const raft::ConfChange& change) {
  if (ended_) return;
  CatchUp();
  // What is refused is proposed again by who wants it.
  (void)node_->ProposeConfChange(change);
  Check(host_.invariants().Stepped(*node_));
  Pump();
}

void Member::Transfer(raft::NodeId to) {
  if (ended_) return;
  CatchUp();
  (void)node_->TransferLeader(to);
  Check(host_.invariants().Stepped(*node_));
  Pump();
}

void Member::Pump() {
  while (!ended_ && !storing_ && node_->HasReady()) {
    raft::Ready ready = node_->TakeReady();
    if (!Check(node_->failure())) return;
    if (!Check(host_.invariants().Took(*node_, ready))) return;
    if (ready.soft_state && ready.soft_state->role == raft::Role::kLeader) {
      host_.Led(id_, status().hard_state.term);
    }
    NoteReads(ready.read_states);
    if (options_.raft.async_storage_writes) {
      HandleAsync(std::move(ready));
    } else {
      HandleSync(std::move(ready));
    }
  }
  if (Check(node_->failure())) ServeReads();
}

void Member::HandleSync(raft::Ready ready) {
  const bool leads = status().soft_state.role == raft::Role::kLeader;
  const auto is_append = [](const raft::Message& message) {
    return message.type == raft::MessageType::kApp;
  };
  if (leads && options_.send_while_syncing) {
    for (raft::Message& message : ready.messages) {
      if (is_append(message)) Send(std::move(message));
    }
    std::erase_if(ready.messages, is_append);
  }
  storing_ = std::move(ready);
  const bool sync = storing_->must_sync || storing_->snapshot != nullptr;
  Store(storing_->hard_state, storing_->entries, storing_->snapshot,
        sync ? [this] { FinishSync(); } : std::function<void()>());
  if (!sync && !ended_) FinishSync();
}

// What was taken last is stored: the rest of it follows.
void Member::FinishSync() {
  const raft::Ready ready = std::move(*storing_);
  const bool synced = ready.must_sync || ready.snapshot != nullptr;
  if (synced && !Check(host_.invariants().Stored(id_, appended_state_))) return;
  for (const raft::Message& message : ready.messages) Send(message);
  Apply(ready.committed_entries);
  if (ended_) return;
  storing_.reset();
  const Status advanced = node_->Advance();
  if (advanced.IsCorruption()) Check(advanced);
  Check(host_.invariants().Stepped(*node_));
}

void Member::HandleAsync(raft::Ready ready) {
  for (raft::Message& message : ready.messages) {
    if (ended_) return;
    if (message.to == raft::kAppendThread) {
      const raft::HardState state{message.term, message.vote, message.commit};
      std::function<void()> done;
      if (!message.responses.empty()) {
        done = [this, state, responses = message.responses] {
          if (!state.empty() && !Check(host_.invariants().Stored(id_, state))) return;
          Respond(responses);
        };
      }
      Store(state, message.entries, message.snapshot, std::move(done));
    } else if (message.to == raft::kApplyThread) {
      machine_.runtime().Post(runtime::Lane::kFlush, [this, work = std::move(message)] {
        if (ended_) return;
        CatchUp();
        Apply(work.entries);
        Respond(work.responses);
        Pump();
      });
    } else {
      Send(std::move(message));
    }
  }
}

void Member::Respond(std::vector<raft::Message> responses) {
  for (raft::Message& response : responses) {
    if (ended_) return;
    if (response.to == id_) {
      StepSelf(std::move(response));
    } else {
      Send(std::move(response));
    }
  }
}

void Member::Send(raft::Message message) {
  if (!Check(host_.invariants().Sent(message))) return;
  const bool is_snapshot = message.type == raft::MessageType::kSnap;
  const raft::NodeId to = message.to;
  const bool arrives = host_.Send(std::move(message));
  if (arrives && !is_snapshot) return;
  machine_.runtime().PostAfter(runtime::Lane::kUrgent, kReportMicros,
                               [this, to, is_snapshot, arrives] {
                                 if (ended_) return;
                                 CatchUp();
                                 if (is_snapshot) {
                                   node_->ReportSnapshot(to, arrives);
                                 } else {
                                   node_->ReportUnreachable(to);
                                 }
                                 Pump();
                               });
}

void Member::Install(const raft::Snapshot& snapshot) {
  auto state = RegisterMachine::Decode(snapshot.data.view());
  if (!Check(state.status()) || !Check(host_.invariants().Installed(id_, snapshot))) return;
  state_ = *std::move(state);
  overtaken_ = false;
  host_.Note("install", {id_, snapshot.index});
  host_.Applied(id_, state_);
  MaybeCheckpoint(true);
}

void Member::Apply(const std::vector<raft::Entry>& entries) {
  for (const raft::Entry& entry : entries) {
    if (ended_) return;
    if (overtaken_ || entry.index <= state_.applied()) continue;
    if (entry.IsConfChange()) {
      if (!ApplyConf(entry)) continue;
    } else {
      ApplyRequest(entry);
    }
    host_.Note("apply", {id_, entry.index, state_.digest()});
    host_.Applied(id_, state_);
    Check(host_.invariants().Applied(id_, entry, state_.conf_state()));
  }
  MaybeCheckpoint(false);
}

// False if a snapshot has overtaken the entry.
bool Member::ApplyConf(const raft::Entry& entry) {
  Result<raft::ConfChange> change = raft::DecodeConfChange(entry);
  if (!Check(change.status())) return false;
  if (!state_.Fits(*change)) {
    for (raft::ConfChangeStep& step : change->steps) step.node = raft::kNoNode;
  }
  const Result<raft::ConfState> changed = node_->ApplyConfChange(*change);
  overtaken_ = changed.status().code() == StatusCode::kAborted;
  if (overtaken_) return false;
  // What does not fit is struck out by everybody alike.
  state_.ApplyConfState(entry, changed.ok() ? *changed : state_.conf_state());
  MaybeCheckpoint(true);
  return Check(host_.invariants().Stepped(*node_));
}

void Member::ApplyRequest(const raft::Entry& entry) {
  const std::optional<Reply> reply = state_.Apply(entry);
  if (!reply) return;
  const Result<Request> request = DecodeRequest(entry.data.view());
  const auto waiting = proposals_.extract(std::pair(request->client, request->number));
  if (!waiting.empty()) waiting.mapped()(*reply);
}

void Member::NoteReads(const std::vector<raft::ReadState>& reads) {
  for (const raft::ReadState& read : reads) {
    auto found = reads_.extract(read.context);
    if (found.empty()) continue;  // of a process before this one, or answered twice
    if (!Check(host_.invariants().Read(read.index, found.mapped().committed))) return;
    confirmed_.emplace(read.index, std::move(found.mapped()));
  }
}

void Member::ServeReads() {
  while (!confirmed_.empty() && confirmed_.begin()->first <= state_.applied()) {
    const Read& read = confirmed_.begin()->second;
    read.reply({.done = true, .before = state_.Get(read.key), .leader = {}});
    confirmed_.erase(confirmed_.begin());
  }
}

}  // namespace nokv::sim
