#include "metrics/sampled_histogram.h"

namespace nokv::metrics {

uint64_t SampledHistogram::count() const {
  uint64_t count = 0;
  for (const Stripe& stripe : stripes_) count += stripe.count.load(std::memory_order_relaxed);
  return count;
}

}  // namespace nokv::metrics
