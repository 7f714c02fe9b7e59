#include "base/clock.h"

#include <chrono>

namespace nokv::base {

namespace {

class OsClock final : public Clock {
 public:
  uint64_t MonotonicMicros() override { return MonotonicNanos() / 1000; }
  uint64_t MonotonicNanos() override {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
  }
  uint64_t WallMillis() override {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  }
};

}  // namespace

Clock& SystemClock() {
  static OsClock clock;
  return clock;
}

}  // namespace nokv::base
