#include "engine/operation_times.h"

namespace nokv::engine {

namespace {

DurationStats Describe(const metrics::HistogramSnapshot& timed, double unit_us) {
  const auto percentile = [&](double percent) {
    return static_cast<double>(timed.Percentile(percent)) * unit_us;
  };
  DurationStats stats;
  stats.count = timed.count();
  stats.mean_us = timed.mean() * unit_us;
  stats.p50_us = percentile(50);
  stats.p90_us = percentile(90);
  stats.p99_us = percentile(99);
  stats.p999_us = percentile(99.9);
  stats.max_us = static_cast<double>(timed.max()) * unit_us;
  return stats;
}

}  // namespace

DurationStats DescribeDurations(const metrics::SampledHistogram& nanos) {
  DurationStats stats = Describe(nanos.Snapshot(), 1e-3);
  stats.count = nanos.count();
  return stats;
}

DurationStats DescribeDurations(const metrics::Histogram& durations, double unit_us) {
  return Describe(durations.Snapshot(), unit_us);
}

}  // namespace nokv::engine
