// AtomicMax: the largest value so far, kept by several threads.
#pragma once

#include <atomic>
#include <cstdint>

namespace nokv::base {

// `*most` becomes `value` unless it is larger. Relaxed: it orders nothing else.
inline void AtomicMax(std::atomic<uint64_t>* most, uint64_t value) {
  uint64_t known = most->load(std::memory_order_relaxed);
  while (known < value && !most->compare_exchange_weak(known, value, std::memory_order_relaxed)) {
  }
}

}  // namespace nokv::base
