#include "lsm/sst/read_ahead.h"

#include <algorithm>

namespace nokv::lsm::internal {

ReadAhead::Direction ReadAhead::DirectionTo(uint64_t begin, uint64_t end) const {
  if (begin >= last_end_ && begin - last_end_ <= kGapBytes) return Direction::kForward;
  if (end <= last_begin_ && last_begin_ - end <= kGapBytes) return Direction::kBackward;
  return Direction::kNone;
}

void ReadAhead::Note(const vfs::RandomFile& file, uint64_t begin, uint64_t end) {
  const Direction direction = DirectionTo(begin, end);
  if (direction != direction_) {
    direction_ = direction;
    run_ = 0;
    window_ = certain_ ? kMostBytes : kLeastBytes;
    asked_ = direction == Direction::kForward ? end : begin;
  }
  last_begin_ = begin;
  last_end_ = end;
  if (direction == Direction::kNone || (!certain_ && ++run_ < kRun)) return;
  // The next piece is asked for when half of the last one is left.
  if (direction == Direction::kForward) {
    asked_ = std::max(asked_, end);
    if (asked_ - end > window_ / 2 || asked_ >= file.Size()) return;
    file.Prefetch(asked_, window_);
    asked_ += window_;
  } else {
    asked_ = std::min(asked_, begin);
    if (begin - asked_ > window_ / 2 || asked_ == 0) return;
    const uint64_t from = asked_ - std::min(asked_, window_);
    file.Prefetch(from, asked_ - from);
    asked_ = from;
  }
  window_ = std::min(2 * window_, kMostBytes);
}

}  // namespace nokv::lsm::internal
