// SampledHistogram: how often an operation ran, exactly, and how long one in sixteen of them took.
//
// For operations of a fraction of a microsecond, in which two looks at a clock would be seen. The
// count is striped, so that threads do not pull one cache line back and forth; each stripe's first
// operation is timed, and then every sixteenth.
//
// Thread safety: every method may be called by any thread at any time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/striped_counters.h"
#include "metrics/metrics.h"

namespace nokv::metrics {

class SampledHistogram {
 public:
  // Counts an operation; true if its duration shall be recorded.
  bool Count() {
    std::atomic<uint64_t>& count = stripes_[base::StripeOfThisThread()].count;
    return count.fetch_add(1, std::memory_order_relaxed) % kOneIn == 0;
  }
  void Record(uint64_t duration) { durations_.Record(duration); }

  uint64_t count() const;
  // Of what was timed.
  HistogramSnapshot Snapshot() const { return durations_.Snapshot(); }

 private:
  static constexpr uint64_t kOneIn = 16;
  struct alignas(64) Stripe {
    std::atomic<uint64_t> count{0};
  };

  std::array<Stripe, base::kStripes> stripes_;
  Histogram durations_;
};

}  // namespace nokv::metrics
