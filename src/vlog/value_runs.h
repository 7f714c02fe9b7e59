// ValueRuns: which of the values that a reader comes to lie one behind the other in their file, in
// the direction in which it goes, and what of the file it should have read ahead. There may be some
// runs at a time, as the tables of each level point to places of their own.
//
// Thread safety: thread-compatible.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "vlog/value_pointer.h"

namespace nokv::vlog {

class ValueRuns {
 public:
  // Values of a run may lie so far apart: on a disk a page more is read, but from the same place.
  static constexpr uint64_t kPage = 4096;

  // A part of a file.
  struct Extent {
    uint64_t begin = 0;
    uint64_t end = 0;
  };

  // Forgets all runs; from now on the reader goes that way.
  void Restart(bool forward) {
    forward_ = forward;
    count_ = 0;
  }
  // Takes note of the next value; false if it lies apart from those before, as the first does not.
  bool Add(const ValuePointer& pointer) {
    for (size_t i = 0; i < count_; i++) {
      if (!Continues(runs_[i], pointer)) continue;
      Extend(&runs_[i], pointer);
      return true;
    }
    const bool first = count_ == 0;
    Run& run = count_ < kRuns ? runs_[count_++] : Stale();
    run = {pointer.file, pointer.offset, pointer.end()};
    run.told = forward_ ? 0 : UINT64_MAX;
    return first;
  }
  // What to have brought into memory for a value that was added, and is not in memory: itself, if
  // it is not in a run. Empty if that was told before.
  Extent Ahead(const ValuePointer& pointer) {
    for (size_t i = 0; i < count_; i++) {
      Run& run = runs_[i];
      const bool in_run = run.file == pointer.file && run.begin <= pointer.offset &&
                          pointer.end() <= run.end && run.values > 1;
      if (in_run) return forward_ ? AheadOf(&run, pointer) : Before(&run, pointer);
    }
    return {pointer.offset, pointer.end()};
  }

 private:
  static constexpr size_t kRuns = 4;
  // What is told at a time.
  static constexpr uint64_t kLeastBytes = uint64_t{32} << 10;
  static constexpr uint64_t kMostBytes = uint64_t{256} << 10;

  struct Run {
    ValueFileId file;
    uint64_t begin = 0;
    uint64_t end = 0;
    uint64_t values = 1;
    uint64_t told = 0;      // up to (forward), or down to here
    bool extended = false;  // since the hand came past
  };

  bool Continues(const Run& run, const ValuePointer& pointer) const {
    if (run.file != pointer.file) return false;
    return forward_ ? pointer.offset >= run.end && pointer.offset - run.end <= kPage
                    : pointer.end() <= run.begin && run.begin - pointer.end() <= kPage;
  }
  static void Extend(Run* run, const ValuePointer& pointer) {
    run->begin = std::min(run->begin, pointer.offset);
    run->end = std::max(run->end, pointer.end());
    run->values++;
    run->extended = true;
  }
  // The run to give up, as the clock algorithm for pages finds it.
  Run& Stale() {
    for (; runs_[hand_].extended; hand_ = (hand_ + 1) % kRuns) runs_[hand_].extended = false;
    Run& run = runs_[hand_];
    hand_ = (hand_ + 1) % kRuns;
    return run;
  }
  // Half as much as the run has, so that little is read in vain when it ends.
  static uint64_t PieceOf(const Run& run) {
    return std::clamp((run.end - run.begin) / 2, kLeastBytes, kMostBytes);
  }
  // The next piece is told with the first value that does not lie in the last one.
  static Extent AheadOf(Run* run, const ValuePointer& pointer) {
    if (pointer.end() <= run->told) return {};
    const uint64_t begin = std::max(run->told, pointer.offset);
    run->told = std::max(begin + PieceOf(*run), pointer.end());
    return {begin, run->told};
  }
  static Extent Before(Run* run, const ValuePointer& pointer) {
    if (pointer.offset >= run->told) return {};
    const uint64_t end = std::min(run->told, pointer.end());
    run->told = std::min(end - std::min(end, PieceOf(*run)), pointer.offset);
    return {run->told, end};
  }

  bool forward_ = true;
  std::array<Run, kRuns> runs_;
  size_t count_ = 0;
  size_t hand_ = 0;
};

}  // namespace nokv::vlog
