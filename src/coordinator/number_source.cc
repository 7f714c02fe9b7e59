#include "coordinator/number_source.h"

#include <algorithm>

#include "base/check.h"
#include "coordinator/timestamp.h"

namespace nokv::coordinator {

namespace {

// The last second that there is for timestamps; a clock beyond is no clock. Sums of what is below
// do not overflow.
constexpr uint64_t kLastWallMs = (uint64_t{1} << (63 - kLogicalBits)) - 1;

}  // namespace

NumberSource::NumberSource(Kind kind, uint64_t window, uint64_t least)
    : kind_(kind),
      window_(kind == Kind::kIds ? window : TimestampAt(std::min(window, kLastWallMs))),
      least_(least) {
  NOKV_CHECK(window_ > 0);
}

void NumberSource::Begin(uint64_t generation, uint64_t fence) {
  generation_ = generation;
  fence_ = fence;
  next_ = std::max(fence, least_);
  until_ = next_;
}

void NumberSource::End() {
  generation_ = 0;
  until_ = next_;
}

uint64_t NumberSource::Earliest(uint64_t wall_ms) const {
  if (kind_ == Kind::kIds) return next_;
  return std::max(next_, TimestampAt(std::min(wall_ms, kLastWallMs)));
}

std::optional<uint64_t> NumberSource::Take(uint64_t count, uint64_t wall_ms) {
  if (generation_ == 0 || count == 0 || count > kMaxCount) return std::nullopt;
  const uint64_t first = Earliest(wall_ms);
  if (first > until_ || until_ - first < count) return std::nullopt;
  next_ = first + count;
  return first;
}

std::optional<uint64_t> NumberSource::Wanted(uint64_t wall_ms, uint64_t need) const {
  if (generation_ == 0) return std::nullopt;
  const uint64_t first = Earliest(wall_ms);
  const uint64_t left = until_ > first ? until_ - first : 0;
  // Half a window is time enough for the root to answer, and one Take may need kMaxCount.
  if (left >= std::max({window_ / 2, std::min(window_, kMaxCount), need})) return std::nullopt;
  const uint64_t size = std::max(window_, kMaxCount);
  if (first > UINT64_MAX - size) return std::nullopt;  // there are no more
  return first + size;
}

void NumberSource::Reserved(uint64_t generation, uint64_t until) {
  if (generation != generation_) return;
  until_ = std::max(until_, until);
  fence_ = std::max(fence_, until);
}

void NumberSource::Skip(uint64_t last) {
  if (last == UINT64_MAX) return;
  next_ = std::max(next_, last + 1);
  until_ = std::max(until_, next_);
}

}  // namespace nokv::coordinator
