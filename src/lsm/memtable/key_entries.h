// KeyEntries: one engine key of a memtable and its entries, newest first, in an arena.
//
// The entries are a list that is only ever added to. Beside the link to the next older entry each
// has a *jump* to one far older, as in a skew-binary list, so that the entry of an old snapshot is
// found in logarithmic time even if the key was written a hundred thousand times since.
//
// Thread safety: any number of threads may add entries and read at once, without locks. The links
// to other keys belong to HashIndex and SortedKeys.
// Invariants:
//   1. Trailers strictly descend along the list, whatever order they came in.
//   2. The key and an entry's trailer, payload and jump never change; a jump leads to an entry
//      farther down the list, or nowhere.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/arena.h"

namespace nokv::lsm::internal {

// trailer | older | jump | depth | payload_bytes | payload, in one piece of the arena.
class Entry {
 public:
  // The payload is `header` and `value`, one after the other.
  static Entry* New(uint64_t trailer, std::string_view header, std::string_view value,
                    base::Arena& arena);

  uint64_t trailer() const { return trailer_; }
  std::string_view payload() const {
    return {reinterpret_cast<const char*>(this + 1), payload_bytes_};
  }
  // Acquire: paired with the release in KeyEntries::Add, so that the bytes of what is found are
  // seen.
  Entry* older() const { return older_.load(std::memory_order_acquire); }

 private:
  friend class KeyEntries;
  Entry(uint64_t trailer, uint32_t payload_bytes)
      : trailer_(trailer), payload_bytes_(payload_bytes) {}

  // Puts this in front of `older` (may be null). REQUIRES: nobody else sees this yet.
  void StandBefore(Entry* older);

  const uint64_t trailer_;
  std::atomic<Entry*> older_{nullptr};
  const Entry* jump_ = nullptr;
  uint32_t depth_ = 1;  // entries below, as far as jumps are laid out by it, and this one
  const uint32_t payload_bytes_;
};

// hash | links | newest | sizes | engine key | next[height], in one piece of the arena.
class KeyEntries {
 public:
  static constexpr int kMaxHeight = 12;

  // `hash` is that of `engine_key`, `first` its only entry so far.
  static KeyEntries* New(uint64_t hash, std::string_view engine_key, Entry* first,
                         base::Arena& arena);
  // One of full height without key or entries: where a sorted list begins.
  static KeyEntries* NewHead(base::Arena& arena);

  std::string_view engine_key() const {
    return {reinterpret_cast<const char*>(this + 1), key_bytes_};
  }
  uint64_t hash() const { return hash_; }
  // Never null. Acquire: as Entry::older.
  Entry* newest() const { return newest_.load(std::memory_order_acquire); }
  // The newest entry whose trailer is at most `trailer`; nullptr if there is none.
  const Entry* Find(uint64_t trailer) const;
  // REQUIRES: no entry has the same trailer (the process is stopped otherwise).
  void Add(Entry* entry);

 private:
  friend class HashIndex;
  friend class SortedKeys;
  using Link = std::atomic<KeyEntries*>;

  KeyEntries(uint64_t hash, uint32_t key_bytes, int height, Entry* first)
      : hash_(hash), newest_(first), key_bytes_(key_bytes), height_(height) {}
  static KeyEntries* New(int height, uint64_t hash, std::string_view engine_key, Entry* first,
                         base::Arena& arena);
  // The next key in the sorted list of `level` < height_. Acquire: paired with the release in
  // SortedKeys::Link, so that whoever finds a key sees its bytes.
  KeyEntries* Next(int level) const { return tower_[level].load(std::memory_order_acquire); }

  const uint64_t hash_;
  KeyEntries* in_bucket_ = nullptr;  // constant once this is in its bucket
  std::atomic<Entry*> newest_;
  KeyEntries* earlier_ = nullptr;  // the key that came before; constant once this has come
  Link* tower_ = nullptr;          // `height_` links, behind the key
  const uint32_t key_bytes_;
  const int32_t height_;
};

}  // namespace nokv::lsm::internal
