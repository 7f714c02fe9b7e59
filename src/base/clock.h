// Clock: the only source of time. Production code takes one from its runtime.
//
// Thread safety: implementations are thread-safe.
#pragma once

#include <cstdint>

namespace nokv::base {

class Clock {
 public:
  virtual ~Clock() = default;
  // Never goes back; for durations.
  virtual uint64_t MonotonicMicros() = 0;
  // The same, as finely as the clock has it.
  virtual uint64_t MonotonicNanos() { return MonotonicMicros() * 1000; }
  // Milliseconds since 1970; may jump. Expiry is judged by it.
  virtual uint64_t WallMillis() = 0;
};

// The operating system's clocks; lives for ever.
Clock& SystemClock();

}  // namespace nokv::base
