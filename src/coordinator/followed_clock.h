// FollowedClock: the wall clock as timestamps follow it. Whoever sets a clock forward by years must
// not take the numbers of all those years away, so timestamps run at most twice as fast as the
// monotonic clock, and a new lease begins at most kMaxGapMs behind where the last one ended. A
// clock that was set right is caught up with in as much time as it was wrong; one that was set
// wrong does harm only for as long as it stays so.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>

namespace nokv::coordinator {

inline constexpr uint64_t kMaxGapMs = uint64_t{366} * 24 * 3600 * 1000;

class FollowedClock {
 public:
  // A lease begins; timestamps up to `fence_ms` are given away. 0: there were none before, and the
  // clock is believed.
  void Begin(uint64_t fence_ms, uint64_t wall_ms, uint64_t now_us);

  // The time for the next timestamp, in milliseconds since 1970. `now_us` is monotonic.
  uint64_t Follow(uint64_t wall_ms, uint64_t now_us);

  // By how much the wall clock is ahead of what Follow said last.
  uint64_t behind_ms() const { return behind_ms_; }

 private:
  uint64_t followed_ms_ = 0;
  uint64_t at_us_ = 0;  // when followed_ms_ was true
  uint64_t behind_ms_ = 0;
};

}  // namespace nokv::coordinator
