// The filter of a table: a Bloom filter whose probes for one key all fall into one 64-byte line, so
// that a check costs at most one cache miss. Keys go in without their version suffix. Internal to
// lsm/sst; docs/formats/sst.md has the bytes.
//
// Thread safety: FilterBuilder is thread-compatible, Filter is immutable.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"

namespace nokv::lsm::internal {

// Of a table's prefixes, in their order. In pieces: a vector stands twice in memory while it grows,
// and a table has a million of them.
using PrefixHashes = std::deque<uint64_t>;

class FilterBuilder {
 public:
  // `bits_per_key` 0: builds nothing.
  explicit FilterBuilder(int bits_per_key) : bits_per_key_(bits_per_key) {}

  // False if the prefix is the one that was added before; nothing happens then.
  bool AddPrefix(std::string_view prefix);
  // The hashes of what was added. Whoever builds something else of them may take them.
  PrefixHashes& hashes() { return hashes_; }
  // The block's content; empty if there is no filter.
  std::string Finish() const;

 private:
  const int bits_per_key_;
  PrefixHashes hashes_;
  std::string last_prefix_;
};

class Filter {
 public:
  // An empty filter: everything may be there.
  Filter() = default;

  // False if `contents` is not a filter.
  bool Init(std::string_view contents);
  static uint64_t HashOf(std::string_view prefix) { return base::Hash64(prefix); }
  // Hints that MayContain will be asked.
  void Prefetch(uint64_t hash) const;
  // False only if no key with a prefix of this hash was added.
  bool MayContain(uint64_t hash) const;
  bool MayContain(std::string_view prefix) const { return MayContain(HashOf(prefix)); }
  bool empty() const { return lines_.empty(); }
  size_t bytes() const { return lines_.size() * sizeof(Line); }

 private:
  struct alignas(64) Line {
    uint64_t words[8];
  };

  std::vector<Line> lines_;
  int probes_ = 0;
};

}  // namespace nokv::lsm::internal
