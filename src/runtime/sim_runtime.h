// SimRuntime: the deterministic runtime. One thread, virtual time, and an order of ready tasks that
// the seed decides, so that a seed is a schedule and a failing schedule is a seed.
//
// Virtual time moves only when nothing is ready: it jumps to the next timer.
//
// Thread safety: owned by one thread.
#pragma once

#include <memory>
#include <string>

#include "runtime/runtime.h"

namespace nokv::runtime {

class SimRuntime : public Runtime {
 public:
  // Runs one ready task, or jumps to the next timer; false if there is neither.
  virtual bool RunOne() = 0;
  // Runs tasks until none is ready; timers do not fire.
  virtual void RunReady() = 0;
  // Moves virtual time on by `micros`, running what becomes due.
  virtual void Advance(uint64_t micros) = 0;
  // Hash over the order in which tasks ran and the times at which they did.
  virtual uint64_t TraceHash() const = 0;
  // Drops every task and timer without running it, as a killed process does.
  virtual void Abandon() = 0;
  // Moves the wall clock (not the monotonic one) by `millis`, which may be negative.
  virtual void JumpWallClock(int64_t millis) = 0;
};

// The wall clock starts at `start_wall_millis`.
std::unique_ptr<SimRuntime> NewSimRuntime(uint64_t seed,
                                          uint64_t start_wall_millis = 1700000000000);

}  // namespace nokv::runtime
