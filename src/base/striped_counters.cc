#include "base/striped_counters.h"

namespace nokv::base {

size_t StripeOfThisThread() {
  static std::atomic<size_t> threads{0};
  thread_local const size_t stripe = threads.fetch_add(1, std::memory_order_relaxed) % kStripes;
  return stripe;
}

}  // namespace nokv::base
