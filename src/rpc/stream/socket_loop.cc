#include <memory>
#include <optional>
#include <utility>

#include "base/macros.h"
#include "rpc/stream/bridge.h"
#include "rpc/stream/event_loop.h"
#include "rpc/stream/signal_pipe.h"
#include "rpc/stream/stream.h"
#include "rpc/stream/tcp_connection.h"
#include "rpc/stream/tcp_listener.h"

namespace nokv::rpc::stream {

namespace {

constexpr size_t kReadBufferBytes = size_t{64} << 10;

class RepeatingTimer final : public Timer {
 public:
  RepeatingTimer(EventLoop& loop, uint64_t interval_ms, std::function<void()> tick)
      : state_(std::make_shared<State>(loop, interval_ms, std::move(tick))) {
    State::Arm(state_);
  }
  ~RepeatingTimer() override {
    state_->stopped = true;
    state_->loop.CancelTimer(state_->timer);
  }

 private:
  // Outlives the timer if that is destroyed by its own tick.
  struct State {
    State(EventLoop& event_loop, uint64_t interval, std::function<void()> on_tick)
        : loop(event_loop), interval_ms(interval), tick(std::move(on_tick)) {}
    static void Arm(const std::shared_ptr<State>& self) {
      self->timer = self->loop.StartTimer(self->interval_ms, [self] {
        self->tick();
        if (!self->stopped) Arm(self);
      });
    }
    EventLoop& loop;
    const uint64_t interval_ms;
    const std::function<void()> tick;
    EventLoop::TimerId timer = 0;
    bool stopped = false;
  };
  const std::shared_ptr<State> state_;
};

class SocketLoop final : public Loop {
 public:
  SocketLoop(base::Logger& logger, uint64_t poll_micros) : state_(logger, poll_micros) {
    state_.read_buffer.resize(kReadBufferBytes);
  }

  void Run() override { state_.loop.Run(); }
  size_t Poll() override { return state_.loop.RunReady(); }
  void Stop() override { state_.loop.Stop(); }
  void Post(std::function<void()> task) override { state_.loop.Post(std::move(task)); }
  bool OnLoopThread() const override { return state_.loop.OnLoopThread(); }

  std::unique_ptr<Timer> Every(uint64_t interval_ms, std::function<void()> tick) override {
    return std::make_unique<RepeatingTimer>(state_.loop, interval_ms, std::move(tick));
  }
  void OnSignals(const std::vector<int>& signals, std::function<void(int)> handler) override {
    signals_.emplace(state_.loop, signals, std::move(handler));
  }
  Result<std::unique_ptr<Listener>> Listen(const std::string& address, AcceptHandler accept,
                                           const ListenOptions& options) override {
    auto listener = std::make_unique<TcpListener>(state_, PlacesOf(std::move(accept), options));
    RETURN_IF_ERROR(listener->Open(address));
    return std::unique_ptr<Listener>(std::move(listener));
  }

 private:
  std::vector<Place> PlacesOf(AcceptHandler accept, const ListenOptions& options) {
    std::vector<Place> places;
    for (Loop* loop : options.io_loops) {
      LoopState& io = static_cast<SocketLoop*>(loop)->state_;
      auto bridge = std::make_shared<Bridge>(state_.loop, io.loop, accept);
      places.push_back({&io, std::make_shared<const Reception>(Reception{
                                 [bridge](Connection& c) { return bridge->Accept(c); }, options})});
    }
    if (places.empty()) {
      places.push_back(
          {&state_, std::make_shared<const Reception>(Reception{std::move(accept), options})});
    }
    return places;
  }

  LoopState state_;
  std::optional<SignalPipe> signals_;
};

}  // namespace

std::unique_ptr<Loop> NewLoop(base::Logger& logger, uint64_t poll_micros) {
  return std::make_unique<SocketLoop>(logger, poll_micros);
}

}  // namespace nokv::rpc::stream
