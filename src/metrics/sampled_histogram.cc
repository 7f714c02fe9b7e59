#include "metrics/sampled_histogram.h"

namespace nokv::metrics {

size_t SampledHistogram::StripeOfThisThread() {
  static std::atomic<size_t> threads{0};
  thread_local const size_t stripe = threads.fetch_add(1, std::memory_order_relaxed) % kStripes;
  return stripe;
}

uint64_t SampledHistogram::count() const {
  uint64_t count = 0;
  for (const Stripe& stripe : stripes_) count += stripe.count.load(std::memory_order_relaxed);
  return count;
}

}  // namespace nokv::metrics
