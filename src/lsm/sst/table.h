// Table: an open sstable. Footer, index, filter, properties and range tombstones are read and
// checked when it is opened, the key index at the first lookup, and stay in memory; data blocks
// come through the cache.
//
// A damaged block answers corruption with file and offset; it is never skipped, and a filter never
// hides a key that is there.
//
// Thread safety: immutable; any number of readers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lsm/iterator/internal_iterator.h"
#include "lsm/range_tombstone.h"
#include "lsm/seek_key.h"
#include "lsm/sst/block.h"
#include "lsm/sst/block_cache.h"
#include "lsm/sst/key_index.h"
#include "lsm/sst/table_builder.h"
#include "lsm/sst/table_counters.h"
#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::lsm {

// A found entry. `block` keeps `payload` alive.
struct TableEntry {
  uint64_t trailer = 0;
  std::string_view payload;
  BlockHandle block;
};

namespace internal {
class TableReader;
}

// A data block: where it lies, and the internal key of its last entry.
struct TableBlock {
  uint64_t offset = 0;
  uint64_t stored_bytes = 0;  // without its trailer
  std::string_view last_key;  // lives as long as the table
};

// A lookup: the newest entry of an engine key with a sequence number up to that of a snapshot. What
// tables need to know of the key is computed once for all of them. It borrows the key.
class TableKey {
 public:
  TableKey(std::string_view engine_key, keys::SequenceNumber snapshot)
      : target_(engine_key, keys::SeekTrailer(snapshot)),
        hash_(internal::Filter::HashOf(target_.prefix())),
        snapshot_(snapshot) {}
  const SeekKey& target() const { return target_; }
  std::string_view prefix() const { return target_.prefix(); }
  uint64_t hash() const { return hash_; }  // of the prefix
  keys::SequenceNumber snapshot() const { return snapshot_; }

 private:
  SeekKey target_;
  uint64_t hash_;
  keys::SequenceNumber snapshot_;
};

class Table {
 public:
  // Reads and checks everything but data blocks and key index. `cache` is borrowed. If the table is
  // external, all that is in it has the sequence number `sequence`. Its reads are counted in
  // `counters`, which is borrowed and may be null. kDataLoss ("open sstable
  // 00012.sst: …") for a damaged or foreign file, kUnimplemented for a newer format version.
  static Result<std::shared_ptr<const Table>> Open(std::unique_ptr<vfs::RandomFile> file,
                                                   std::string path, uint64_t file_number,
                                                   BlockCache& cache,
                                                   keys::SequenceNumber sequence = 0,
                                                   TableReadCounters* counters = nullptr);
  ~Table();

  // Result holds false if there is no such entry. Range tombstones are not looked at.
  Result<bool> Get(const TableKey& key, TableEntry* entry) const;
  // Hints that Get will be called.
  void Prefetch(const TableKey& key) const;
  // `fill_cache` false for compactions, so that they do not push out what readers use. The table
  // must outlive the iterator. `end`, if it is not empty, is a prefix at which whoever moves
  // forward will stop: a seek may then end nowhere instead of at an entry that is not before it. It
  // is borrowed.
  std::unique_ptr<InternalIterator> NewIterator(bool fill_cache, std::string_view end = {}) const;
  const std::shared_ptr<const RangeTombstoneSet>& range_tombstones() const;
  const TableSummary& summary() const;  // from the properties block
  // How the keys of an external table are ordered; empty: it is none.
  const std::string& external_comparator() const;
  // What the file says about itself, as names and values.
  std::vector<std::pair<std::string, std::string>> Properties() const;
  std::vector<TableBlock> Blocks() const;
  size_t metadata_bytes() const;  // memory for index, filter and tombstones
  // Reads and checks every block, the order of all keys, and the bounds; of an external table, that
  // its entries are what a database can take.
  Status Verify() const;

 private:
  friend class TableLookup;
  class Impl;
  explicit Table(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What Table::Get does, in steps. Each has the processor fetch what the next one will look at, so
// that several lookups that are taken in turns wait for memory together.
//
// Thread safety: thread-compatible. It borrows the table and the engine key.
class TableLookup {
 public:
  TableLookup(const Table& table, const TableKey& key);
  // False if the table does not have the key: then that was all. The first one in a table reads its
  // key index; an error of that is Fetch's.
  bool Locate();
  // May read from disk.
  Status Fetch();
  void BeginSearch();
  // Until it returns false.
  bool Narrow() { return search_.Narrow(key_.target()); }
  // As Table::Get. The lookup is used up.
  Result<bool> Finish(TableEntry* entry);

 private:
  bool LocateByKey();
  // As Finish, from the place that the key index named; nullopt if the key may be elsewhere.
  Result<std::optional<bool>> FinishAtPlace(TableEntry* entry);
  // False, and nothing happens, if the cursor is at another engine key.
  bool Take(const internal::BlockCursor& cursor, TableEntry* entry);

  const internal::TableReader* reader_;
  TableKey key_;
  bool visible_;  // at the snapshot; only of an external table a no
  // Where the key index says that the key is.
  std::optional<internal::KeyPlace> place_;
  size_t position_ = 0;  // of the block in the index
  Status failed_;        // to read the key index
  BlockHandle block_;
  internal::RestartSearch search_;
};

}  // namespace nokv::lsm
