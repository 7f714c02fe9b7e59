#include "sim/world/process_runtime.h"

#include <algorithm>

#include "base/check.h"

namespace nokv::sim {
namespace {

// What a paused process may have waiting, as the buffers of its sockets would.
constexpr size_t kMaxHeld = 4096;

class ProcessEvent : public runtime::Event {
 public:
  void Set() override { set_ = true; }
  bool IsSet() const override { return set_; }
  void Wait() override { NOKV_CHECK(set_) << "a simulated process waits in a task"; }

 private:
  bool set_ = false;
};

class ProcessEventCount : public runtime::EventCount {
 public:
  void Advance() override { count_++; }
  void Close() override { closed_ = true; }
  bool Await(uint64_t value) override {
    NOKV_CHECK(closed_ || count_ >= value) << "a simulated process waits in a task";
    return count_ >= value;
  }

 private:
  uint64_t count_ = 0;
  bool closed_ = false;
};

}  // namespace

uint64_t MachineClock::MonotonicMicros() {
  return base_us_ + (world_.now_us() - since_us_) * per_mille_ / 1000;
}

uint64_t MachineClock::WallMillis() {
  return static_cast<uint64_t>(static_cast<int64_t>(world_.runtime().clock().WallMillis() +
                                                    MonotonicMicros() / 1000 -
                                                    world_.now_us() / 1000) +
                               wall_offset_ms_);
}

void MachineClock::SetRate(uint64_t per_mille) {
  base_us_ = MonotonicMicros();
  since_us_ = world_.now_us();
  per_mille_ = per_mille;
}

ProcessRuntime::ProcessRuntime(World& world, MachineClock& clock, Cost cost)
    : world_(world),
      clock_(clock),
      cost_(std::move(cost)),
      self_(std::make_shared<ProcessRuntime*>(this)) {}

ProcessRuntime::~ProcessRuntime() {
  *self_ = nullptr;
  // The end of a task may post another one, or cancel one: outside of the map.
  while (!tasks_.empty()) {
    const auto dropped = std::exchange(tasks_, {});
    timers_.clear();
  }
}

void ProcessRuntime::RunLater(uint64_t delay_us, runtime::Lane lane, Number number) {
  world_.After(
      delay_us,
      [self = self_, number] {
        if (*self != nullptr) (*self)->Run(number);
      },
      lane);
}

void ProcessRuntime::Post(runtime::Lane lane, runtime::Task task) {
  const uint64_t now = world_.now_us();
  uint64_t& free_us = lane_free_us_[static_cast<size_t>(lane)];
  free_us = std::max(free_us, now) + cost_(lane);
  tasks_.emplace(next_, std::move(task));
  RunLater(free_us - now, lane, next_++);
}

runtime::TimerId ProcessRuntime::PostAfter(runtime::Lane lane, uint64_t delay_micros,
                                           runtime::Task task) {
  const Number number = next_++;
  tasks_.emplace(number, std::move(task));
  timers_.emplace(number, lane);
  RunLater(clock_.WorldMicros(delay_micros), lane, number);
  return number;
}

bool ProcessRuntime::Cancel(runtime::TimerId timer) {
  if (timers_.erase(timer) == 0) return false;
  const auto dropped = tasks_.extract(timer);
  return true;
}

std::unique_ptr<runtime::Event> ProcessRuntime::NewEvent() {
  return std::make_unique<ProcessEvent>();
}

std::unique_ptr<runtime::EventCount> ProcessRuntime::NewEventCount() {
  return std::make_unique<ProcessEventCount>();
}

void ProcessRuntime::Run(Number number) {
  if (!tasks_.contains(number)) return;  // cancelled
  if (paused_) {
    held_.push_back(number);
    return;
  }
  if (const auto timer = timers_.extract(number); !timer.empty()) {
    Post(timer.mapped(), std::move(tasks_.extract(number).mapped()));
    return;
  }
  const auto task = std::move(tasks_.extract(number).mapped());
  task();
}

void ProcessRuntime::Arrive(runtime::Task task) {
  if (!paused_) {
    task();
    return;
  }
  if (held_.size() >= kMaxHeld) return;
  tasks_.emplace(next_, std::move(task));
  held_.push_back(next_++);
}

void ProcessRuntime::Resume() {
  paused_ = false;
  // By the world, one after the other: the first may kill the process.
  for (const Number number : std::exchange(held_, {})) {
    RunLater(0, runtime::Lane::kCompaction, number);
  }
}

}  // namespace nokv::sim
