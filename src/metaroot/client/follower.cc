#include "metaroot/client/follower.h"

#include <nokv/meta/v1/root.pb.h>

#include <utility>
#include <vector>

#include "base/macros.h"

namespace nokv::metaroot {

namespace {

namespace wire = ::nokv::meta::v1;

constexpr uint64_t kSilentHeartbeats = 3;

}  // namespace

class Follower::Stream final : public rpc::CallHandler {
 public:
  explicit Stream(std::shared_ptr<Follower> follower) : follower_(std::move(follower)) {}

  void OnMessage(rpc::Call& call, std::string message) override {
    if (!status_.ok()) return;
    status_ = follower_->Take(message);
    if (!status_.ok()) call.End(status_);
  }
  void OnDone(rpc::Call& /*call*/, const Status& status) override {
    follower_->Ended(status_.ok() ? status : status_);
  }

 private:
  const std::shared_ptr<Follower> follower_;
  Status status_;
};

void Follower::Start() {
  index_ = nodes_->preferred();
  Begin();
}

void Follower::Begin() {
  wire::WatchRequest request;
  if (revision_.has_value() && !must_reload_) request.set_after_revision(*revision_);
  request.set_heartbeat_ms(heartbeat_ms_);
  assembler_ = StateAssembler();
  heard_us_ = nodes_->now_us();
  const auto stream = std::make_shared<Stream>(shared_from_this());
  {
    base::MutexLock lock(mu_);
    stream_ = stream;
  }
  const std::shared_ptr<rpc::Call> call = nodes_->Open(index_, "Watch", {}, stream);
  if (call == nullptr) return;
  {
    base::MutexLock lock(mu_);
    if (stream_ == stream) call_ = call;
  }
  call->Send(request.SerializeAsString());
  call->End(Status::Ok());
  Watch(stream);
}

void Follower::Watch(const std::shared_ptr<Stream>& stream) {
  const uint64_t patience_us = heartbeat_ms_ * kSilentHeartbeats * 1000;
  const uint64_t silent_us = nodes_->now_us() - heard_us_;
  std::shared_ptr<rpc::Call> silent;
  {
    base::MutexLock lock(mu_);
    if (stream_ != stream) return;
    if (silent_us >= patience_us) silent = call_;
  }
  if (silent != nullptr) {
    return silent->End(
        Status::Unavailable("it has said nothing for " + std::to_string(silent_us / 1000) + " ms"));
  }
  nodes_->Pause(patience_us - silent_us, [self = shared_from_this(), stream](bool go) {
    if (go) self->Watch(stream);
  });
}

Status Follower::Take(const std::string& message) {
  heard_us_ = nodes_->now_us();
  wire::WatchResponse response;
  if (!response.ParseFromString(message)) return Status::Internal("it sent what cannot be read");
  switch (response.kind_case()) {
    case wire::WatchResponse::kState: {
      RETURN_IF_ERROR(assembler_.Add(response.state()));
      if (!assembler_.done()) return Status::Ok();
      State state = assembler_.Take();
      failures_ = 0;
      // A node that is behind must not take its listener back.
      if (revision_.has_value() && state.revision < *revision_) {
        return Status::Unavailable("it is behind what is known already");
      }
      revision_ = state.revision;
      must_reload_ = false;
      listener_.OnState(std::move(state));
      return Status::Ok();
    }
    case wire::WatchResponse::kEvents:
      return TakeEvents(response);
    case wire::WatchResponse::kHeartbeat:
      if (revision_ != response.heartbeat().revision()) {
        return Status::Internal("it has left out events");
      }
      failures_ = 0;
      nodes_->Note(index_, /*answered=*/true);
      listener_.OnHeartbeat(*revision_);
      return Status::Ok();
    case wire::WatchResponse::KIND_NOT_SET:
      break;
  }
  return Status::Ok();  // of a newer version
}

Status Follower::TakeEvents(const wire::WatchResponse& response) {
  std::vector<TailEvent> events;
  for (const wire::CommittedEvent& in : response.events().events()) {
    if (Status status = FromWire(in, &events.emplace_back()); !status.ok()) {
      // Of a newer version: what became of it is in the state.
      must_reload_ = true;
      return status;
    }
    if (!revision_.has_value() || events.back().revision != *revision_ + 1) {
      return Status::Internal("it has left out events");
    }
    revision_ = events.back().revision;
  }
  failures_ = 0;
  if (events.empty()) return Status::Ok();
  Status status = listener_.OnEvents(std::move(events));
  must_reload_ = !status.ok();
  return status;
}

void Follower::Ended(const Status& status) {
  {
    base::MutexLock lock(mu_);
    stream_.reset();
    call_.reset();
  }
  if (nodes_->closed()) return;
  nodes_->Note(index_, /*answered=*/false);
  const std::string address = nodes_->AddressOf(index_);
  listener_.OnLost(status.ok() ? Status::Unavailable(address + " ended the stream")
                               : status.Prefixed(address));
  index_ = nodes_->After(index_);
  nodes_->PauseAfter(++failures_, UINT64_MAX, [self = shared_from_this()](bool go) {
    if (go) self->Begin();
  });
}

}  // namespace nokv::metaroot
