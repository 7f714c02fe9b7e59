#include "lsm/sst/block_cache.h"

#include <algorithm>
#include <list>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/random.h"

namespace nokv::lsm {

namespace {

// A shard smaller than this could not hold a block of ordinary size beside others.
constexpr uint64_t kMinShardBytes = 1 << 20;
constexpr uint64_t kMaxShards = 16;
// Roughly what list node, map node and control block take.
constexpr uint64_t kEntryOverhead = 160;

struct Key {
  uint64_t file_number;
  uint64_t offset;
  bool operator==(const Key&) const = default;
};

struct KeyHash {
  size_t operator()(const Key& key) const {
    return base::MixSeed(key.file_number * 0x9e3779b97f4a7c15ULL + key.offset);
  }
};

class Shard {
 public:
  void SetCapacity(uint64_t bytes) EXCLUDES(mu_) {
    base::MutexLock lock(mu_);
    capacity_ = bytes;
  }

  BlockHandle Lookup(const Key& key) EXCLUDES(mu_) {
    base::MutexLock lock(mu_);
    const auto found = index_.find(key);
    if (found == index_.end()) {
      stats_.misses++;
      return nullptr;
    }
    stats_.hits++;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->block;
  }

  void Insert(const Key& key, BlockHandle block) EXCLUDES(mu_) {
    const uint64_t charge = block->capacity() + kEntryOverhead;
    // Freed after the lock is released.
    std::list<Entry> dropped;
    base::MutexLock lock(mu_);
    if (charge > capacity_) return;
    if (const auto found = index_.find(key); found != index_.end()) Drop(found->second, &dropped);
    while (stats_.charge_bytes + charge > capacity_) {
      Drop(std::prev(entries_.end()), &dropped);
      stats_.evictions++;
    }
    entries_.push_front({key, charge, std::move(block)});
    index_.emplace(key, entries_.begin());
    stats_.charge_bytes += charge;
  }

  void EraseFile(uint64_t file_number) EXCLUDES(mu_) {
    std::list<Entry> dropped;
    base::MutexLock lock(mu_);
    for (auto it = entries_.begin(); it != entries_.end();) {
      const auto current = it++;
      if (current->key.file_number == file_number) Drop(current, &dropped);
    }
  }

  void AddTo(BlockCacheStats* total) const EXCLUDES(mu_) {
    base::MutexLock lock(mu_);
    total->hits += stats_.hits;
    total->misses += stats_.misses;
    total->evictions += stats_.evictions;
    total->charge_bytes += stats_.charge_bytes;
  }

 private:
  struct Entry {
    Key key;
    uint64_t charge;
    BlockHandle block;
  };
  using Position = std::list<Entry>::iterator;

  void Drop(Position entry, std::list<Entry>* dropped) REQUIRES(mu_) {
    stats_.charge_bytes -= entry->charge;
    index_.erase(entry->key);
    dropped->splice(dropped->begin(), entries_, entry);
  }

  mutable base::Mutex mu_;
  uint64_t capacity_ GUARDED_BY(mu_) = 0;
  std::list<Entry> entries_ GUARDED_BY(mu_);  // most recently used first
  std::unordered_map<Key, Position, KeyHash> index_ GUARDED_BY(mu_);
  BlockCacheStats stats_ GUARDED_BY(mu_);
};

}  // namespace

class BlockCache::Impl {
 public:
  explicit Impl(uint64_t capacity)
      : capacity_bytes(capacity),
        shards(std::clamp<uint64_t>(capacity / kMinShardBytes, 1, kMaxShards)) {
    for (Shard& shard : shards) shard.SetCapacity(capacity / shards.size());
  }
  // The map inside the shard uses the low bits of the hash, so the shard is picked by the high
  // ones.
  Shard& For(const Key& key) { return shards[(KeyHash()(key) >> 40) % shards.size()]; }

  const uint64_t capacity_bytes;
  std::vector<Shard> shards;
};

BlockCache::BlockCache(uint64_t capacity_bytes) : impl_(std::make_unique<Impl>(capacity_bytes)) {}
BlockCache::~BlockCache() = default;

BlockHandle BlockCache::Lookup(uint64_t file_number, uint64_t offset) {
  const Key key{file_number, offset};
  return impl_->For(key).Lookup(key);
}

void BlockCache::Insert(uint64_t file_number, uint64_t offset, BlockHandle block) {
  const Key key{file_number, offset};
  impl_->For(key).Insert(key, std::move(block));
}

void BlockCache::EraseFile(uint64_t file_number) {
  for (Shard& shard : impl_->shards) shard.EraseFile(file_number);
}

BlockCacheStats BlockCache::stats() const {
  BlockCacheStats total;
  for (const Shard& shard : impl_->shards) shard.AddTo(&total);
  total.capacity_bytes = impl_->capacity_bytes;
  return total;
}

}  // namespace nokv::lsm
