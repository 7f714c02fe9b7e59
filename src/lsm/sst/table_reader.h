// TableReader: the parts of an open table that lookups, iterators and checks share. Internal to
// lsm/sst.
//
// Thread safety: immutable after Open but for its counters, which are atomic, and its late parts.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "lsm/range_tombstone.h"
#include "lsm/seek_key.h"
#include "lsm/sst/block.h"
#include "lsm/sst/block_cache.h"
#include "lsm/sst/filter.h"
#include "lsm/sst/format.h"
#include "lsm/sst/key_index.h"
#include "lsm/sst/properties.h"
#include "lsm/sst/range_filter.h"
#include "lsm/sst/read_ahead.h"
#include "lsm/sst/table_counters.h"
#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::lsm::internal {

// A part of a table that is read when it is first asked for: these are most of what an open table
// keeps in memory, and whoever opens a large database does not wait for all of them.
//
// Thread safety: thread-safe once `Promise` has returned.
template <typename Part>
class LatePart {
 public:
  // The table has it, there. At most once, before anything else.
  void Promise(const BlockLocation& location) { location_ = location; }
  const std::optional<BlockLocation>& location() const { return location_; }
  // Empty until it is loaded.
  const Part& get() const {
    static const Part kNone;
    // Pairs with the store in Load.
    const Part* loaded = part_.load(std::memory_order_acquire);
    return loaded != nullptr ? *loaded : kNone;
  }
  // Makes it of what `read` (a Result<std::unique_ptr<Part>> of the location) returns, unless
  // somebody did or the table has none.
  template <typename Read>
  Status Load(BlockCache& cache, Read read) EXCLUDES(mu_) {
    if (!location_) return {};
    base::MutexLock lock(mu_);
    if (loaded_ != nullptr) return {};
    Result<std::unique_ptr<Part>> part = read(*location_);
    if (!part.ok()) return part.status();
    reservation_ = cache.Reserve((*part)->bytes());
    loaded_ = *std::move(part);
    part_.store(loaded_.get(), std::memory_order_release);
    return {};
  }

 private:
  std::optional<BlockLocation> location_;
  base::Mutex mu_;
  std::unique_ptr<const Part> loaded_ GUARDED_BY(mu_);
  BlockCache::Reservation reservation_ GUARDED_BY(mu_);
  std::atomic<const Part*> part_{nullptr};
};

class TableReader {
 public:
  // A data block: the key of its last entry, and where it lies.
  struct IndexEntry {
    std::string_view last_key;
    BlockLocation location;
  };
  enum class CacheUse { kFill, kLookOnly };

  // `sequence` is that of all entries of an external table; `counters`, borrowed, may be null.
  TableReader(std::unique_ptr<vfs::RandomFile> file, std::string path, uint64_t file_number,
              BlockCache& cache, keys::SequenceNumber sequence, TableReadCounters* counters);
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;

  // Reads and checks everything but the data blocks and the key index. Call once, before anything
  // else. Its errors do not name the file.
  Status Open();

  const std::vector<IndexEntry>& index() const { return index_; }
  // Position in index() of the first block whose last key is at or after `target`; index().size()
  // if there is none.
  size_t FindBlock(const SeekKey& target) const;
  // `ahead`, if there is one, learns what is read from the file. `place` is for BlockCache::Lookup.
  Result<BlockHandle> ReadDataBlock(const BlockLocation& location, CacheUse use, ReadAhead* ahead,
                                    size_t place = BlockCache::kNoPlace) const;
  // As ReadDataBlock, past the cache.
  Result<std::string> ReadFromFile(const BlockLocation& location) const;
  // Hints that the block will be read.
  void PrefetchDataBlock(const BlockLocation& location) const {
    cache_.Prefetch(file_number_, location.offset);
  }
  // Hints that FindPrefix will be called.
  void PrefetchPrefix(uint64_t hash) const {
    key_index().Prefetch(hash);
    filter_.Prefetch(hash);
  }
  // What key index or filter know of prefixes of this hash (Filter::HashOf). Errors: as
  // LoadKeyIndex.
  Result<KeyIndex::Answer> FindPrefix(uint64_t hash, KeyPlace* place) const;
  // Reads and checks the key index, if the table has one and nobody did yet. Its errors name the
  // file.
  Status LoadKeyIndex() const;
  // As LoadKeyIndex, the range filter.
  Status LoadRangeFilter() const;
  bool has_range_filter() const { return range_filter_.location().has_value(); }
  // Corruption that names the file and the block.
  Status DamageOf(const BlockLocation& location, std::string_view what) const {
    return BlockDamage(location.offset, what).Prefixed(path_);
  }
  const std::string& path() const { return path_; }

  bool external() const { return external_; }
  keys::SequenceNumber sequence() const { return sequence_; }  // of an external table
  // The trailer that an entry of the file has in the database.
  uint64_t TrailerOf(std::string_view internal_key) const {
    return external_ ? keys::PackTrailer(sequence_, keys::KindOf(internal_key))
                     : keys::TrailerOf(internal_key);
  }

  const Filter& filter() const { return filter_; }
  // Empty until it is loaded.
  const KeyIndex& key_index() const { return key_index_.get(); }
  const Properties& properties() const { return properties_; }
  const TableSummary& summary() const { return properties_.summary; }
  const std::shared_ptr<const RangeTombstoneSet>& tombstones() const { return tombstones_; }
  size_t metadata_bytes() const;
  // Empty until it is loaded.
  const RangeFilter& range_filter() const { return range_filter_.get(); }
  // The range filter was asked, and spared a look at a block, or not.
  void CountRange(bool skipped) const {
    if (counters_ != nullptr) counters_->CountRange(skipped);
  }
  // That look found nothing.
  void CountFalseRange() const {
    if (counters_ != nullptr) counters_->CountFalseRange();
  }

 private:
  struct Metaindex {
    std::optional<BlockLocation> filter, key_index, range_filter, index, properties, tombstones;
  };

  Status ReadMetaindex(const BlockLocation& location, Metaindex* metaindex) const;
  Status ReadIndex(const BlockLocation& location);
  void BuildHeads();
  Status ReadProperties(const BlockLocation& location);
  Status ReadTombstones(const BlockLocation& location);
  Status ReadFilter(const BlockLocation& location);

  const std::unique_ptr<vfs::RandomFile> file_;
  const std::string path_;
  const uint64_t file_number_;
  BlockCache& cache_;
  const keys::SequenceNumber sequence_;
  TableReadCounters* const counters_;
  const BlockReader blocks_;
  bool external_ = false;

  std::string index_contents_;  // what the keys of index_ point into
  std::vector<IndexEntry> index_;
  // Of the prefixes of those keys: what all have in common, and the next 8 bytes of each. Looking
  // among these waits for memory less often than among the keys.
  std::string_view common_;
  std::vector<uint64_t> heads_;
  Filter filter_;
  Properties properties_;
  std::shared_ptr<const RangeTombstoneSet> tombstones_;
  size_t tombstone_bytes_ = 0;
  BlockCache::Reservation reservation_;  // for what is here
  mutable LatePart<KeyIndex> key_index_;
  mutable LatePart<RangeFilter> range_filter_;
};

}  // namespace nokv::lsm::internal
