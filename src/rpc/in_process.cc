#include "rpc/in_process.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "rpc/in_process_wire.h"

namespace nokv::rpc {

// The methods of one server, and its calls.
struct InProcessListener {
  std::vector<Service> services;
  base::Mutex mu;
  bool closed GUARDED_BY(mu) = false;
  std::vector<std::weak_ptr<InProcessWire>> wires GUARDED_BY(mu);

  std::pair<const Service*, const Method*> Find(const std::string& path) const {
    for (const Service& service : services) {
      for (const Method& method : service.methods) {
        if (MethodPath(service.name, method.name) == path) return {&service, &method};
      }
    }
    return {nullptr, nullptr};
  }
};

class InProcessHub : public InProcessClock {
 public:
  InProcessHub(runtime::Runtime& runtime, Weather weather, size_t window_bytes)
      : runtime_(runtime), weather_(std::move(weather)), window_bytes_(window_bytes) {}

  std::optional<uint64_t> Delay(const std::string& from, const std::string& to) override {
    return weather_ == nullptr ? 0 : weather_(from, to);
  }
  size_t WindowBytes() const override { return window_bytes_; }
  uint64_t NowMicros() override { return runtime_.clock().MonotonicMicros(); }
  void After(uint64_t micros, runtime::Task task) override {
    if (micros == 0) return runtime_.Post(runtime::Lane::kLog, std::move(task));
    runtime_.PostAfter(runtime::Lane::kLog, micros, std::move(task));
  }

  bool Add(const std::string& address, const std::shared_ptr<InProcessListener>& listener)
      EXCLUDES(mu_) {
    base::MutexLock lock(mu_);
    return listeners_.emplace(address, listener).second;
  }
  void Remove(const std::string& address) EXCLUDES(mu_) {
    base::MutexLock lock(mu_);
    listeners_.erase(address);
  }
  std::shared_ptr<InProcessListener> Find(const std::string& address) EXCLUDES(mu_) {
    base::MutexLock lock(mu_);
    const auto it = listeners_.find(address);
    return it == listeners_.end() ? nullptr : it->second;
  }

 private:
  runtime::Runtime& runtime_;
  const Weather weather_;
  const size_t window_bytes_;
  base::Mutex mu_;
  std::map<std::string, std::shared_ptr<InProcessListener>> listeners_ GUARDED_BY(mu_);
};

namespace {

class InProcessServer final : public Server {
 public:
  InProcessServer(std::shared_ptr<InProcessHub> hub, std::shared_ptr<InProcessListener> listener,
                  std::string address)
      : hub_(std::move(hub)), listener_(std::move(listener)), address_(std::move(address)) {}
  ~InProcessServer() override {
    hub_->Remove(address_);
    std::vector<std::weak_ptr<InProcessWire>> wires;
    {
      base::MutexLock lock(listener_->mu);
      listener_->closed = true;
      wires.swap(listener_->wires);
    }
    for (const std::weak_ptr<InProcessWire>& weak : wires) {
      if (const auto wire = weak.lock()) {
        wire->Break(Status::Unavailable("the server at " + address_ + " has ended"));
      }
    }
  }

  const std::string& address() const override { return address_; }
  // Nobody asks.
  void SetServing(const std::string& /*service*/, bool /*serving*/) override {}

 private:
  const std::shared_ptr<InProcessHub> hub_;
  const std::shared_ptr<InProcessListener> listener_;
  const std::string address_;
};

// The call reaches the server.
void Connect(InProcessHub& hub, const std::shared_ptr<InProcessWire>& wire, const std::string& to,
             const std::string& path) {
  const std::shared_ptr<InProcessListener> listener = hub.Find(to);
  if (listener == nullptr) {
    return wire->Break(Status::Unavailable("nobody listens at " + to));
  }
  const auto [service, method] = listener->Find(path);
  if (method == nullptr) {
    return wire->Break(Status::Unimplemented(to + " has no method " + path));
  }
  {
    base::MutexLock lock(listener->mu);
    if (listener->closed) return wire->Break(Status::Unavailable("nobody listens at " + to));
    std::erase_if(listener->wires, [](const auto& weak) { return weak.expired(); });
    listener->wires.push_back(wire);
  }
  wire->Serve(service->limits, service->executor, method->accept);
}

class InProcessChannel final : public Channel {
 public:
  InProcessChannel(std::shared_ptr<InProcessHub> hub, std::string from, std::string to,
                   Executor executor, const CallLimits& limits)
      : hub_(std::move(hub)),
        from_(std::move(from)),
        to_(std::move(to)),
        executor_(std::move(executor)),
        limits_(limits) {}

  InProcessChannel(const InProcessChannel&) = delete;
  InProcessChannel& operator=(const InProcessChannel&) = delete;
  ~InProcessChannel() override {
    std::vector<std::weak_ptr<InProcessWire>> wires;
    {
      base::MutexLock lock(mu_);
      wires.swap(wires_);
    }
    for (const std::weak_ptr<InProcessWire>& weak : wires) {
      if (const auto wire = weak.lock()) {
        wire->Break(Status(StatusCode::kCancelled, "its channel is gone"));
      }
    }
  }

  std::shared_ptr<Call> Open(const std::string& method, const CallOptions& options,
                             std::shared_ptr<CallHandler> handler) override {
    const auto wire = std::make_shared<InProcessWire>(hub_, from_, to_);
    {
      base::MutexLock lock(mu_);
      std::erase_if(wires_, [](const auto& weak) { return weak.expired(); });
      wires_.push_back(wire);
    }
    std::shared_ptr<Call> call = wire->Open(limits_, executor_, std::move(handler));
    const std::optional<uint64_t> delay = hub_->Delay(from_, to_);
    if (!delay.has_value()) {
      hub_->After(0, [wire, to = to_] { wire->Break(Status::Unavailable("cannot reach " + to)); });
      return call;
    }
    hub_->After(*delay, [hub = hub_, wire, to = to_, method] { Connect(*hub, wire, to, method); });
    if (options.deadline_ms > 0) {
      hub_->After(options.deadline_ms * 1000, [weak = std::weak_ptr<Call>(call)] {
        const std::shared_ptr<Call> late = weak.lock();
        if (late == nullptr) return;
        late->End(Status(StatusCode::kDeadlineExceeded, "no end of the call in time"));
      });
    }
    return call;
  }

 private:
  const std::shared_ptr<InProcessHub> hub_;
  const std::string from_;
  const std::string to_;
  const Executor executor_;
  const CallLimits limits_;
  base::Mutex mu_;
  std::vector<std::weak_ptr<InProcessWire>> wires_ GUARDED_BY(mu_);
};

}  // namespace

InProcessNetwork::InProcessNetwork(runtime::Runtime& runtime, Weather weather, size_t window_bytes)
    : hub_(std::make_shared<InProcessHub>(runtime, std::move(weather), window_bytes)) {}

Result<std::unique_ptr<Server>> InProcessNetwork::Listen(const std::string& address,
                                                         std::vector<Service> services) {
  auto listener = std::make_shared<InProcessListener>();
  listener->services = std::move(services);
  if (!hub_->Add(address, listener)) {
    return Status::AlreadyExists("somebody listens at " + address + " already");
  }
  return std::unique_ptr<Server>(
      std::make_unique<InProcessServer>(hub_, std::move(listener), address));
}

std::unique_ptr<Channel> InProcessNetwork::NewChannel(const std::string& from,
                                                      const std::string& to, Executor executor,
                                                      const CallLimits& limits) {
  return std::make_unique<InProcessChannel>(hub_, from, to, std::move(executor), limits);
}

}  // namespace nokv::rpc
