// World: virtual time, randomness and the trace of one simulated run. One seed decides all of it.
//
// Thread safety: owned by one thread, as everything in it.
#pragma once

#include <memory>
#include <ostream>

#include "base/random.h"
#include "runtime/sim_runtime.h"
#include "sim/world/trace.h"

namespace nokv::sim {

class World {
 public:
  // `lines` gets the trace as text; borrowed, may be null.
  World(uint64_t seed, std::ostream* lines)
      : random_(base::MixSeed(seed)),
        runtime_(runtime::NewSimRuntime(random_.Next())),
        trace_(lines) {}

  uint64_t now_us() { return runtime_->clock().MonotonicMicros(); }
  runtime::SimRuntime& runtime() { return *runtime_; }
  base::Random& random() { return random_; }
  uint64_t trace_hash() const { return base::MixSeed(trace_.hash() ^ runtime_->TraceHash()); }

  // Runs `task` in so much time. Tasks of one lane that are due together run in the order of the
  // calls; those of different lanes in any.
  void After(uint64_t delay_us, runtime::Task task,
             runtime::Lane lane = runtime::Lane::kCompaction) {
    runtime_->PostAfter(lane, delay_us, std::move(task));
  }
  // Runs all that is due until `end_us`.
  void RunUntil(uint64_t end_us) {
    if (end_us > now_us()) runtime_->Advance(end_us - now_us());
  }

  void Note(std::string_view what, std::initializer_list<uint64_t> numbers,
            std::string_view text = {}) {
    trace_.Add(now_us(), what, numbers, text);
  }

 private:
  base::Random random_;
  const std::unique_ptr<runtime::SimRuntime> runtime_;
  Trace trace_;
};

}  // namespace nokv::sim
