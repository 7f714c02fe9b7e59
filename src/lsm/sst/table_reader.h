// TableReader: the parts of an open table that lookups, iterators and checks share. Internal to
// lsm/sst.
//
// Thread safety: immutable after Open but for its counters, which are atomic, and the key index,
// which the first lookup reads.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "base/striped_counters.h"
#include "lsm/range_tombstone.h"
#include "lsm/seek_key.h"
#include "lsm/sst/block.h"
#include "lsm/sst/block_cache.h"
#include "lsm/sst/filter.h"
#include "lsm/sst/format.h"
#include "lsm/sst/key_index.h"
#include "lsm/sst/properties.h"
#include "lsm/sst/read_ahead.h"
#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::lsm::internal {

class TableReader {
 public:
  // A data block: the key of its last entry, and where it lies.
  struct IndexEntry {
    std::string_view last_key;
    BlockLocation location;
  };
  enum class CacheUse { kFill, kLookOnly };

  // `sequence` is that of all entries of an external table.
  TableReader(std::unique_ptr<vfs::RandomFile> file, std::string path, uint64_t file_number,
              BlockCache& cache, keys::SequenceNumber sequence);
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;

  // Reads and checks everything but the data blocks and the key index. Call once, before anything
  // else. Its errors do not name the file.
  Status Open();

  const std::vector<IndexEntry>& index() const { return index_; }
  // Position in index() of the first block whose last key is at or after `target`; index().size()
  // if there is none.
  size_t FindBlock(const SeekKey& target) const;
  // `ahead`, if there is one, learns what is read from the file.
  Result<BlockHandle> ReadDataBlock(const BlockLocation& location, CacheUse use,
                                    ReadAhead* ahead) const;
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
  // Reads and checks the key index, if the table has one and nobody did yet: it is most of what an
  // open table keeps in memory, and whoever opens a large database does not wait for all of them.
  // Its errors name the file.
  Status LoadKeyIndex() const EXCLUDES(key_index_mu_);
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
  const KeyIndex& key_index() const {
    static const KeyIndex kNone;
    const KeyIndex* loaded = key_index_.load(std::memory_order_acquire);
    return loaded != nullptr ? *loaded : kNone;
  }
  const Properties& properties() const { return properties_; }
  const TableSummary& summary() const { return properties_.summary; }
  const std::shared_ptr<const RangeTombstoneSet>& tombstones() const { return tombstones_; }
  size_t metadata_bytes() const;
  uint64_t filter_checks() const { return counters_.Sum(kFilterChecks); }
  uint64_t filter_negatives() const { return counters_.Sum(kFilterNegatives); }

 private:
  struct Metaindex {
    std::optional<BlockLocation> filter, key_index, index, properties, tombstones;
  };
  enum Counter : size_t { kFilterChecks, kFilterNegatives, kCounters };

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
  std::optional<BlockLocation> key_index_location_;
  mutable base::Mutex key_index_mu_;
  mutable std::unique_ptr<const KeyIndex> loaded_key_index_ GUARDED_BY(key_index_mu_);
  mutable BlockCache::Reservation key_index_reservation_ GUARDED_BY(key_index_mu_);
  mutable std::atomic<const KeyIndex*> key_index_{nullptr};
  mutable base::StripedCounters<kCounters> counters_;
};

}  // namespace nokv::lsm::internal
