// StripedCounters: counters that many threads add to at once and hardly anybody reads, so that they
// do not pull one cache line back and forth.
//
// Thread safety: every method may be called by any thread at any time. Relaxed everywhere: they
// only count.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace nokv::base {

inline constexpr size_t kStripes = 16;
// Below kStripes; threads that are made one after the other have different ones.
size_t StripeOfThisThread();

template <size_t kCounters>
class StripedCounters {
 public:
  void Add(size_t counter) {
    stripes_[StripeOfThisThread()].counts[counter].fetch_add(1, std::memory_order_relaxed);
  }
  uint64_t Sum(size_t counter) const {
    uint64_t sum = 0;
    for (const Stripe& stripe : stripes_) {
      sum += stripe.counts[counter].load(std::memory_order_relaxed);
    }
    return sum;
  }

 private:
  struct alignas(64) Stripe {
    std::array<std::atomic<uint64_t>, kCounters> counts{};
  };

  std::array<Stripe, kStripes> stripes_;
};

}  // namespace nokv::base
