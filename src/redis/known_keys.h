// KnownKeys: keys that are known to be there and to have no expiry, some of those that were written
// last. Whoever overwrites one of them need not look it up in the store, which is a third of what a
// SET costs.
//
// Never wrong about a key: it holds their bytes, not a hash. A key has a place in one pair of
// slots, which the last two that came have; long keys have none.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include "base/prefetch.h"

namespace nokv::redis {

class KnownKeys {
 public:
  // 64 bytes each, taken from the system when they are first used.
  static constexpr size_t kSlots = size_t{1} << 18;

  KnownKeys();

  bool Contains(std::string_view key) const;
  void Add(std::string_view key);
  void Remove(std::string_view key);
  void Clear();
  // Hints that Contains will be called.
  void Prefetch(std::string_view key) const { base::Prefetch(PairOf(key)); }

 private:
  struct Slot {
    unsigned char used;  // 0: empty; else the length of the key and 1
    char key[63];

    bool Holds(std::string_view wanted) const {
      return used == wanted.size() + 1 && std::memcmp(key, wanted.data(), wanted.size()) == 0;
    }
  };
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  // Two slots: the one that was filled last, and the other.
  Slot* PairOf(std::string_view key) const;

  std::unique_ptr<Slot[], Free> slots_;
};

}  // namespace nokv::redis
