// HashIndex: finds a key of a memtable by its hash. Buckets hold chains of keys; nothing is ever
// removed.
//
// Most lookups are of keys that are not there, and a chain is far away in memory: so beside the
// address of its first key a bucket has a filter of 16 bits, one of which each key of the chain
// sets (Leis et al., "Morsel-Driven Parallelism", 2014, section 4.2).
//
// Thread safety: any number of threads may insert and read at once, without locks.
// Invariant: an engine key has at most one KeyEntries, which lies in the bucket of its hash.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "base/prefetch.h"
#include "lsm/memtable/key_entries.h"

namespace nokv::lsm::internal {

class HashIndex {
 public:
  // Best for about `expected_keys`; more only make chains longer.
  explicit HashIndex(size_t expected_keys);
  HashIndex(const HashIndex&) = delete;
  HashIndex& operator=(const HashIndex&) = delete;

  // Hints that a key of this hash will be looked for: the first step brings the bucket, the second,
  // a moment later, the keys that it leads to, and the third their entries.
  void PrefetchBucket(uint64_t hash) const {
    if (!empty()) base::Prefetch(&BucketOf(hash));
  }
  void PrefetchKey(uint64_t hash) const {
    if (const KeyEntries* key = FirstOf(hash); key != nullptr) base::Prefetch(key);
  }
  void PrefetchEntry(uint64_t hash) const {
    if (const KeyEntries* key = FirstOf(hash); key != nullptr) base::Prefetch(key->newest());
  }
  // nullptr if the engine key is not there.
  KeyEntries* Find(uint64_t hash, std::string_view engine_key) const;
  // Adds `key`. If another thread has added its engine key meanwhile, returns that one instead, and
  // `key` is of no use.
  KeyEntries* Insert(KeyEntries* key);

  size_t bucket_bytes() const { return (mask_ + 1) * sizeof(Bucket); }

 private:
  // The address of the first key below, the filter above; 0: empty.
  using Bucket = std::atomic<uint64_t>;
  static constexpr int kAddressBits = 48;

  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  Bucket& BucketOf(uint64_t hash) const { return buckets_[hash & mask_]; }
  static uint64_t FilterOf(uint64_t hash) { return uint64_t{1} << (kAddressBits + (hash >> 60)); }
  static KeyEntries* AddressIn(uint64_t bucket) {
    return reinterpret_cast<KeyEntries*>(bucket & ((uint64_t{1} << kAddressBits) - 1));
  }
  // A lookup then need not wait for a bucket. Acquire: as FirstOf.
  bool empty() const { return empty_.load(std::memory_order_acquire); }
  // The first key of the chain in which one of this hash may be; nullptr: it is not there. Acquire:
  // paired with the release in Insert, so that the keys' fields are seen.
  KeyEntries* FirstOf(uint64_t hash) const {
    if (empty()) return nullptr;
    const uint64_t bucket = BucketOf(hash).load(std::memory_order_acquire);
    return (bucket & FilterOf(hash)) == 0 ? nullptr : AddressIn(bucket);
  }
  // The key among those from `key` up to (not including) `end`; nullptr if it is not there.
  static KeyEntries* Find(uint64_t hash, std::string_view engine_key, KeyEntries* key,
                          const KeyEntries* end);

  const size_t mask_;
  std::atomic<bool> empty_{true};
  // Zeroed by the system when a page is first touched, so that a large table that stays nearly
  // empty takes little.
  const std::unique_ptr<Bucket[], Free> buckets_;
};

}  // namespace nokv::lsm::internal
