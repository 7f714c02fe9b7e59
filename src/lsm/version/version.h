// Version: the tables that the database consisted of at one moment, level by level.
//
// Invariants (CheckInvariants):
//   1. Level 0 is sorted newest first, and the sequence numbers of two of its tables do not
//      interleave.
//   2. Levels 1 and deeper are sorted by key, and no two tables of a level share a prefix.
//   3. No file number occurs twice.
//   4. A table has bytes, begins before it ends, and its sequence numbers do too.
// And, by how compactions are chosen: of two entries or tombstones over one prefix, the one in the
// deeper level is the older.
//
// Thread safety: immutable.
#pragma once

#include <array>
#include <memory>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "keys/keys.h"
#include "lsm/iterator/internal_iterator.h"
#include "lsm/range_tombstone.h"
#include "lsm/sst/table.h"
#include "lsm/version/file_handle.h"
#include "lsm/version/prefix_range.h"
#include "manifest/version_edit.h"
#include "nokv/status.h"

namespace nokv::lsm {

inline constexpr int kLevels = manifest::kLevels;

struct LookupResult {
  enum class State {
    kMissing,  // no entry, and no tombstone that would have hidden one
    kDeleted,  // the newest is a point tombstone, or a range tombstone hides what there is
    kFound,    // `trailer` and `payload` are the newest entry, of any kind but kDelete
  };

  State state = State::kMissing;
  // In: the newest visible range tombstone over the key in newer places (memtables); 0 if none.
  // Out: the newest over everything that was looked at.
  keys::SequenceNumber covering = 0;
  uint64_t trailer = 0;
  std::string_view payload;
  BlockHandle block;    // keeps `payload` alive
  int tables_read = 0;  // tables that were asked for the key
};

// One of several keys that are looked up at once.
struct KeyLookup {
  std::string_view engine_key;
  LookupResult result;
  Status status;
};

class Version {
 public:
  explicit Version(std::array<FileList, kLevels> levels);

  // Looks `engine_key` up as of `snapshot`. Expiry is not judged. kDataLoss from a damaged table;
  // errors of opening it, where tables are not all kept open.
  Status Get(std::string_view engine_key, keys::SequenceNumber snapshot,
             LookupResult* result) const;
  // As Get for each, the outcome being its `status`; they wait for memory together.
  void MultiGet(keys::SequenceNumber snapshot, std::span<KeyLookup> lookups) const;
  // Appends cursors that together yield every entry: one per table of level 0, newest first, and
  // one per deeper level that has tables. The version must outlive them.
  void AddIterators(bool fill_cache, std::vector<std::unique_ptr<InternalIterator>>* iterators,
                    std::string_view end = {}) const;
  // The range tombstones of all tables that have any. Fails only if a table cannot be opened.
  Result<std::vector<std::shared_ptr<const RangeTombstoneSet>>> CollectTombstones() const;

  const FileList& files(int level) const { return levels_[static_cast<size_t>(level)]; }
  uint64_t LevelBytes(int level) const;
  size_t file_count() const;
  // The deepest level that has tables; -1 if none has.
  int DeepestLevel() const;

  // The table of `level` (1 or deeper) that covers `prefix`; nullptr if none does.
  const FileHandle* FindFile(int level, std::string_view prefix) const;
  // The tables of `level` that overlap `range`, in the level's order.
  FileList Overlapping(int level, const PrefixRange& range) const;
  // True if a table in a level deeper than `level` covers any of `range`.
  bool OverlapsBelow(int level, const PrefixRange& range) const;
  // True if a table in any level does.
  bool Overlaps(const PrefixRange& range) const {
    return !Overlapping(0, range).empty() || OverlapsBelow(0, range);
  }
  // What would be left without these tables.
  Version Without(const std::set<uint64_t>& numbers) const;
  // As OverlapsBelow for the single prefix.
  bool PrefixMayExistBelow(int level, std::string_view prefix) const;

  // kInternal, naming the tables, if an invariant is broken.
  Status CheckInvariants() const;

  // Follows a pointer out of one of the tables; `*value` points into `*scratch` or lives as long as
  // the version. kDataLoss if the value is damaged, or the pointer leads nowhere.
  Status ReadValue(const vlog::ValuePointer& pointer, std::string* scratch,
                   std::string_view* value) const;
  // A file that values lie in; lives as long as the version. nullptr if no table points there.
  const vlog::ValueFile* FindValueFile(vlog::ValueFileId id) const;
  // What ails a pointer into a file that is not found.
  static Status NoValueFile(const vlog::ValuePointer& pointer);
  // A hint, as ValueFile::Prefetch.
  void PrefetchValue(const vlog::ValuePointer& pointer) const;
  // What the tables point into, ascending.
  const ValueFileList& value_files() const { return value_files_; }

 private:
  const std::array<FileList, kLevels> levels_;
  const ValueFileList value_files_;               // ascending
  const std::vector<uint64_t> value_file_codes_;  // of `value_files_`, near each other
};

}  // namespace nokv::lsm
