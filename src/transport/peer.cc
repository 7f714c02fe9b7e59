#include "transport/peer.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/crc32c.h"
#include "base/macros.h"

namespace nokv::transport {
namespace {

constexpr int kAlarmAfter = 3;

size_t BytesOf(const raft::Message& message) {
  size_t bytes = kFieldBytes + message.context.size();
  for (const raft::Entry& entry : message.entries) bytes += kFieldBytes + entry.data.size();
  return bytes;
}

Status Over(const std::string& why) {
  return Status(StatusCode::kCancelled, why);
}

}  // namespace

// The stream of messages, from its beginning to its end.
class Peer::Stream final : public rpc::CallHandler {
 public:
  explicit Stream(std::shared_ptr<Peer> peer) : peer_(std::move(peer)) {}

  // All that ever comes is the welcome.
  void OnMessage(rpc::Call& call, std::string message) override {
    const Status judged = peer_->Judge(message);
    if (judged.ok()) return peer_->Welcomed(this);
    if (judged.code() == StatusCode::kUnavailable) return call.End(judged);
    call.End(peer_->core_->metrics.Refused(Refuse::kIdentity, call.peer(),
                                           std::string(judged.message())));
  }
  void OnSent(rpc::Call& /*call*/) override { peer_->Sent(this); }
  void OnDone(rpc::Call& /*call*/, const Status& status) override { peer_->Ended(this, status); }

 private:
  const std::shared_ptr<Peer> peer_;
};

// One snapshot on its way. The next chunk is made when the network has taken the last one.
class Peer::SnapshotStream final : public rpc::CallHandler {
 public:
  // `resumes`: the receiver says where to begin.
  SnapshotStream(std::shared_ptr<Peer> peer, GroupMessage message, bool resumes)
      : peer_(std::move(peer)), message_(std::move(message)), resumes_(resumes) {}

  const char* method() const { return resumes_ ? "ResumeSnapshot" : "Snapshot"; }
  void Begin(rpc::Call& call) {
    call.Send(EncodeSnapshotHello(peer_->MakeHello()));
    call.Send(EncodeSnapshotHeader(
        {.message = message_, .size_bytes = data().size(), .crc32c = base::Crc32c(data())}));
  }
  void OnSent(rpc::Call& call) override {
    if (!resumes_ || begun_) SendNext(call);
  }
  void OnMessage(rpc::Call& call, std::string message) override {
    if (!resumes_) {
      answered_ = true;
      return;
    }
    const Result<SnapshotProgress> progress = DecodeSnapshotProgress(message);
    if (!progress.ok()) return call.End(progress.status());
    if (std::exchange(begun_, true)) {
      answered_ = progress->taken;
      return;
    }
    if (progress->offset > data().size()) {
      return call.End(
          peer_->core_->metrics.Refused(Refuse::kChunk, call.peer(),
                                        "it wants byte " + std::to_string(progress->offset) +
                                            " of a snapshot of " + std::to_string(data().size())));
    }
    offset_ = progress->offset;
    SendNext(call);
  }
  void OnDone(rpc::Call& /*call*/, const Status& status) override {
    const bool is_old = resumes_ && status.code() == StatusCode::kUnimplemented;
    peer_->SnapshotEnded(this, message_, is_old, status.ok() && answered_);
  }

 private:
  std::string_view data() const { return message_.message.snapshot->data.view(); }
  void SendNext(rpc::Call& call) {
    if (offset_ == data().size()) return call.End(Status::Ok());
    const std::string_view chunk =
        data().substr(offset_, peer_->core_->options.snapshot_chunk_bytes);
    call.Send(EncodeSnapshotChunk(offset_, chunk));
    offset_ += chunk.size();
  }

  const std::shared_ptr<Peer> peer_;
  const GroupMessage message_;
  const bool resumes_;
  bool begun_ = false;  // where to begin was said
  size_t offset_ = 0;
  bool answered_ = false;
};

Peer::Peer(std::shared_ptr<TransportCore> core, NodeId node, const std::string& address)
    : core_(std::move(core)),
      node_(node),
      channel_(core_->doors.dial(address)),
      snapshot_channel_(core_->doors.dial(address)) {}

void Peer::Send(Batch messages) {
  std::vector<Lost> lost;
  {
    base::MutexLock lock(mu_);
    if (closed_) return;
    if (queue_.empty()) queue_.reserve(messages.size());
    for (GroupMessage& message : messages) Queue(std::move(message), &lost);
  }
  Report(lost);
  Pump();
  PumpSnapshots();
}

void Peer::Queue(GroupMessage&& message, std::vector<Lost>* lost) {
  const TransportOptions& options = core_->options;
  if (blocked_) return lost->push_back({Drop::kBlocked, std::move(message)});
  if (message.message.type == raft::MessageType::kSnap) {
    if (message.message.snapshot->data.size() > options.max_snapshot_bytes) {
      return lost->push_back({Drop::kTooLong, std::move(message)});
    }
    if (snapshots_.size() >= options.max_queued_snapshots) {
      return lost->push_back({Drop::kQueueFull, std::move(message)});
    }
    return snapshots_.push_back(std::move(message));
  }
  if (stream_ == nullptr && core_->doors.clock.MonotonicMicros() < retry_at_us_) {
    return lost->push_back({Drop::kUnreachable, std::move(message)});
  }
  const size_t bytes = BytesOf(message.message);
  if (bytes > options.max_request_bytes || message.message.entries.size() > kMaxBatchEntries) {
    return lost->push_back({Drop::kTooLong, std::move(message)});
  }
  if (queue_.size() >= options.max_queued_messages ||
      queued_bytes_ + bytes > options.max_queued_bytes) {
    return lost->push_back({Drop::kQueueFull, std::move(message)});
  }
  queued_bytes_ += bytes;
  queued_entries_ += message.message.entries.size();
  queue_.push_back(std::move(message));
}

void Peer::DropQueue(Drop why, std::vector<Lost>* lost) {
  for (GroupMessage& message : queue_) lost->push_back({why, std::move(message)});
  queue_.clear();
  queued_bytes_ = queued_entries_ = 0;
}

// Raft wants to know once for each member.
void Peer::Report(const std::vector<Lost>& lost) {
  std::set<std::pair<GroupId, raft::NodeId>> told;
  for (const Lost& one : lost) {
    core_->metrics.Dropped(one.why);
    const std::pair<GroupId, raft::NodeId> member = {one.message.group, one.message.message.to};
    if (one.message.message.type == raft::MessageType::kSnap) {
      core_->metrics.snapshots_failed.Add();
      core_->receiver.ReportSnapshot(member.first, member.second, /*arrived=*/false);
    } else if (told.insert(member).second) {
      core_->receiver.ReportUnreachable(member.first, member.second);
    }
  }
}

// Of the messages that wait, how many make one batch.
size_t Peer::BatchLength() const {
  if (queue_.size() <= kMaxBatchMessages && queued_entries_ <= kMaxBatchEntries &&
      queued_bytes_ <= core_->options.max_batch_bytes) {
    return queue_.size();
  }
  size_t length = 0;
  size_t bytes = 0;
  size_t entries = 0;
  while (length < queue_.size() && length < kMaxBatchMessages &&
         bytes < core_->options.max_batch_bytes) {
    const raft::Message& next = queue_[length].message;
    bytes += BytesOf(next);
    entries += next.entries.size();
    if (length > 0 && (bytes > core_->options.max_request_bytes || entries > kMaxBatchEntries)) {
      break;
    }
    length++;
  }
  return length;
}

Batch Peer::TakeBatch() {
  const auto end = queue_.begin() + static_cast<ptrdiff_t>(BatchLength());
  Batch rest{std::make_move_iterator(end), std::make_move_iterator(queue_.end())};
  queue_.erase(end, queue_.end());
  queued_bytes_ = queued_entries_ = 0;
  for (const GroupMessage& message : rest) {
    queued_bytes_ += BytesOf(message.message);
    queued_entries_ += message.message.entries.size();
  }
  return std::exchange(queue_, std::move(rest));
}

// Begins the stream if there is none, or sends what waits if nothing is under way.
void Peer::Pump() {
  Batch batch;
  std::shared_ptr<rpc::Call> call;
  std::shared_ptr<Stream> begun;
  rpc::Channel* channel = nullptr;
  {
    base::MutexLock lock(mu_);
    if (closed_ || queue_.empty() || writing_) return;
    if (stream_ == nullptr) {
      begun = stream_ = std::make_shared<Stream>(shared_from_this());
      channel = channel_.get();
      opening_++;
    } else {
      if (call_ == nullptr || !welcomed_) return;
      writing_ = true;
      call = call_;
      batch = TakeBatch();
    }
  }
  if (begun != nullptr) return Begin(begun, *channel);
  const size_t count = batch.size();
  std::string bytes = EncodeBatch(batch);
  core_->metrics.sent.Add(count);
  core_->metrics.batches.Add();
  core_->metrics.sent_bytes.Add(bytes.size());
  call->Send(std::move(bytes));
}

void Peer::Begin(const std::shared_ptr<Stream>& stream, rpc::Channel& channel) {
  core_->metrics.dials.Add();
  const std::shared_ptr<rpc::Call> call =
      channel.Open(rpc::MethodPath(std::string(kServiceName), "Messages"), {}, stream);
  {
    base::MutexLock lock(mu_);
    if (stream_ == stream) call_ = call;
    if (--opening_ == 0) opened_.SignalAll();
  }
  call->Send(EncodeHello(MakeHello()));
}

Hello Peer::MakeHello() const {
  return {.cluster = core_->options.cluster,
          .from = core_->options.node,
          .to = node_,
          .greeting = Greeting()};
}

std::string Peer::Greeting() const {
  const Identity* const identity = core_->doors.identity;
  return identity == nullptr ? "" : identity->Greeting();
}

Status Peer::Judge(std::string_view bytes) const {
  ASSIGN_OR_RETURN(const Welcome welcome, DecodeWelcome(bytes));
  Identity* const identity = core_->doors.identity;
  if (identity != nullptr) RETURN_IF_ERROR(identity->Greeted(node_, welcome.greeting));
  if (welcome.refusal.empty()) return Status::Ok();
  return Status(welcome.later ? StatusCode::kUnavailable : StatusCode::kFailedPrecondition,
                "node " + std::to_string(node_) + " refuses this one: " + welcome.refusal);
}

void Peer::Welcomed(const Stream* stream) {
  {
    base::MutexLock lock(mu_);
    if (stream_.get() != stream) return;
    welcomed_ = true;
    failures_ = 0;
    last_failure_.clear();
  }
  Pump();
}

void Peer::Sent(const Stream* stream) {
  {
    base::MutexLock lock(mu_);
    if (stream_.get() != stream) return;
    writing_ = false;
  }
  Pump();
}

void Peer::Ended(const Stream* stream, const Status& status) {
  std::vector<Lost> lost;
  {
    base::MutexLock lock(mu_);
    if (stream_.get() != stream) return;
    stream_.reset();
    call_.reset();
    welcomed_ = writing_ = false;
    resumes_ = true;  // what comes back may be a newer one
    const uint64_t doubled = core_->options.min_backoff_ms << std::min(failures_, 20);
    retry_at_us_ = core_->doors.clock.MonotonicMicros() +
                   std::min(doubled, core_->options.max_backoff_ms) * 1000;
    ++failures_;
    last_failure_ = status.ok() ? "it ended the stream" : status.ToString();
    DropQueue(Drop::kUnreachable, &lost);
  }
  core_->metrics.dial_failures.Add();
  Report(lost);
}

void Peer::PumpSnapshots() {
  std::shared_ptr<SnapshotStream> stream;
  rpc::Channel* channel = nullptr;
  {
    base::MutexLock lock(mu_);
    if (closed_ || snapshot_stream_ != nullptr || snapshots_.empty()) return;
    stream = snapshot_stream_ = std::make_shared<SnapshotStream>(
        shared_from_this(), std::move(snapshots_.front()), resumes_);
    snapshots_.pop_front();
    channel = snapshot_channel_.get();
    opening_++;
  }
  const std::shared_ptr<rpc::Call> call =
      channel->Open(rpc::MethodPath(std::string(kServiceName), stream->method()), {}, stream);
  {
    base::MutexLock lock(mu_);
    if (snapshot_stream_ == stream) snapshot_call_ = call;
    if (--opening_ == 0) opened_.SignalAll();
  }
  stream->Begin(*call);
}

void Peer::SnapshotEnded(const SnapshotStream* stream, const GroupMessage& message, bool is_old,
                         bool arrived) {
  bool report = false;
  {
    base::MutexLock lock(mu_);
    // In the way that the node knows.
    const bool again = is_old && !closed_ && !blocked_;
    if (again) {
      resumes_ = false;
      snapshots_.push_front(message);
    }
    report = !closed_ && !again;
    if (snapshot_stream_.get() == stream) {
      snapshot_stream_.reset();
      snapshot_call_.reset();
    }
  }
  if (!report) return PumpSnapshots();
  (arrived ? core_->metrics.snapshots_sent : core_->metrics.snapshots_failed).Add();
  core_->receiver.ReportSnapshot(message.group, message.message.to, arrived);
  PumpSnapshots();
}

// Who is opening one waits for nobody.
std::vector<std::shared_ptr<rpc::Call>> Peer::TakeCalls() {
  while (opening_ > 0) opened_.Wait(mu_);
  std::vector<std::shared_ptr<rpc::Call>> calls;
  if (call_ != nullptr) calls.push_back(std::move(call_));
  if (snapshot_call_ != nullptr) calls.push_back(snapshot_call_);
  stream_.reset();
  call_.reset();
  welcomed_ = writing_ = false;
  return calls;
}

void Peer::SetAddress(const std::string& address) {
  std::unique_ptr<rpc::Channel> channel = core_->doors.dial(address);
  std::unique_ptr<rpc::Channel> snapshot_channel = core_->doors.dial(address);
  std::vector<std::shared_ptr<rpc::Call>> calls;
  {
    base::MutexLock lock(mu_);
    calls = TakeCalls();
    channel_.swap(channel);
    snapshot_channel_.swap(snapshot_channel);
    retry_at_us_ = 0;
    failures_ = 0;
    resumes_ = true;
  }
  for (const auto& call : calls) call->End(Over("the node has another address"));
  Pump();
}

void Peer::SetBlocked(bool blocked) {
  std::vector<Lost> lost;
  std::vector<std::shared_ptr<rpc::Call>> calls;
  {
    base::MutexLock lock(mu_);
    blocked_ = blocked;
    if (blocked) {
      calls = TakeCalls();
      DropQueue(Drop::kBlocked, &lost);
      for (GroupMessage& message : snapshots_) lost.push_back({Drop::kBlocked, std::move(message)});
      snapshots_.clear();
    }
  }
  for (const auto& call : calls) call->End(Over("the node is blocked"));
  Report(lost);
}

bool Peer::blocked() const {
  base::MutexLock lock(mu_);
  return blocked_;
}

void Peer::Close() {
  std::unique_ptr<rpc::Channel> channel;
  std::unique_ptr<rpc::Channel> snapshot_channel;
  std::vector<std::shared_ptr<rpc::Call>> calls;
  {
    base::MutexLock lock(mu_);
    closed_ = true;
    calls = TakeCalls();
    channel.swap(channel_);
    snapshot_channel.swap(snapshot_channel_);
    queue_.clear();
    queued_bytes_ = queued_entries_ = 0;
    snapshots_.clear();
  }
  for (const auto& call : calls) call->End(Over("the node is no peer any more"));
}

std::string Peer::Alarm() const {
  base::MutexLock lock(mu_);
  if (failures_ < kAlarmAfter) return "";
  return "node " + std::to_string(node_) + ": " + last_failure_;
}

}  // namespace nokv::transport
