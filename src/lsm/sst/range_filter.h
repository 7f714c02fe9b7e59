// The range filter of a table: says of most ranges of keys that hold no key of the table that they
// hold none, without reading a block. It adds to the index, which tells the data block that a range
// begins in, where in that block its keys are: each key as one of 65,536 cells, into which the
// distance from the block's first key to its last is divided. A key is a number in the base of the
// bytes that occur in the block, so that digits or letters are spread as evenly as raw bytes are.
// Internal to lsm/sst; docs/formats/sst.md has the bytes.
//
// Thread safety: RangeFilterBuilder is thread-compatible, RangeFilter is immutable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/prefetch.h"

namespace nokv::lsm::internal {

class RangeFilterBuilder {
 public:
  // `prefix` is that of the next entry of the block, and not before the one added last. One that is
  // the same again costs nothing.
  void AddPrefix(std::string_view prefix);
  // What was added since the last call is a block. REQUIRES: something was.
  void EndBlock();
  // The block's content; empty if there was none.
  std::string Finish();

 private:
  std::string_view PrefixAt(size_t i) const;

  // Of the block that is being filled: its prefixes one behind the other, and where each ends.
  std::string bytes_;
  std::vector<size_t> ends_;
  std::string headers_;
  std::string cells_;
};

class RangeFilter {
 public:
  // An empty filter: every range may hold something.
  RangeFilter() = default;

  // False if `contents` is not the filter of so many data blocks.
  bool Init(std::string contents, size_t blocks);
  bool empty() const { return contents_.empty(); }
  // Hints that MayHold will be asked.
  void Prefetch(size_t block) const {
    if (!empty()) base::Prefetch(contents_.data() + block * kHeaderBytes);
  }
  // False only if the block has no prefix in [begin, end). `last` is its last prefix. REQUIRES:
  // begin is not behind it; there is such a block.
  bool MayHold(size_t block, std::string_view last, std::string_view begin,
               std::string_view end) const;
  size_t bytes() const { return contents_.capacity(); }

  static constexpr size_t kHeaderBytes = 16;
  static constexpr size_t kCellBytes = 2;

 private:
  std::string contents_;
  size_t blocks_ = 0;
};

}  // namespace nokv::lsm::internal
