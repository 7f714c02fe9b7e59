#include "lsm/sst/block_cache.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/random.h"

namespace nokv::lsm {

namespace {

// A shard smaller than this could not hold a block of ordinary size beside others.
constexpr uint64_t kMinShardBytes = 1 << 20;
constexpr uint64_t kMaxShards = 16;
// Roughly what two slots and the control block take.
constexpr uint64_t kEntryOverhead = 160;

struct Key {
  uint64_t file_number;
  uint64_t offset;
  bool operator==(const Key&) const = default;
  uint64_t hash() const { return base::MixSeed(file_number * 0x9e3779b97f4a7c15ULL + offset); }
};

// A hash table with linear probing, whose slots are also what the hand of the clock passes: a hit
// costs one cache miss for the slot, and the block's own.
class Shard {
 public:
  void SetCapacity(uint64_t bytes) EXCLUDES(mu_) {
    base::MutexLock lock(mu_);
    capacity_ = bytes;
  }

  BlockHandle Lookup(const Key& key) EXCLUDES(mu_) {
    base::MutexLock lock(mu_);
    Slot& slot = slots_[Find(key)];
    if (slot.block == nullptr) {
      stats_.misses++;
      return nullptr;
    }
    stats_.hits++;
    slot.passes = kPassesUsed;
    return slot.block;
  }

  void Insert(const Key& key, BlockHandle block) EXCLUDES(mu_) {
    const uint64_t charge = block->capacity() + kEntryOverhead;
    // Freed after the lock is released.
    std::vector<BlockHandle> dropped;
    base::MutexLock lock(mu_);
    // Two readers that missed may bring the same block.
    if (charge > capacity_ || slots_[Find(key)].block != nullptr) return;
    while (stats_.charge_bytes + charge > capacity_) EvictOne(&dropped);
    if (2 * (count_ + 1) > slots_.size()) Grow();
    slots_[Find(key)] = {key, std::move(block), charge, kPassesNew};
    count_++;
    stats_.charge_bytes += charge;
  }

  void EraseFile(uint64_t file_number) EXCLUDES(mu_) {
    std::vector<BlockHandle> dropped;
    base::MutexLock lock(mu_);
    for (size_t i = 0; i < slots_.size();) {
      if (slots_[i].block != nullptr && slots_[i].key.file_number == file_number) {
        Drop(i, &dropped);  // another may stand there now
      } else {
        i++;
      }
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
  struct Slot {
    Key key{};
    BlockHandle block;  // null: free
    uint64_t charge = 0;
    uint8_t passes = 0;  // of the hand that it will survive
  };
  static constexpr size_t kFirstSlots = 16;
  // Wherever the hand is, a new block is there for half a round at least.
  static constexpr uint8_t kPassesNew = 1;
  static constexpr uint8_t kPassesUsed = 2;

  size_t Home(const Key& key) const REQUIRES(mu_) { return key.hash() & (slots_.size() - 1); }
  size_t After(size_t slot) const REQUIRES(mu_) { return (slot + 1) & (slots_.size() - 1); }
  // Where the key is, or the free slot where it would be.
  size_t Find(const Key& key) const REQUIRES(mu_) {
    size_t at = Home(key);
    while (slots_[at].block != nullptr && slots_[at].key != key) at = After(at);
    return at;
  }
  void Grow() REQUIRES(mu_) {
    std::vector<Slot> old(2 * slots_.size());
    old.swap(slots_);
    for (Slot& slot : old) {
      if (slot.block != nullptr) slots_[Find(slot.key)] = std::move(slot);
    }
  }
  // Moves the hand to the next block that survives no pass more, and drops it. REQUIRES: there are
  // blocks.
  void EvictOne(std::vector<BlockHandle>* dropped) REQUIRES(mu_) {
    while (true) {
      hand_ &= slots_.size() - 1;
      Slot& slot = slots_[hand_];
      if (slot.block != nullptr && slot.passes-- == 0) {
        Drop(hand_, dropped);  // the hand stays: another may stand there now
        stats_.evictions++;
        return;
      }
      hand_++;
    }
  }
  // Frees the slot; those behind move up, so that none stands beyond a free slot from its home.
  void Drop(size_t free, std::vector<BlockHandle>* dropped) REQUIRES(mu_) {
    stats_.charge_bytes -= slots_[free].charge;
    count_--;
    dropped->push_back(std::move(slots_[free].block));
    for (size_t at = After(free); slots_[at].block != nullptr; at = After(at)) {
      const size_t mask = slots_.size() - 1;
      const bool may_move = ((at - Home(slots_[at].key)) & mask) >= ((at - free) & mask);
      if (!may_move) continue;
      slots_[free] = std::move(slots_[at]);
      slots_[at].block.reset();
      free = at;
    }
    slots_[free] = Slot();
  }

  mutable base::Mutex mu_;
  uint64_t capacity_ GUARDED_BY(mu_) = 0;
  // A power of two, at most half of them taken.
  std::vector<Slot> slots_ GUARDED_BY(mu_) = std::vector<Slot>(kFirstSlots);
  size_t count_ GUARDED_BY(mu_) = 0;
  size_t hand_ GUARDED_BY(mu_) = 0;
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
  // The table inside the shard uses the low bits of the hash, so the shard is picked by the high
  // ones.
  Shard& For(const Key& key) { return shards[(key.hash() >> 40) % shards.size()]; }

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
