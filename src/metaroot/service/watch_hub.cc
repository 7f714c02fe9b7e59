#include "metaroot/service/watch_hub.h"

#include <nokv/meta/v1/root.pb.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nokv::metaroot {

namespace {

namespace wire = ::nokv::meta::v1;

}  // namespace

// One Watch call. What it sends is in order, since it is sent with the lock held.
class Watcher final : public rpc::CallHandler, public std::enable_shared_from_this<Watcher> {
 public:
  Watcher(std::shared_ptr<WatchHub> hub, uint64_t id, std::shared_ptr<rpc::Call> call)
      : hub_(std::move(hub)), id_(id), call_(std::move(call)) {}

  void OnMessage(rpc::Call& call, std::string message) override {
    wire::WatchRequest request;
    if (!request.ParseFromString(message)) {
      return call.End(Status::InvalidArgument("the request cannot be read"));
    }
    {
      const base::MutexLock lock(mu_);
      if (std::exchange(asked_, true)) {
        return call.End(Status::InvalidArgument("a watch has one request"));
      }
      if (request.has_after_revision()) told_ = request.after_revision();
      const WatchLimits& limits = hub_->limits_;
      heartbeat_ms_ = request.heartbeat_ms() == 0
                          ? limits.default_heartbeat_ms
                          : std::clamp(request.heartbeat_ms(), limits.min_heartbeat_ms,
                                       limits.max_heartbeat_ms);
    }
    hub_->With([this] { Pump(); });
    Beat();
  }
  void OnPeerEnded(rpc::Call& /*call*/) override {}  // it has nothing more to ask
  void OnSent(rpc::Call& /*call*/) override {
    {
      const base::MutexLock lock(mu_);
      sending_ = false;
    }
    hub_->With([this] { Pump(); });
  }
  void OnDone(rpc::Call& /*call*/, const Status& /*status*/) override {
    {
      const base::MutexLock lock(mu_);
      call_.reset();
    }
    hub_->Forget(id_);
  }

  // Sends what comes next, unless something is on its way. Within WatchHub::With.
  void Pump() EXCLUDES(mu_) {
    const base::MutexLock lock(mu_);
    if (call_ == nullptr || !asked_ || sending_) return;
    if (parts_.empty() && !told_.has_value()) TakeState();
    if (!parts_.empty()) {
      Send(std::move(parts_.front()));
      return parts_.pop_front();
    }
    std::optional<std::vector<TailEvent>> events = hub_->machine_.EventsAfter(*told_);
    if (!events.has_value()) {
      TakeState();
      Send(std::move(parts_.front()));
      return parts_.pop_front();
    }
    if (!events->empty()) return SendEvents(*events);
    // What was confirmed may be behind what was told: it says nothing then.
    if (std::exchange(confirmed_, false)) {
      wire::WatchResponse response;
      response.mutable_heartbeat()->set_revision(*told_);
      Send(response.SerializeAsString());
    }
  }

  void End(const Status& why) EXCLUDES(mu_) {
    std::shared_ptr<rpc::Call> call;
    {
      const base::MutexLock lock(mu_);
      call = call_;
    }
    if (call != nullptr) call->End(why);
  }

 private:
  // Has a quorum confirm what is known, again and again.
  void Beat() EXCLUDES(mu_) {
    uint64_t heartbeat_ms = 0;
    {
      const base::MutexLock lock(mu_);
      if (call_ == nullptr) return;
      heartbeat_ms = heartbeat_ms_;
    }
    const auto self = shared_from_this();
    hub_->With([&] {
      hub_->confirm_([self](bool confirmed) {
        if (!confirmed) return;
        self->hub_->With([&] { self->Confirmed(); });
      });
      hub_->runtime_.PostAfter(runtime::Lane::kUrgent, heartbeat_ms * 1000,
                               [self] { self->Beat(); });
    });
  }
  void Confirmed() EXCLUDES(mu_) {
    {
      const base::MutexLock lock(mu_);
      confirmed_ = true;
    }
    Pump();
  }

  void TakeState() REQUIRES(mu_) {
    const State state = hub_->machine_.state();
    for (wire::StatePart& part : ToParts(state)) {
      wire::WatchResponse response;
      response.mutable_state()->Swap(&part);
      parts_.push_back(response.SerializeAsString());
    }
    told_ = state.revision;
  }
  void SendEvents(const std::vector<TailEvent>& events) REQUIRES(mu_) {
    wire::WatchResponse response;
    size_t bytes = 0;
    for (const TailEvent& event : events) {
      wire::CommittedEvent* added = response.mutable_events()->add_events();
      ToWire(event, added);
      told_ = event.revision;
      bytes += added->ByteSizeLong();
      if (bytes >= kWirePartBytes) break;
    }
    Send(response.SerializeAsString());
  }
  void Send(std::string message) REQUIRES(mu_) {
    sending_ = true;
    call_->Send(std::move(message));
  }

  const std::shared_ptr<WatchHub> hub_;
  const uint64_t id_;
  base::Mutex mu_;
  std::shared_ptr<rpc::Call> call_ GUARDED_BY(mu_);  // null: it is over
  bool asked_ GUARDED_BY(mu_) = false;
  bool sending_ GUARDED_BY(mu_) = false;
  bool confirmed_ GUARDED_BY(mu_) = false;
  uint64_t heartbeat_ms_ GUARDED_BY(mu_) = 0;
  std::optional<uint64_t> told_ GUARDED_BY(mu_);   // up to here, with what is in parts_
  std::deque<std::string> parts_ GUARDED_BY(mu_);  // of the state, still to be sent
};

WatchHub::WatchHub(runtime::Runtime& runtime, const RootMachine& machine, Confirm confirm,
                   const WatchLimits& limits)
    : runtime_(runtime), machine_(machine), confirm_(std::move(confirm)), limits_(limits) {}

WatchHub::~WatchHub() = default;

std::shared_ptr<rpc::CallHandler> WatchHub::Accept(const std::shared_ptr<rpc::Call>& call) {
  const base::MutexLock lock(mu_);
  if (closed_) return nullptr;
  if (watchers_.size() >= limits_.max_watchers) {
    call->End(Status::ResourceExhausted("there are " + std::to_string(limits_.max_watchers) +
                                        " watchers, as many as there may be"));
    return nullptr;
  }
  const uint64_t id = next_id_++;
  const auto watcher = std::make_shared<Watcher>(shared_from_this(), id, call);
  watchers_.emplace(id, watcher);
  return watcher;
}

void WatchHub::Notify() {
  std::vector<std::shared_ptr<Watcher>> watchers;
  {
    const base::MutexLock lock(mu_);
    if (closed_) return;
    for (const auto& [id, watcher] : watchers_) watchers.push_back(watcher);
  }
  for (const auto& watcher : watchers) {
    With([&] { watcher->Pump(); });
  }
}

void WatchHub::Close(const Status& why, runtime::Task closed) {
  std::map<uint64_t, std::shared_ptr<Watcher>> watchers;
  {
    const base::MutexLock lock(mu_);
    closed_ = true;
    watchers.swap(watchers_);
    if (users_ > 0) when_unused_ = std::exchange(closed, nullptr);
  }
  for (const auto& [id, watcher] : watchers) watcher->End(why);
  if (closed) closed();
}

size_t WatchHub::watchers() const {
  const base::MutexLock lock(mu_);
  return watchers_.size();
}

void WatchHub::With(const std::function<void()>& use) {
  {
    const base::MutexLock lock(mu_);
    if (closed_) return;
    users_++;
  }
  use();
  runtime::Task unused;
  {
    const base::MutexLock lock(mu_);
    if (--users_ == 0) unused = std::exchange(when_unused_, nullptr);
  }
  if (unused) unused();
}

void WatchHub::Forget(uint64_t id) {
  const base::MutexLock lock(mu_);
  watchers_.erase(id);
}

}  // namespace nokv::metaroot
