// Load: so many requests at a time for a while, each followed by the next when it is answered.
//
// Thread safety: owned by one thread, which waits in RunLoad; answers come from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "metrics/metrics.h"
#include "runtime/runtime.h"

namespace nokv::bench {

// Starts request `slot`; `done` is called once with whether it was answered as asked.
using Ask = std::function<void(uint64_t slot, std::function<void(bool ok)> done)>;

struct LoadResult {
  uint64_t operations = 0;
  uint64_t failures = 0;
  uint64_t wall_us = 0;
  metrics::HistogramSnapshot latency_us;
};

// Keeps `outstanding` requests under way for `duration_us`, then waits for the last of them.
LoadResult RunLoad(runtime::Runtime& runtime, const Ask& ask, uint64_t outstanding,
                   uint64_t duration_us);

}  // namespace nokv::bench
