// Memtable: the newest entries, in memory. A hash index finds single keys, each with its entries
// from new to old; the range tombstones are a list. The order of the keys is made when it is asked
// for, by cursors and by the flush, and not by every write.
//
// Thread safety: Add and AddRangeTombstone may run in many threads at once, beside any number of
// readers. An entry is visible to readers as soon as Add returns; which entries a read may use is
// decided by its snapshot sequence number, not by the memtable.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/system_memory.h"
#include "keys/keys.h"
#include "lsm/entry.h"
#include "lsm/iterator/internal_iterator.h"
#include "lsm/range_tombstone.h"
#include "nokv/status.h"

namespace nokv::lsm {

class Memtable {
 public:
  // `expected_entries` sizes the hash index: 8 bytes each, and lookups slow down slowly beyond it.
  // Its memory comes from `units` and goes back there; null: it has its own.
  explicit Memtable(size_t expected_entries = 1024,
                    std::shared_ptr<base::MemoryUnits> units = nullptr);
  ~Memtable();
  Memtable(const Memtable&) = delete;
  Memtable& operator=(const Memtable&) = delete;

  // Copies key and value in. `engine_key` with `sequence` must not have been added before.
  // `pointer` says where the value lies in the log, so that a table need not hold it; may be null.
  void Add(keys::SequenceNumber sequence, keys::Kind kind, std::string_view engine_key,
           const EntryAttributes& attributes, std::string_view value,
           const vlog::ValuePointer* pointer = nullptr);
  void AddRangeTombstone(RangeTombstone tombstone);

  // The newest entry of `engine_key` with sequence number <= `snapshot`: its trailer and payload
  // (which lives as long as the memtable). False if there is none. Range tombstones are not looked
  // at.
  bool Get(std::string_view engine_key, keys::SequenceNumber snapshot, uint64_t* trailer,
           std::string_view* payload) const;
  // Hints that Get will be called with these soon: what it needs is fetched for all of them at
  // once, instead of waiting for memory several times for each.
  void Prefetch(std::span<const std::string> engine_keys) const;
  // All range tombstones added so far.
  std::shared_ptr<const RangeTombstoneSet> range_tombstones() const;
  // A cursor over the point entries. A seek sees what was added before it, later moves may see what
  // was added since. The memtable must outlive it.
  std::unique_ptr<InternalIterator> NewIterator() const;

  size_t MemoryUsage() const;
  uint64_t entries() const;
  size_t range_tombstone_count() const;
  bool empty() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nokv::lsm
