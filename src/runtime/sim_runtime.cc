#include "runtime/sim_runtime.h"

#include <array>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/random.h"

namespace nokv::runtime {
namespace {

class SimClock : public base::Clock {
 public:
  explicit SimClock(uint64_t start_wall_millis) : wall_start_millis_(start_wall_millis) {}
  uint64_t MonotonicMicros() override { return now_micros_; }
  uint64_t WallMillis() override { return wall_start_millis_ + now_micros_ / 1000; }

  void MoveTo(uint64_t micros) { now_micros_ = micros; }
  // Unsigned arithmetic wraps, so a negative jump goes back.
  void JumpWall(int64_t millis) { wall_start_millis_ += static_cast<uint64_t>(millis); }

 private:
  uint64_t now_micros_ = 0;
  uint64_t wall_start_millis_;
};

class SimEvent : public Event {
 public:
  explicit SimEvent(SimRuntime& runtime) : runtime_(runtime) {}
  void Set() override { set_ = true; }
  bool IsSet() const override { return set_; }
  void Wait() override {
    while (!set_) {
      NOKV_CHECK(runtime_.RunOne()) << "an event is waited for that no task or timer can set";
    }
  }

 private:
  SimRuntime& runtime_;
  bool set_ = false;
};

class SimEventCount : public EventCount {
 public:
  explicit SimEventCount(SimRuntime& runtime) : runtime_(runtime) {}
  void Advance() override { count_++; }
  void Close() override { closed_ = true; }
  bool Await(uint64_t value) override {
    while (!closed_ && count_ < value) {
      NOKV_CHECK(runtime_.RunOne()) << "a count is waited for that no task or timer can advance";
    }
    return count_ >= value;
  }

 private:
  SimRuntime& runtime_;
  uint64_t count_ = 0;
  bool closed_ = false;
};

class SimRuntimeImpl : public SimRuntime {
 public:
  SimRuntimeImpl(uint64_t seed, uint64_t start_wall_millis)
      : random_(seed), clock_(start_wall_millis) {}
  ~SimRuntimeImpl() override { Abandon(); }

  base::Clock& clock() override { return clock_; }

  void Post(Lane lane, Task task) override {
    lanes_[static_cast<size_t>(lane)].push_back({next_task_++, std::move(task)});
  }

  TimerId PostAfter(Lane lane, uint64_t delay_micros, Task task) override {
    const uint64_t now = clock_.MonotonicMicros();
    const uint64_t deadline = delay_micros > UINT64_MAX - now ? UINT64_MAX : now + delay_micros;
    const TimerId id = next_timer_++;
    timers_.emplace(std::pair(deadline, id), Timer{lane, std::move(task)});
    deadlines_.emplace(id, deadline);
    return id;
  }

  bool Cancel(TimerId timer) override {
    const auto found = deadlines_.find(timer);
    if (found == deadlines_.end()) return false;
    // Destroyed last: what the task owns may call back.
    const auto dropped = timers_.extract(std::pair(found->second, timer));
    deadlines_.erase(found);
    return true;
  }

  std::unique_ptr<Event> NewEvent() override { return std::make_unique<SimEvent>(*this); }
  std::unique_ptr<EventCount> NewEventCount() override {
    return std::make_unique<SimEventCount>(*this);
  }

  bool RunOne() override {
    if (RunReadyTask()) return true;
    if (timers_.empty()) return false;
    FireNextTimers();
    return true;
  }

  void RunReady() override {
    while (RunReadyTask()) {
    }
  }

  void Advance(uint64_t micros) override {
    const uint64_t end = clock_.MonotonicMicros() + micros;
    RunReady();
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      FireNextTimers();
      RunReady();
    }
    clock_.MoveTo(end);
  }

  uint64_t TraceHash() const override { return trace_hash_; }

  void Abandon() override {
    // Again if the end of a task posts another.
    while (HasReadyTask() || !timers_.empty()) {
      const auto lanes = std::exchange(lanes_, {});
      const auto timers = std::exchange(timers_, {});
      deadlines_.clear();
    }
  }

  void JumpWallClock(int64_t millis) override { clock_.JumpWall(millis); }

 private:
  struct ReadyTask {
    uint64_t number;
    Task task;
  };
  struct Timer {
    Lane lane;
    Task task;
  };

  bool HasReadyTask() const {
    for (const auto& lane : lanes_) {
      if (!lane.empty()) return true;
    }
    return false;
  }

  // Runs the first task of a lane that the seed picks: lanes race, but each keeps its order.
  bool RunReadyTask() {
    std::array<size_t, kLanes> ready;
    size_t count = 0;
    for (size_t lane = 0; lane < kLanes; lane++) {
      if (!lanes_[lane].empty()) ready[count++] = lane;
    }
    if (count == 0) return false;
    std::deque<ReadyTask>& lane = lanes_[ready[random_.Uniform(count)]];
    const ReadyTask next = std::move(lane.front());
    lane.pop_front();
    trace_hash_ = base::MixSeed(trace_hash_ ^ base::MixSeed(next.number));
    trace_hash_ = base::MixSeed(trace_hash_ ^ clock_.MonotonicMicros());
    next.task();
    return true;
  }

  // Jumps to the next deadline and makes ready what is due then.
  void FireNextTimers() {
    const uint64_t deadline = timers_.begin()->first.first;
    clock_.MoveTo(deadline);
    while (!timers_.empty() && timers_.begin()->first.first == deadline) {
      const auto timer = timers_.extract(timers_.begin());
      deadlines_.erase(timer.key().second);
      Post(timer.mapped().lane, std::move(timer.mapped().task));
    }
  }

  base::Random random_;
  SimClock clock_;
  std::array<std::deque<ReadyTask>, kLanes> lanes_;
  uint64_t next_task_ = 0;
  TimerId next_timer_ = 1;
  // By deadline, then by id, which grows: timers that are due together fire in posting order.
  std::map<std::pair<uint64_t, TimerId>, Timer> timers_;
  std::map<TimerId, uint64_t> deadlines_;
  uint64_t trace_hash_ = 0;
};

}  // namespace

std::unique_ptr<SimRuntime> NewSimRuntime(uint64_t seed, uint64_t start_wall_millis) {
  return std::make_unique<SimRuntimeImpl>(seed, start_wall_millis);
}

}  // namespace nokv::runtime
