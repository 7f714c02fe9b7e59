// Rate: how fast a count grows, from samples about a second apart.
//
// Thread safety: per_second() may be called by any thread, Sample by one at a time.
#pragma once

#include <atomic>
#include <cstdint>

namespace nokv::redis {

class Rate {
 public:
  // A count that is smaller than the last one was reset meanwhile.
  void Sample(uint64_t count, uint64_t now_us) {
    const uint64_t elapsed_us = now_us - last_us_;
    if (last_us_ != 0 && elapsed_us != 0 && count >= last_count_) {
      // Relaxed: the number stands alone.
      per_second_.store((count - last_count_) * 1'000'000 / elapsed_us, std::memory_order_relaxed);
    }
    last_count_ = count;
    last_us_ = now_us;
  }
  // Between the last two samples.
  uint64_t per_second() const { return per_second_.load(std::memory_order_relaxed); }

 private:
  uint64_t last_count_ = 0;
  uint64_t last_us_ = 0;
  std::atomic<uint64_t> per_second_{0};
};

}  // namespace nokv::redis
