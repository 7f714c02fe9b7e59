#include "lsm/memtable/hash_index.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace nokv::lsm::internal {

namespace {
constexpr size_t kMinBuckets = 16;

size_t BucketsFor(size_t expected_keys) {
  return std::bit_ceil(std::max(expected_keys, kMinBuckets));
}
}  // namespace

HashIndex::HashIndex(size_t expected_keys)
    : mask_(BucketsFor(expected_keys) - 1),
      // All-zero bytes are empty buckets, and an atomic integer is an implicit-lifetime type.
      buckets_(static_cast<Bucket*>(std::calloc(mask_ + 1, sizeof(Bucket)))) {
  static_assert(sizeof(Bucket) == sizeof(uint64_t) && Bucket::is_always_lock_free);
  NOKV_CHECK(buckets_ != nullptr) << "out of memory";
}

KeyEntries* HashIndex::Find(uint64_t hash, std::string_view engine_key, KeyEntries* key,
                            const KeyEntries* end) {
  for (; key != end; key = key->in_bucket_) {
    if (key->hash() == hash && key->engine_key() == engine_key) return key;
  }
  return nullptr;
}

KeyEntries* HashIndex::Find(uint64_t hash, std::string_view engine_key) const {
  return Find(hash, engine_key, FirstOf(hash), nullptr);
}

KeyEntries* HashIndex::Insert(KeyEntries* key) {
  const auto address = reinterpret_cast<uint64_t>(key);
  NOKV_CHECK(address >> kAddressBits == 0) << "an address of more than 48 bits";
  // Before the key is in its bucket, so that whoever has heard of the key looks there.
  if (empty()) empty_.store(false, std::memory_order_release);
  Bucket& bucket = BucketOf(key->hash());
  const KeyEntries* looked_up_to = nullptr;
  // Acquire, here and on failure: paired with the release of the exchange.
  uint64_t seen = bucket.load(std::memory_order_acquire);
  while (true) {
    KeyEntries* first = AddressIn(seen);
    KeyEntries* other = Find(key->hash(), key->engine_key(), first, looked_up_to);
    if (other != nullptr) return other;
    looked_up_to = first;
    key->in_bucket_ = first;
    const uint64_t filter = seen & ~((uint64_t{1} << kAddressBits) - 1);
    if (bucket.compare_exchange_strong(seen, address | filter | FilterOf(key->hash()),
                                       std::memory_order_release, std::memory_order_acquire)) {
      return key;
    }
  }
}

}  // namespace nokv::lsm::internal
