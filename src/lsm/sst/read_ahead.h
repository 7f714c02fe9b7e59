// ReadAhead: notices that a file is read block after block, in either direction, and has the system
// bring what comes next into memory meanwhile. What it asks for doubles as long as that goes on.
// Internal to lsm/sst.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>

#include "vfs/vfs.h"

namespace nokv::lsm::internal {

class ReadAhead {
 public:
  static constexpr uint64_t kLeastBytes = uint64_t{32} << 10;
  static constexpr uint64_t kMostBytes = uint64_t{512} << 10;

  // `certain`: the whole file will be read, so there is nothing to wait for.
  explicit ReadAhead(bool certain) : certain_(certain) {}

  // [begin, end) is about to be read from `file`, which is the same in all calls.
  void Note(const vfs::RandomFile& file, uint64_t begin, uint64_t end);

 private:
  // Blocks that are read one after the other may lie this far apart: those between were in memory.
  static constexpr uint64_t kGapBytes = uint64_t{64} << 10;
  // So many in a row make a scan.
  static constexpr uint32_t kRun = 2;

  enum class Direction : uint8_t { kNone, kForward, kBackward };
  Direction DirectionTo(uint64_t begin, uint64_t end) const;

  const bool certain_;
  uint64_t last_begin_ = 0;
  uint64_t last_end_ = 0;
  Direction direction_ = Direction::kNone;
  uint32_t run_ = 0;  // steps in that direction
  uint64_t window_ = kLeastBytes;
  uint64_t asked_ = 0;  // up to, or down to here
};

}  // namespace nokv::lsm::internal
