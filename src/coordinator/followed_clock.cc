#include "coordinator/followed_clock.h"

#include <algorithm>

namespace nokv::coordinator {

void FollowedClock::Begin(uint64_t fence_ms, uint64_t wall_ms, uint64_t now_us) {
  followed_ms_ = fence_ms == 0 ? wall_ms : std::min(wall_ms, fence_ms + kMaxGapMs);
  at_us_ = now_us;
  behind_ms_ = wall_ms - followed_ms_;
}

uint64_t FollowedClock::Follow(uint64_t wall_ms, uint64_t now_us) {
  // Whole milliseconds only; the rest counts next time.
  const uint64_t elapsed_ms = now_us > at_us_ ? (now_us - at_us_) / 1000 : 0;
  at_us_ += elapsed_ms * 1000;
  // A clock that is set back is waited for.
  followed_ms_ = std::max(followed_ms_, std::min(wall_ms, followed_ms_ + 2 * elapsed_ms));
  behind_ms_ = wall_ms - std::min(wall_ms, followed_ms_);
  return followed_ms_;
}

}  // namespace nokv::coordinator
