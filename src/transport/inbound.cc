#include "transport/inbound.h"

#include <optional>
#include <utility>
#include <variant>

#include "base/crc32c.h"
#include "base/macros.h"

namespace nokv::transport {
namespace {

std::string Bytes(size_t size) {
  return std::to_string(size) + " bytes";
}

}  // namespace

// What both kinds of calls do with a client that says what it must not.
class Inbound::MessagesHandler final : public rpc::CallHandler {
 public:
  MessagesHandler(std::shared_ptr<Inbound> inbound, std::weak_ptr<rpc::Call> call)
      : inbound_(std::move(inbound)), call_(std::move(call)) {}

  void OnMessage(rpc::Call& call, std::string bytes) override {
    const Status status = Take(call, bytes);
    if (!status.ok()) call.End(status);
  }
  void OnDone(rpc::Call& call, const Status& status) override {
    if (status.code() != StatusCode::kResourceExhausted) return;
    static_cast<void>(inbound_->core_->metrics.Refused(Refuse::kTooLong, call.peer(),
                                                       std::string(status.message())));
  }

 private:
  Status Take(rpc::Call& call, std::string_view bytes) {
    TransportCore& core = *inbound_->core_;
    auto request = DecodeMessagesRequest(bytes);
    if (!request.ok()) {
      return core.metrics.Refused(Refuse::kMalformed, call.peer(),
                                  std::string(request.status().message()));
    }
    if (const Hello* hello = std::get_if<Hello>(&*request)) {
      if (from_.has_value()) {
        return core.metrics.Refused(Refuse::kMalformed, call.peer(), "it says hello twice");
      }
      return Greet(call, *hello);
    }
    if (refused_) return Status::Ok();
    if (!from_.has_value()) {
      return core.metrics.Refused(Refuse::kMalformed, call.peer(), "it does not say hello");
    }
    if (!inbound_->Takes(*from_)) return Status::PermissionDenied("the node was removed");
    Batch batch = std::get<Batch>(*std::move(request));
    core.metrics.received.Add(batch.size());
    core.metrics.received_bytes.Add(bytes.size());
    core.receiver.Receive(*from_, std::move(batch));
    return Status::Ok();
  }

  Status Greet(rpc::Call& call, const Hello& hello) {
    RETURN_IF_ERROR(inbound_->Check(hello, call.peer()));
    const Status judged = inbound_->Judge(hello, call.peer());
    refused_ = !judged.ok();
    from_ = hello.from;
    Identity* const identity = inbound_->core_->doors.identity;
    // Who is refused learns of both identities, and ends the call. So it can tell who is wrong.
    call.Send(EncodeWelcome({.greeting = identity == nullptr ? "" : identity->Greeting(),
                             .refusal = std::string(judged.message()),
                             .later = judged.code() == StatusCode::kUnavailable}));
    if (judged.ok()) inbound_->Begin(hello.from, call_.lock());
    return Status::Ok();
  }

  const std::shared_ptr<Inbound> inbound_;
  const std::weak_ptr<rpc::Call> call_;
  std::optional<NodeId> from_;  // who said hello
  bool refused_ = false;        // what it says after it is let be
};

// One snapshot; its data grow by what has come, not by what was promised.
class Inbound::SnapshotHandler final : public rpc::CallHandler {
 public:
  explicit SnapshotHandler(std::shared_ptr<Inbound> inbound) : inbound_(std::move(inbound)) {}

  void OnMessage(rpc::Call& call, std::string bytes) override {
    if (over_) return;
    const Status status = Take(call, bytes);
    if (status.ok()) return;
    over_ = true;
    call.End(status);
  }
  void OnPeerEnded(rpc::Call& call) override {
    if (over_) return;
    over_ = true;
    call.End(Refused(call, Refuse::kChunk, "the snapshot ends too early"));
  }
  void OnDone(rpc::Call& call, const Status& status) override {
    if (counted_) inbound_->EndSnapshot();
    if (status.code() == StatusCode::kResourceExhausted) {
      static_cast<void>(Refused(call, Refuse::kTooLong, std::string(status.message())));
    }
  }

 private:
  const TransportOptions& options() const { return inbound_->core_->options; }
  Status Refused(rpc::Call& call, Refuse why, const std::string& what) {
    return inbound_->core_->metrics.Refused(why, call.peer(), what);
  }

  Status Take(rpc::Call& call, std::string_view bytes) {
    if (bytes.size() > options().snapshot_chunk_bytes + kMaxMembers * 64) {
      return Refused(call, Refuse::kTooLong, "a chunk of " + Bytes(bytes.size()));
    }
    auto request = DecodeSnapshotRequest(bytes);
    if (!request.ok()) {
      return Refused(call, Refuse::kMalformed, std::string(request.status().message()));
    }
    if (const Hello* hello = std::get_if<Hello>(&*request)) {
      if (from_.has_value()) return Refused(call, Refuse::kMalformed, "it says hello twice");
      RETURN_IF_ERROR(inbound_->Check(*hello, call.peer()));
      RETURN_IF_ERROR(inbound_->Judge(*hello, call.peer()));
      from_ = hello->from;
      return Status::Ok();
    }
    if (!from_.has_value()) return Refused(call, Refuse::kMalformed, "it does not say hello");
    if (auto* header = std::get_if<SnapshotHeader>(&*request)) {
      return TakeHeader(call, std::move(*header));
    }
    return TakeChunk(call, std::get<SnapshotChunk>(*request));
  }

  Status TakeHeader(rpc::Call& call, SnapshotHeader header) {
    if (header_.has_value()) return Refused(call, Refuse::kMalformed, "a second snapshot");
    if (header.size_bytes > options().max_snapshot_bytes) {
      return Refused(call, Refuse::kTooLong, "a snapshot of " + Bytes(header.size_bytes));
    }
    if (!inbound_->BeginSnapshot()) {
      return Refused(call, Refuse::kBusy, "too many snapshots at a time");
    }
    counted_ = true;
    header_ = std::move(header);
    return header_->size_bytes == 0 ? Finish(call) : Status::Ok();
  }

  Status TakeChunk(rpc::Call& call, const SnapshotChunk& chunk) {
    if (!header_.has_value()) return Refused(call, Refuse::kChunk, "a chunk of no snapshot");
    if (chunk.offset != data_.size()) {
      return Refused(call, Refuse::kChunk,
                     "a chunk at " + std::to_string(chunk.offset) + " where " +
                         std::to_string(data_.size()) + " comes next");
    }
    if (chunk.data.empty() || chunk.data.size() > header_->size_bytes - data_.size()) {
      return Refused(call, Refuse::kChunk,
                     "a chunk of " + Bytes(chunk.data.size()) + ", and " +
                         Bytes(header_->size_bytes - data_.size()) + " are left");
    }
    if (base::Crc32c(chunk.data) != chunk.crc32c) {
      return Refused(call, Refuse::kChunk,
                     "the checksum of the chunk at " + std::to_string(chunk.offset) + " is wrong");
    }
    data_ += chunk.data;
    return data_.size() == header_->size_bytes ? Finish(call) : Status::Ok();
  }

  Status Finish(rpc::Call& call) {
    if (base::Crc32c(data_) != header_->crc32c) {
      return Refused(call, Refuse::kChunk, "the checksum of the snapshot is wrong");
    }
    if (!inbound_->Takes(*from_)) return Status::PermissionDenied("the node was removed");
    raft::Message& message = header_->message.message;
    auto snapshot = std::make_shared<raft::Snapshot>(*message.snapshot);
    snapshot->data = raft::Payload(std::move(data_));
    message.snapshot = std::move(snapshot);
    over_ = true;
    inbound_->core_->metrics.snapshots_received.Add();
    Batch batch;
    batch.push_back(std::move(header_->message));
    inbound_->core_->receiver.Receive(*from_, std::move(batch));
    call.Send("");  // a SnapshotResponse has no fields
    call.End(Status::Ok());
    return Status::Ok();
  }

  const std::shared_ptr<Inbound> inbound_;
  std::optional<NodeId> from_;
  std::optional<SnapshotHeader> header_;
  std::string data_;
  bool counted_ = false;
  bool over_ = false;
};

rpc::Service Inbound::MakeService(rpc::Executor executor) {
  rpc::Service service{.name = std::string(kServiceName),
                       .methods = {},
                       .executor = std::move(executor),
                       .limits = {.max_message_bytes = core_->options.max_request_bytes}};
  service.methods.push_back(
      {"Messages", [self = shared_from_this()](const std::shared_ptr<rpc::Call>& call) {
         return std::make_shared<MessagesHandler>(self, call);
       }});
  service.methods.push_back(
      {"Snapshot", [self = shared_from_this()](const std::shared_ptr<rpc::Call>&) {
         return std::make_shared<SnapshotHandler>(self);
       }});
  return service;
}

void Inbound::Allow(NodeId node) {
  base::MutexLock lock(mu_);
  if (!removed_.contains(node)) allowed_.insert(node);
}

void Inbound::Remove(NodeId node) {
  std::shared_ptr<rpc::Call> call;
  {
    base::MutexLock lock(mu_);
    allowed_.erase(node);
    removed_.insert(node);
    if (const auto it = streams_.find(node); it != streams_.end()) {
      call = it->second.lock();
      streams_.erase(it);
    }
  }
  if (call != nullptr) call->End(Status::PermissionDenied("the node was removed"));
}

void Inbound::Close() {
  std::map<NodeId, std::weak_ptr<rpc::Call>> streams;
  {
    base::MutexLock lock(mu_);
    closed_ = true;
    streams.swap(streams_);
  }
  for (const auto& [node, weak] : streams) {
    if (const auto call = weak.lock()) call->End(Status::Unavailable("the node is being stopped"));
  }
}

Status Inbound::Check(const Hello& hello, const std::string& peer) {
  const TransportOptions& options = core_->options;
  TransportMetrics& metrics = core_->metrics;
  const std::string node = "node " + std::to_string(hello.from);
  if (hello.protocol != kProtocolVersion) {
    return metrics.Refused(Refuse::kProtocol, peer,
                           node + " speaks protocol " + std::to_string(hello.protocol) +
                               ", and this node " + std::to_string(kProtocolVersion));
  }
  if (hello.cluster != options.cluster) {
    return metrics.Refused(Refuse::kCluster, peer,
                           node + " is of cluster " + std::to_string(hello.cluster) +
                               ", and this node of " + std::to_string(options.cluster));
  }
  if (hello.to != options.node) {
    return metrics.Refused(Refuse::kWrongNode, peer,
                           node + " looks for node " + std::to_string(hello.to) + ", and this is " +
                               std::to_string(options.node));
  }
  bool removed = false;
  {
    base::MutexLock lock(mu_);
    if (closed_) return Status::Unavailable("the node is being stopped");
    if (allowed_.contains(hello.from)) return Status::Ok();
    removed = removed_.contains(hello.from);
  }
  if (removed) return metrics.Refused(Refuse::kRemovedNode, peer, node + " was removed");
  return metrics.Refused(Refuse::kUnknownNode, peer, node + " is not known here");
}

Status Inbound::Judge(const Hello& hello, const std::string& peer) {
  Identity* const identity = core_->doors.identity;
  if (identity == nullptr) return Status::Ok();
  Status judged = identity->Greeted(hello.from, hello.greeting);
  // Who has only to come again is no stranger.
  if (judged.ok() || judged.code() == StatusCode::kUnavailable) return judged;
  return core_->metrics.Refused(Refuse::kIdentity, peer, std::string(judged.message()));
}

void Inbound::Begin(NodeId from, const std::shared_ptr<rpc::Call>& call) {
  std::shared_ptr<rpc::Call> older;
  {
    base::MutexLock lock(mu_);
    std::weak_ptr<rpc::Call>& stream = streams_[from];
    older = stream.lock();
    stream = call;
  }
  if (older != nullptr) older->End(Status::Aborted("the node has begun another stream"));
}

bool Inbound::Takes(NodeId node) const {
  base::MutexLock lock(mu_);
  return !closed_ && allowed_.contains(node);
}

bool Inbound::BeginSnapshot() {
  base::MutexLock lock(mu_);
  if (snapshots_ >= core_->options.max_incoming_snapshots) return false;
  ++snapshots_;
  return true;
}

void Inbound::EndSnapshot() {
  base::MutexLock lock(mu_);
  --snapshots_;
}

}  // namespace nokv::transport
