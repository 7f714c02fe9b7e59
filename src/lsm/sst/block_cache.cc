#include "lsm/sst/block_cache.h"

#include <algorithm>
#include <deque>
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
// Roughly what map node, queue place and control block take.
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
    const auto found = entries_.find(key);
    if (found == entries_.end()) {
      stats_.misses++;
      return nullptr;
    }
    stats_.hits++;
    found->second.used = true;
    return found->second.block;
  }

  void Insert(const Key& key, BlockHandle block) EXCLUDES(mu_) {
    const uint64_t charge = block->capacity() + kEntryOverhead;
    // Freed after the lock is released.
    std::vector<BlockHandle> dropped;
    base::MutexLock lock(mu_);
    // Two readers that missed may bring the same block.
    if (charge > capacity_ || entries_.contains(key)) return;
    while (stats_.charge_bytes + charge > capacity_) EvictOne(&dropped);
    entries_.emplace(key, Entry{charge, false, std::move(block)});
    hand_.push_back(key);
    stats_.charge_bytes += charge;
  }

  void EraseFile(uint64_t file_number) EXCLUDES(mu_) {
    std::vector<BlockHandle> dropped;
    base::MutexLock lock(mu_);
    std::deque<Key> kept;
    for (const Key& key : hand_) {
      if (key.file_number == file_number) {
        Drop(entries_.find(key), &dropped);
      } else {
        kept.push_back(key);
      }
    }
    hand_ = std::move(kept);
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
    uint64_t charge;
    bool used;  // since the hand last passed
    BlockHandle block;
  };
  using Entries = std::unordered_map<Key, Entry, KeyHash>;

  // Moves the hand to the next block that was not used, and drops it. REQUIRES: there are entries.
  void EvictOne(std::vector<BlockHandle>* dropped) REQUIRES(mu_) {
    while (true) {
      const Key key = hand_.front();
      hand_.pop_front();
      const auto entry = entries_.find(key);
      if (!entry->second.used) {
        Drop(entry, dropped);
        stats_.evictions++;
        return;
      }
      entry->second.used = false;
      hand_.push_back(key);
    }
  }
  void Drop(Entries::iterator entry, std::vector<BlockHandle>* dropped) REQUIRES(mu_) {
    stats_.charge_bytes -= entry->second.charge;
    dropped->push_back(std::move(entry->second.block));
    entries_.erase(entry);
  }

  mutable base::Mutex mu_;
  uint64_t capacity_ GUARDED_BY(mu_) = 0;
  Entries entries_ GUARDED_BY(mu_);
  // The keys of entries_, in the order in which the hand comes by.
  std::deque<Key> hand_ GUARDED_BY(mu_);
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
