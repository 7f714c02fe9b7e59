// OperationTimes: how often the engine does what happens often, and how long it takes. Sampled, so
// that it is always on (metrics/sampled_histogram.h); timing.h has what is rare.
//
// Thread safety: thread-safe, without a lock.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "metrics/metrics.h"
#include "metrics/sampled_histogram.h"
#include "nokv/stats.h"

namespace nokv::engine {

// Durations are nanoseconds.
struct OperationTimes {
  explicit OperationTimes(base::Clock& the_clock) : clock(the_clock) {}

  base::Clock& clock;  // borrowed
  // From the call to the answer.
  metrics::SampledHistogram get;
  metrics::SampledHistogram seek;
  metrics::SampledHistogram write;
  // The stage of a write that copies it into log and memtable.
  metrics::SampledHistogram write_apply;
  // Tables that a get asked, of those that are timed.
  metrics::Histogram tables_per_get;
  // Whether the first value of the last scan had to come from the disk. Relaxed: it is a guess.
  std::atomic<bool> values_on_disk{false};
};

// Counts an operation, and times it, from its birth to its death, if its turn has come.
class OperationTimer {
 public:
  OperationTimer(base::Clock& clock, metrics::SampledHistogram& times)
      : clock_(clock), times_(times), timed_(times.Count()) {
    if (timed_) began_ns_ = clock_.MonotonicNanos();
  }
  ~OperationTimer() {
    if (timed_) times_.Record(clock_.MonotonicNanos() - began_ns_);
  }
  OperationTimer(const OperationTimer&) = delete;
  OperationTimer& operator=(const OperationTimer&) = delete;

  bool timed() const { return timed_; }

 private:
  base::Clock& clock_;
  metrics::SampledHistogram& times_;
  const bool timed_;
  uint64_t began_ns_ = 0;
};

// As the statistics show them.
DurationStats DescribeDurations(const metrics::SampledHistogram& nanos);
// `unit_us`: what one recorded unit is.
DurationStats DescribeDurations(const metrics::Histogram& durations, double unit_us);

}  // namespace nokv::engine
