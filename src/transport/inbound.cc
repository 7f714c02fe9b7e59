#include "transport/inbound.h"

#include <optional>
#include <utility>
#include <variant>

#include "base/macros.h"

namespace nokv::transport {

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
      {"Snapshot", [self = shared_from_this()](const std::shared_ptr<rpc::Call>& call) {
         return self->TakeSnapshot(call, /*resumes=*/false);
       }});
  service.methods.push_back(
      {"ResumeSnapshot", [self = shared_from_this()](const std::shared_ptr<rpc::Call>& call) {
         return self->TakeSnapshot(call, /*resumes=*/true);
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
