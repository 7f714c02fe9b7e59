// ProcessRuntime: the runtime of one process in a simulated world: its tasks run in virtual time,
// by a clock of its own that may drift, and stop when the process is paused or killed.
//
// Each lane is one thread: its tasks take the time that the machine says and run one after the
// other, so that a slow disk holds up whatever is posted to Lane::kLog.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <utility>

#include "runtime/runtime.h"
#include "sim/world/world.h"

namespace nokv::sim {

// A clock whose rate differs from the world's, and whose wall time jumps. Monotonic time never goes
// back, whatever the rate.
class MachineClock : public base::Clock {
 public:
  explicit MachineClock(World& world) : world_(world) {}
  uint64_t MonotonicMicros() override;
  uint64_t WallMillis() override;

  // Thousandths of the world's rate; 1000 is its own.
  void SetRate(uint64_t per_mille);
  void JumpWall(int64_t millis) { wall_offset_ms_ += millis; }
  // How long the world takes for so much of this clock, at the rate of now; not less.
  uint64_t WorldMicros(uint64_t micros) const {
    return (micros * 1000 + per_mille_ - 1) / per_mille_;
  }

 private:
  World& world_;
  uint64_t per_mille_ = 1000;
  uint64_t base_us_ = 0;   // of this clock, when the rate was last set
  uint64_t since_us_ = 0;  // of the world, then
  int64_t wall_offset_ms_ = 0;
};

class ProcessRuntime : public runtime::Runtime {
 public:
  // How long the next task of a lane takes, in microseconds of the world.
  using Cost = std::function<uint64_t(runtime::Lane)>;

  ProcessRuntime(World& world, MachineClock& clock, Cost cost);
  // Kills what is left.
  ~ProcessRuntime() override;

  base::Clock& clock() override { return clock_; }
  void Post(runtime::Lane lane, runtime::Task task) override;
  runtime::TimerId PostAfter(runtime::Lane lane, uint64_t delay_micros,
                             runtime::Task task) override;
  bool Cancel(runtime::TimerId timer) override;
  std::unique_ptr<runtime::Event> NewEvent() override;
  std::unique_ptr<runtime::EventCount> NewEventCount() override;

  // Runs `task` at once: something arrived from outside. While the process is paused it waits; more
  // than a bounded number of such tasks is dropped.
  void Arrive(runtime::Task task);
  void Pause() { paused_ = true; }
  // What became due in the meantime runs now, in order.
  void Resume();
  bool paused() const { return paused_; }

 private:
  // The tasks live here and not in the world, so that the end of the process is the end of them.
  using Number = uint64_t;
  void RunLater(uint64_t delay_us, runtime::Lane lane, Number number);
  void Run(Number number);

  World& world_;
  MachineClock& clock_;
  const Cost cost_;
  // Gone with this object: what the world still holds does nothing then.
  std::shared_ptr<ProcessRuntime*> self_;
  std::map<Number, runtime::Task> tasks_;
  std::map<Number, runtime::Lane> timers_;  // those of them that have not been posted yet
  std::array<uint64_t, runtime::kLanes> lane_free_us_ = {};
  std::deque<Number> held_;  // due while paused
  Number next_ = 1;
  bool paused_ = false;
};

}  // namespace nokv::sim
