#include "lsm/memtable/hash_index.h"

#include <algorithm>
#include <bit>
#include <new>

#include "base/check.h"

namespace nokv::lsm::internal {

namespace {
constexpr size_t kMinBuckets = 16;

size_t BucketsFor(size_t expected_keys) {
  return std::bit_ceil(std::max(expected_keys, kMinBuckets));
}
}  // namespace

HashIndex::HashIndex(size_t expected_keys, base::Arena& arena)
    : arena_(arena),
      mask_(BucketsFor(expected_keys) - 1),
      // All-zero bytes are null pointers, and an atomic pointer is an implicit-lifetime type.
      buckets_(static_cast<Bucket*>(std::calloc(mask_ + 1, sizeof(Bucket)))) {
  static_assert(sizeof(Bucket) == sizeof(Key*) && Bucket::is_always_lock_free);
  NOKV_CHECK(buckets_ != nullptr) << "out of memory";
}

HashIndex::Key* HashIndex::Find(uint64_t hash, std::string_view engine_key, Key* key,
                                const Key* end) {
  for (; key != end; key = key->next) {
    if (key->hash != hash) continue;
    // Acquire: paired with the release in InsertVersion. All nodes of a key share the engine key,
    // so that comparing with the newest spares a visit to another.
    const SkipList::Node* node = key->newest.load(std::memory_order_acquire);
    if (keys::EngineKeyOf(node->key()) == engine_key) return key;
  }
  return nullptr;
}

HashIndex::Key* HashIndex::Find(uint64_t hash, std::string_view engine_key) const {
  // Acquire: paired with the release in Insert, so that the keys' fields are seen.
  return Find(hash, engine_key, BucketOf(hash).load(std::memory_order_acquire), nullptr);
}

SkipList::Node* HashIndex::BeforeAll(const Key& key) {
  // Acquire: paired with the release in InsertVersion.
  return key.before.load(std::memory_order_acquire);
}

const SkipList::Node* HashIndex::FindNewest(uint64_t hash, std::string_view engine_key) const {
  const Key* key = Find(hash, engine_key);
  // Acquire: paired with the release in InsertVersion.
  return key == nullptr ? nullptr : key->newest.load(std::memory_order_acquire);
}

void HashIndex::Insert(uint64_t hash, const SkipList::Place& place, Key* key) {
  if (key != nullptr) return InsertVersion(place, key);
  Bucket& bucket = BucketOf(hash);
  const std::string_view engine_key = keys::EngineKeyOf(place.node->key());
  // Acquire: paired with the release below.
  Key* first = bucket.load(std::memory_order_acquire);
  key = Find(hash, engine_key, first, nullptr);
  if (key != nullptr) return InsertVersion(place, key);
  Key* added = new (arena_.Allocate(sizeof(Key))) Key{hash, first, {place.node}, {nullptr}};
  RememberBefore(place, added);
  // Release: paired with the acquire loads of the bucket; acquire on failure, likewise.
  while (!bucket.compare_exchange_strong(added->next, added, std::memory_order_release,
                                         std::memory_order_acquire)) {
    // Others put keys in front of `first`. If one is this key, the arena keeps `added` for nothing.
    key = Find(hash, engine_key, added->next, first);
    if (key != nullptr) return InsertVersion(place, key);
    first = added->next;
  }
}

void HashIndex::RememberBefore(const SkipList::Place& place, Key* key) {
  // In front of an entry that came late stands a newer one of its own key.
  const std::string_view before = place.before->key();
  if (!before.empty() && keys::EngineKeyOf(before) == keys::EngineKeyOf(place.node->key())) return;
  // Release: paired with the acquire in BeforeAll.
  key->before.store(place.before, std::memory_order_release);
}

void HashIndex::InsertVersion(const SkipList::Place& place, Key* key) {
  RememberBefore(place, key);
  SkipList::Node* node = place.node;
  const uint64_t trailer = keys::TrailerOf(node->key());
  std::atomic<SkipList::Node*>* link = &key->newest;
  // Acquire, here and below: paired with the release of the exchange, so that the bytes of a node
  // that is found are seen.
  SkipList::Node* older = link->load(std::memory_order_acquire);
  while (true) {
    while (older != nullptr && keys::TrailerOf(older->key()) > trailer) {
      link = &older->older_;
      older = link->load(std::memory_order_acquire);
    }
    // Relaxed: the exchange publishes it.
    node->older_.store(older, std::memory_order_relaxed);
    // Release: paired with the acquire loads of `newest` and `older_`. Nothing is removed, so after
    // a failure the search goes on from the same link.
    if (link->compare_exchange_strong(older, node, std::memory_order_release,
                                      std::memory_order_acquire)) {
      return;
    }
  }
}

}  // namespace nokv::lsm::internal
