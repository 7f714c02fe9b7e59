#include "sim/gateway/sim_loop.h"

#include <utility>

namespace nokv::sim {

class SimLoop::SimTimer final : public rpc::stream::Timer {
 public:
  SimTimer(SimLoop& loop, uint64_t id) : loop_(loop), id_(id) {}
  ~SimTimer() override { loop_.timers_.erase(id_); }

 private:
  SimLoop& loop_;
  const uint64_t id_;
};

void SimLoop::RunOnLoop(const std::function<void()>& task) {
  on_loop_ = true;
  task();
  on_loop_ = false;
}

size_t SimLoop::PollRound() {
  size_t ran = 0;
  on_loop_ = true;
  for (const auto& task : std::exchange(tasks_, {})) {
    task();
    ran++;
  }
  const uint64_t now_us = clock_.MonotonicMicros();
  std::vector<uint64_t> due;
  for (const auto& [id, timer] : timers_) {
    if (timer.due_us <= now_us) due.push_back(id);
  }
  for (const uint64_t id : due) {
    const auto found = timers_.find(id);
    if (found == timers_.end()) continue;  // the tick of another has stopped it
    found->second.due_us = now_us + found->second.interval_us;
    found->second.tick();
    ran++;
  }
  on_loop_ = false;
  return ran;
}

size_t SimLoop::Poll() {
  size_t ran = 0;
  while (const size_t now = PollRound()) ran += now;
  return ran;
}

std::unique_ptr<rpc::stream::Timer> SimLoop::Every(uint64_t interval_ms,
                                                   std::function<void()> tick) {
  const uint64_t id = next_timer_++;
  const uint64_t interval_us = interval_ms * 1000;
  timers_.emplace(id,
                  Repeated{interval_us, clock_.MonotonicMicros() + interval_us, std::move(tick)});
  return std::make_unique<SimTimer>(*this, id);
}

void SimLoop::OnSignals(const std::vector<int>& /*signals*/, std::function<void(int)> /*handler*/) {
}

Result<std::unique_ptr<rpc::stream::Listener>> SimLoop::Listen(
    const std::string& address, rpc::stream::AcceptHandler /*accept*/,
    const rpc::stream::ListenOptions& /*options*/) {
  return Status::Unimplemented("listening on " + address + " in a simulation");
}

}  // namespace nokv::sim
