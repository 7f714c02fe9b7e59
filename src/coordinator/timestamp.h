// Hybrid timestamps: milliseconds since 1970 above, a counter below, so that they rise however
// many are wanted in one millisecond, and still tell the time.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>

namespace nokv::coordinator {

inline constexpr unsigned kLogicalBits = 18;

inline uint64_t TimestampAt(uint64_t wall_ms) {
  return wall_ms << kLogicalBits;
}
inline uint64_t PhysicalMs(uint64_t timestamp) {
  return timestamp >> kLogicalBits;
}

}  // namespace nokv::coordinator
