#include "bench/measure/latency.h"

#include <algorithm>
#include <cmath>

namespace nokv::bench {

uint64_t Latency::count() const {
  uint64_t count = 0;
  for (const auto& part : parts_) count += part.count();
  return count;
}

double Latency::mean() const {
  uint64_t sum = 0;
  for (const auto& part : parts_) sum += part.sum();
  const uint64_t total = count();
  return total == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(total);
}

uint64_t Latency::max() const {
  uint64_t max = 0;
  for (const auto& part : parts_) max = std::max(max, part.max());
  return max;
}

uint64_t Latency::Percentile(double percent) const {
  const uint64_t most = max();
  const double share = std::clamp(percent, 0.0, 100.0) / 100 * static_cast<double>(count());
  const uint64_t rank = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(share)));
  // The first bucket up to whose end `rank` values were recorded.
  size_t low = 0;
  size_t high = metrics::Histogram::BucketOf(most);
  while (low < high) {
    const size_t middle = (low + high) / 2;
    uint64_t seen = 0;
    for (const auto& part : parts_) {
      seen += part.CountUpTo(metrics::Histogram::BucketUpperBound(middle));
    }
    if (seen >= rank) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return std::min(metrics::Histogram::BucketUpperBound(low), most);
}

}  // namespace nokv::bench
