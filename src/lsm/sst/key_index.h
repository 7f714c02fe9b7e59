// The key index of a table: a hash table from the prefixes of its keys to where their first entries
// are. A lookup of one key asks it instead of the filter, the index and the restart points of a
// block, each of which it would wait for. All that it says of a prefix lies in one 64-byte line,
// seldom also in the next ones. Internal to lsm/sst; docs/formats/sst.md has the bytes.
//
// Thread safety: KeyIndexBuilder is thread-compatible, KeyIndex is immutable.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/prefetch.h"
#include "lsm/sst/filter.h"

namespace nokv::lsm::internal {

// A restart point: the data block, and the offset in it.
struct KeyPlace {
  uint32_t block = 0;
  uint32_t offset = 0;
  bool operator==(const KeyPlace&) const = default;
};

class KeyIndexBuilder {
 public:
  // The last restart point at or before the first entry of the next prefix. REQUIRES: it is not
  // before the one added last.
  void Add(KeyPlace place);
  // The block's content; `hashes` (Filter::HashOf) are those of the prefixes, in the order in which
  // they were added, and are gone afterwards. Empty, and they stay, if there are none, or if their
  // places take so many bits that too few are left to tell keys apart.
  std::string Finish(PrefixHashes* hashes);

 private:
  // What a prefix takes until Finish is 4 bytes here, in pieces as its hash is, and of each block
  // the number of its first.
  std::deque<uint32_t> offsets_;
  std::vector<uint32_t> block_begins_;
  uint32_t farthest_ = 0;
};

class KeyIndex {
 public:
  enum class Answer {
    kAbsent,     // the table has no such prefix
    kPlace,      // if the table has it, then its first entry is behind this restart point
    kAmbiguous,  // it may be at several places
  };

  // An empty index: no question may be asked.
  KeyIndex() = default;

  // False if `contents` is not an index.
  bool Init(std::string_view contents);
  bool empty() const { return lines_.empty(); }
  // Hints that Find will be called.
  void Prefetch(uint64_t hash) const {
    if (!lines_.empty()) base::Prefetch(&lines_[LineOf(hash)]);
  }
  // What is known of a prefix with this hash. The place may be anywhere: its block and its offset
  // are checked by whoever goes there. REQUIRES: not empty.
  Answer Find(uint64_t hash, KeyPlace* place) const;
  size_t bytes() const { return lines_.size() * sizeof(Line); }

 private:
  struct alignas(64) Line {
    char bytes[64];
  };

  size_t LineOf(uint64_t hash) const {
    return static_cast<size_t>(((hash >> 32) * lines_.size()) >> 32);
  }

  std::vector<Line> lines_;
  int block_bits_ = 0;
  int offset_bits_ = 0;
};

}  // namespace nokv::lsm::internal
