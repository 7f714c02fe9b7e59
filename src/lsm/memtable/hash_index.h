// HashIndex: finds the entries of one engine key without a search through the skip list. Buckets
// hold chains of keys, and each key the chain of its entries, newest first; the entries are the
// skip list's nodes. Nothing is ever removed.
//
// Thread safety: any number of threads may insert and read at once, without locks.
// Invariants:
//   1. An engine key has at most one Key, which lies in the bucket of its hash.
//   2. Trailers strictly descend along the chain of a key, whatever order they came in.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "base/arena.h"
#include "lsm/memtable/skip_list.h"

namespace nokv::lsm::internal {

class HashIndex {
 public:
  // Best for about `expected_keys`; more only make chains longer. `arena` is borrowed.
  HashIndex(size_t expected_keys, base::Arena& arena);
  HashIndex(const HashIndex&) = delete;
  HashIndex& operator=(const HashIndex&) = delete;

  // An engine key that has entries.
  struct Key;
  // nullptr if `engine_key` has none.
  Key* Find(uint64_t hash, std::string_view engine_key) const;
  // A node of the skip list that sorts before every entry of the key; nullptr if none is known.
  static SkipList::Node* BeforeAll(const Key& key);

  // Adds what the skip list has linked, `hash` being its engine key's and `key` what Find said of
  // it. REQUIRES: no equal key was added.
  void Insert(uint64_t hash, const SkipList::Place& place, Key* key);

  // The newest node of `engine_key`, or nullptr. The older ones hang on it.
  const SkipList::Node* FindNewest(uint64_t hash, std::string_view engine_key) const;

  // Of the buckets; what hangs on them is in the arena.
  size_t bucket_bytes() const { return (mask_ + 1) * sizeof(Bucket); }

 private:
  using Bucket = std::atomic<Key*>;
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  Bucket& BucketOf(uint64_t hash) const { return buckets_[hash & mask_]; }
  // The key among those from `key` up to (not including) `end`; nullptr if it is not there.
  static Key* Find(uint64_t hash, std::string_view engine_key, Key* key, const Key* end);
  static void InsertVersion(const SkipList::Place& place, Key* key);
  static void RememberBefore(const SkipList::Place& place, Key* key);

  base::Arena& arena_;
  const size_t mask_;
  // Zeroed by the system when a page is first touched, so that a large table that stays nearly
  // empty takes little.
  const std::unique_ptr<Bucket[], Free> buckets_;
};

struct HashIndex::Key {
  uint64_t hash;
  Key* next;                            // in the bucket; constant once the key is linked
  std::atomic<SkipList::Node*> newest;  // never null
  std::atomic<SkipList::Node*> before;  // see BeforeAll
};

}  // namespace nokv::lsm::internal
