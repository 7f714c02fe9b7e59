#include "lsm/sst/block_cache.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <memory>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "base/prefetch.h"
#include "base/random.h"
#include "base/striped_counters.h"

namespace nokv::lsm {

namespace {

// A shard smaller than this could not hold a block of ordinary size beside others.
constexpr uint64_t kMinShardBytes = 1 << 20;
constexpr uint64_t kMaxShards = 16;
// Of the budget, for blocks however much is reserved.
constexpr uint64_t kLeastPart = 8;
// From the place that a reader names: the entries between two restart points, for keys of ordinary
// length.
constexpr uint64_t kPlaceBytes = 6 * base::kCacheLineBytes;
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
//
// Lookups take no lock. All that changes a slot is done under the shard's, one slot at a time:
//
//   free -> busy -> present      Insert fills it while it is busy
//   present -> busy -> free      only while no lookup has pinned it
//
// A lookup pins a slot by the same atomic word that tells whether it was present then: if so, the
// slot stays as it is until the lookup lets go. A free slot ends a search only if no block stands
// beyond it that would rather have stood here or before (`passed`).
class Shard {
 public:
  // REQUIRES: called once, before anything else.
  void SetCapacity(uint64_t bytes) {
    base::MutexLock lock(mu_);
    capacity_ = bytes;
    const uint64_t slots = std::bit_ceil(std::max(2 * bytes / kExpectedBlockBytes, kMinSlots));
    mask_ = slots - 1;
    slots_ = std::make_unique<Slot[]>(slots);
  }

  // To at most what SetCapacity said; what has no room any more goes.
  void Resize(uint64_t bytes) EXCLUDES(mu_) {
    std::vector<BlockHandle> dropped;
    base::MutexLock lock(mu_);
    capacity_ = bytes;
    while (charge_ > capacity_) EvictOne(&dropped);
  }

  void Prefetch(uint64_t hash) const { base::Prefetch(&slots_[hash & mask_]); }

  // nullptr if it is not there.
  BlockHandle Lookup(const Key& key, uint64_t hash, size_t place) {
    for (size_t at = hash & mask_, seen = 0; seen <= mask_; at = After(at), seen++) {
      Slot& slot = slots_[at];
      if (Word(slot.word.load(std::memory_order_relaxed)).MayBe(hash)) {
        // Acquire: paired with the release that made it present.
        const Word word(slot.word.fetch_add(Word::kPin, std::memory_order_acquire));
        if (word.MayBe(hash) && slot.key == key) {
          slot.PrefetchAt(place);
          BlockHandle block = slot.block;
          if (!word.used()) slot.word.fetch_or(Word::kUsed, std::memory_order_relaxed);
          // Release: what was read of the slot was read before.
          slot.word.fetch_sub(Word::kPin, std::memory_order_release);
          return block;
        }
        slot.word.fetch_sub(Word::kPin, std::memory_order_release);
      }
      if (slot.passed.load(std::memory_order_acquire) == 0) break;
    }
    return nullptr;
  }

  void Insert(const Key& key, uint64_t hash, BlockHandle block) EXCLUDES(mu_) {
    const uint64_t charge = block->capacity() + kEntryOverhead;
    // Freed after the lock is released.
    std::vector<BlockHandle> dropped;
    base::MutexLock lock(mu_);
    // Two readers that missed may bring the same block.
    if (charge > capacity_ || Holds(key)) return;
    while (charge_ + charge > capacity_ || 4 * count_ >= 3 * mask_) EvictOne(&dropped);
    size_t at = hash & mask_;
    for (; Word(slots_[at].word.load()).state() != Word::kFree; at = After(at)) {
      // Release: whoever sees the block behind sees that there is one.
      slots_[at].passed.fetch_add(1, std::memory_order_release);
    }
    Slot& slot = slots_[at];
    slot.word.fetch_add(Word::kBusy, std::memory_order_acquire);
    slot.key = key;
    slot.bytes = block->data();
    slot.size = static_cast<uint32_t>(block->size());
    slot.block = std::move(block);
    slot.charge = charge;
    slot.word.fetch_add(Word::Present(hash) - Word::kBusy, std::memory_order_release);
    count_++;
    charge_ += charge;
  }

  void EraseFile(uint64_t file_number) EXCLUDES(mu_) {
    std::vector<BlockHandle> dropped;
    base::MutexLock lock(mu_);
    for (size_t at = 0; at <= mask_; at++) {
      const Word word(slots_[at].word.load());
      if (word.state() != Word::kPresent || slots_[at].key.file_number != file_number) continue;
      // One that is looked at just now goes when the hand comes by: nobody asks for it any more.
      (void)Drop(at, &dropped);
    }
  }

  void AddTo(BlockCacheStats* total) const EXCLUDES(mu_) {
    base::MutexLock lock(mu_);
    total->evictions += evictions_;
    total->charge_bytes += charge_;
  }

 private:
  // state | tag | passes of the hand that the block will survive | pins
  class Word {
   public:
    static constexpr uint64_t kPin = 1;
    static constexpr uint64_t kPass = uint64_t{1} << 32;
    static constexpr uint64_t kUsed = kPass << 1;  // at least two passes
    static constexpr uint64_t kTag = uint64_t{1} << 40;
    static constexpr uint64_t kFree = 0;
    static constexpr uint64_t kBusy = uint64_t{1} << 62;
    static constexpr uint64_t kPresent = uint64_t{2} << 62;

    explicit Word(uint64_t bits) : bits_(bits) {}
    // A new block survives one pass: wherever the hand is, that is half a round at least.
    static uint64_t Present(uint64_t hash) { return kPresent + TagOf(hash) + kPass; }

    uint64_t state() const { return bits_ & (kPresent | kBusy); }
    bool MayBe(uint64_t hash) const {
      return state() == kPresent && (bits_ & (kTag * 0xffff)) == TagOf(hash);
    }
    bool used() const { return (bits_ & kUsed) != 0; }
    bool survives() const { return (bits_ & (kPass | kUsed)) != 0; }
    bool pinned() const { return (bits_ & (kPass - 1)) != 0; }
    uint64_t bits() const { return bits_; }

   private:
    static uint64_t TagOf(uint64_t hash) { return (hash >> 48) * kTag; }
    uint64_t bits_;
  };
  struct alignas(64) Slot {
    std::atomic<uint64_t> word{0};
    std::atomic<uint32_t> passed{0};  // blocks beyond whose search comes by here
    uint32_t size = 0;                // of the block
    Key key{};
    BlockHandle block;
    const char* bytes = nullptr;  // of the block, whose own line need not be there to find them
    uint64_t charge = 0;

    void PrefetchAt(size_t place) const {
      if (place >= size) return;
      base::PrefetchBytes({bytes + place, std::min<size_t>(size - place, kPlaceBytes)});
    }
  };
  static constexpr uint64_t kExpectedBlockBytes = 8192;
  static constexpr uint64_t kMinSlots = 16;

  size_t After(size_t at) const { return (at + 1) & mask_; }
  bool Holds(const Key& key) const REQUIRES(mu_) {
    size_t at = key.hash() & mask_;
    for (size_t seen = 0; seen <= mask_; seen++, at = After(at)) {
      const Slot& slot = slots_[at];
      if (Word(slot.word.load()).state() == Word::kPresent && slot.key == key) return true;
      if (slot.passed.load() == 0) break;
    }
    return false;
  }
  // Moves the hand to the next block that survives no pass more, and drops it. REQUIRES: there are
  // blocks.
  void EvictOne(std::vector<BlockHandle>* dropped) REQUIRES(mu_) {
    for (;; hand_ = After(hand_)) {
      Slot& slot = slots_[hand_];
      const Word word(slot.word.load());
      if (word.state() != Word::kPresent) continue;
      if (word.survives()) {
        slot.word.fetch_sub(Word::kPass, std::memory_order_relaxed);
      } else if (Drop(hand_, dropped)) {
        evictions_++;
        return;
      }
    }
  }
  // Frees the slot; false if a lookup has it pinned.
  bool Drop(size_t at, std::vector<BlockHandle>* dropped) REQUIRES(mu_) {
    Slot& slot = slots_[at];
    uint64_t bits = slot.word.load();
    // Acquire: the lookups that have let go are done with it.
    if (Word(bits).pinned() ||
        !slot.word.compare_exchange_strong(bits, Word::kBusy, std::memory_order_acquire)) {
      return false;
    }
    for (size_t passed = slot.key.hash() & mask_; passed != at; passed = After(passed)) {
      slots_[passed].passed.fetch_sub(1, std::memory_order_release);
    }
    count_--;
    charge_ -= slot.charge;
    dropped->push_back(std::move(slot.block));
    slot.word.fetch_sub(Word::kBusy, std::memory_order_release);
    return true;
  }

  // Constant after SetCapacity.
  uint64_t mask_ = 0;
  std::unique_ptr<Slot[]> slots_;

  mutable base::Mutex mu_;
  uint64_t capacity_ GUARDED_BY(mu_) = 0;
  uint64_t charge_ GUARDED_BY(mu_) = 0;
  uint64_t count_ GUARDED_BY(mu_) = 0;
  uint64_t evictions_ GUARDED_BY(mu_) = 0;
  size_t hand_ GUARDED_BY(mu_) = 0;
};

}  // namespace

class BlockCache::Impl {
 public:
  explicit Impl(uint64_t capacity)
      : capacity_bytes(capacity),
        shards(std::bit_floor(std::clamp<uint64_t>(capacity / kMinShardBytes, 1, kMaxShards))) {
    for (Shard& shard : shards) shard.SetCapacity(capacity / shards.size());
  }
  // The table inside the shard uses the low bits of the hash, so the shard is picked by the high
  // ones.
  Shard& For(uint64_t hash) { return shards[(hash >> 40) & (shards.size() - 1)]; }

  // Reserves that much more, or less.
  void Reserve(int64_t change) EXCLUDES(mu) {
    base::MutexLock lock(mu);
    reserved = static_cast<uint64_t>(static_cast<int64_t>(reserved) + change);
    const uint64_t least = capacity_bytes / kLeastPart;
    const uint64_t left = capacity_bytes - std::min(reserved, capacity_bytes - least);
    for (Shard& shard : shards) shard.Resize(left / shards.size());
  }

  enum Counter : size_t { kHits, kMisses, kCounters };

  const uint64_t capacity_bytes;
  std::vector<Shard> shards;  // a power of two
  base::StripedCounters<kCounters> counters;
  base::Mutex mu;  // before those of the shards
  uint64_t reserved GUARDED_BY(mu) = 0;
};

BlockCache::BlockCache(uint64_t capacity_bytes) : impl_(std::make_shared<Impl>(capacity_bytes)) {}
BlockCache::~BlockCache() = default;

void BlockCache::Prefetch(uint64_t file_number, uint64_t offset) const {
  const uint64_t hash = Key{file_number, offset}.hash();
  impl_->For(hash).Prefetch(hash);
}

BlockHandle BlockCache::Lookup(uint64_t file_number, uint64_t offset, size_t place) {
  const Key key{file_number, offset};
  const uint64_t hash = key.hash();
  BlockHandle block = impl_->For(hash).Lookup(key, hash, place);
  impl_->counters.Add(block != nullptr ? Impl::kHits : Impl::kMisses);
  return block;
}

void BlockCache::Insert(uint64_t file_number, uint64_t offset, BlockHandle block) {
  const Key key{file_number, offset};
  const uint64_t hash = key.hash();
  impl_->For(hash).Insert(key, hash, std::move(block));
}

void BlockCache::EraseFile(uint64_t file_number) {
  for (Shard& shard : impl_->shards) shard.EraseFile(file_number);
}

BlockCache::Reservation BlockCache::Reserve(uint64_t bytes) {
  Reservation reservation;
  impl_->Reserve(static_cast<int64_t>(bytes));
  reservation.impl_ = impl_;
  reservation.bytes_ = bytes;
  return reservation;
}

BlockCache::Reservation::~Reservation() {
  if (impl_ != nullptr) impl_->Reserve(-static_cast<int64_t>(bytes_));
}

BlockCacheStats BlockCache::stats() const {
  BlockCacheStats total;
  total.hits = impl_->counters.Sum(Impl::kHits);
  total.misses = impl_->counters.Sum(Impl::kMisses);
  for (const Shard& shard : impl_->shards) shard.AddTo(&total);
  {
    base::MutexLock lock(impl_->mu);
    total.reserved_bytes = impl_->reserved;
  }
  total.charge_bytes += total.reserved_bytes;
  total.capacity_bytes = impl_->capacity_bytes;
  return total;
}

}  // namespace nokv::lsm
