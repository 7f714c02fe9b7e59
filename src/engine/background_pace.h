// BackgroundPace: a limit to the bytes that background work goes through in a second, with strict
// priorities: flushes, then compactions, then compactions that only empty files with values, then
// those that only put values into the order of their keys.
//
// It is counted in time, as in WriteThrottle: whatever is done moves on the moments when its own
// class and all below it are even. So each class has what those above it leave, and does not see
// those below it.
//
// Thread safety: thread-compatible.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace nokv::engine {

enum class WorkClass : uint8_t { kFlush, kCompaction, kRelocation, kOrdering };

class BackgroundPace {
 public:
  // 0: no limit.
  explicit BackgroundPace(uint64_t bytes_per_second) : rate_(bytes_per_second) {}

  void Charge(WorkClass work, uint64_t bytes, uint64_t now_micros) {
    if (rate_ == 0) return;
    const double micros = static_cast<double>(bytes) * 1e6 / static_cast<double>(rate_);
    for (size_t i = static_cast<size_t>(work); i < even_at_micros_.size(); i++) {
      even_at_micros_[i] = std::max(even_at_micros_[i], static_cast<double>(now_micros)) + micros;
    }
  }
  // Microseconds until work of this class may go on.
  uint64_t Delay(WorkClass work, uint64_t now_micros) const {
    const double even_at = even_at_micros_[static_cast<size_t>(work)];
    const auto now = static_cast<double>(now_micros);
    return even_at <= now ? 0 : static_cast<uint64_t>(even_at - now) + 1;
  }
  // All classes are even.
  void Forgive() { even_at_micros_ = {}; }

 private:
  const uint64_t rate_;
  std::array<double, 4> even_at_micros_{};
};

}  // namespace nokv::engine
