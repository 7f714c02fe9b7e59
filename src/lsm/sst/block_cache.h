// BlockCache: decoded blocks by (file number, offset), within a hard byte budget. What open tables
// hold beside them, their indexes and filters, is taken off the same budget. Sharded, each
// shard a clock: a block survives two passes of the hand after it was used, one after it came, so
// that a hit only sets a mark. A block in use by a reader stays alive through its handle but no
// longer counts once evicted.
//
// Thread safety: thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace nokv::lsm {

// One uncompressed block, checked.
using BlockHandle = std::shared_ptr<const std::string>;

struct BlockCacheStats {
  uint64_t hits = 0;
  uint64_t misses = 0;
  uint64_t evictions = 0;
  uint64_t charge_bytes = 0;    // what is reserved included
  uint64_t reserved_bytes = 0;  // of it, by Reserve
  uint64_t capacity_bytes = 0;
};

class BlockCache {
 public:
  // `capacity_bytes` 0 keeps nothing.
  explicit BlockCache(uint64_t capacity_bytes);
  ~BlockCache();

  // nullptr on a miss. `place` is where the caller will look in the block, if that is known: what
  // is there is fetched together with all that stands between the cache and the block.
  static constexpr size_t kNoPlace = SIZE_MAX;
  BlockHandle Lookup(uint64_t file_number, uint64_t offset, size_t place = kNoPlace);
  // Hints that Lookup will be called.
  void Prefetch(uint64_t file_number, uint64_t offset) const;
  // Nothing happens if the block is there: blocks never change.
  void Insert(uint64_t file_number, uint64_t offset, BlockHandle block);
  // Drops the blocks of a deleted file.
  void EraseFile(uint64_t file_number);
  BlockCacheStats stats() const;

 private:
  class Impl;

 public:
  // A part of the budget that blocks do not have; given back by the destructor, which may run after
  // the cache's.
  class Reservation {
   public:
    Reservation() = default;
    ~Reservation();
    Reservation(Reservation&& other) noexcept { *this = std::move(other); }
    // What this had goes with `other`.
    Reservation& operator=(Reservation&& other) noexcept {
      std::swap(impl_, other.impl_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }

   private:
    friend class BlockCache;
    std::shared_ptr<Impl> impl_;
    uint64_t bytes_ = 0;
  };
  // An eighth of the budget is left for blocks, however much is reserved.
  Reservation Reserve(uint64_t bytes);

 private:
  const std::shared_ptr<Impl> impl_;
};

}  // namespace nokv::lsm
