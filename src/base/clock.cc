#include "base/clock.h"

#include <chrono>

namespace nokv::base {

namespace {

class OsClock final : public Clock {
 public:
  uint64_t MonotonicMicros() override {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(now).count());
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
