// EntriesAhead: entries that a merge has taken from its input and not come to yet, so that those of
// their values that it moves are brought into memory meanwhile: so many that a disk has always
// enough to do, and that those who wait for the same disk still find it. While values are in memory
// anyway it stays empty, as a copy of each entry would be felt.
//
// Thread safety: thread-compatible.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "vlog/value_pointer.h"
#include "vlog/value_runs.h"

namespace nokv::lsm {

class EntriesAhead {
 public:
  static constexpr size_t kEntries = 64;
  static constexpr size_t kBytes = size_t{1} << 20;  // of keys and payloads, and one more entry
  // One value in so many is timed. Two slow ones in a row were not in memory (with one alone the
  // processor may have been somebody else's), and so many behind them may not be either: while they
  // are asked for ahead, none of them can tell.
  static constexpr uint32_t kTimed = 8;
  static constexpr uint32_t kSlowReads = 2;
  static constexpr uint32_t kColdValues = 4096;

  // Whether a value will be read.
  using Moves = std::function<bool(const vlog::ValuePointer&)>;
  // Asks for a part of a file.
  using Fetch = std::function<void(const vlog::ValueFileId&, const vlog::ValueRuns::Extent&)>;

  // `on_disk`: values are expected not to be in memory; otherwise NoteRead tells.
  EntriesAhead(Moves moves, Fetch fetch, bool on_disk);

  // True while values are expected not to be in memory.
  bool asks() const { return cold_ > 0; }
  bool empty() const { return count_ == 0; }
  // True if the oldest entry has to be popped before the next comes, after `popped` others. When it
  // asks for nothing any more it empties by and by, two for one, so that no entry of the input
  // makes much more work than another.
  bool IsDue(size_t popped) const { return full() || (!asks() && !empty() && popped < 2); }
  // Copies the next entry, and asks for its value if that will be read. REQUIRES: none is due.
  void Push(std::string_view internal_key, std::string_view payload);
  // The oldest entry. REQUIRES: !empty().
  std::string_view internal_key() const { return entries_[first_].internal_key; }
  std::string_view payload() const { return entries_[first_].payload; }
  void Pop();

  // The value of the oldest entry is about to be read: true if NoteRead wants to know how long that
  // takes.
  bool TimesRead() { return reads_++ % kTimed == 0; }
  void NoteRead(uint64_t micros);

 private:
  struct Entry {
    std::string internal_key;
    std::string payload;
    std::optional<vlog::ValuePointer> moved;
  };

  bool full() const { return count_ == kEntries || bytes_ >= kBytes; }
  void Ask(const vlog::ValuePointer& pointer);

  const Moves moves_;
  const Fetch fetch_;
  // A ring.
  std::array<Entry, kEntries> entries_;
  size_t first_ = 0;
  size_t count_ = 0;
  size_t bytes_ = 0;
  vlog::ValueRuns runs_;
  uint32_t cold_ = 0;  // so many of the values to come are expected not to be in memory
  uint32_t reads_ = 0;
  uint32_t slow_reads_ = 0;  // in a row, of those that were timed
};

}  // namespace nokv::lsm
