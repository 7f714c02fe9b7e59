// TableBuilder: writes one sstable. docs/formats/sst.md has the bytes.
//
// Use: Add in internal-key order, AddRangeTombstone in any order, then Finish, which syncs. A
// builder that is destroyed before Finish leaves a partial file that its owner removes.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lsm/range_tombstone.h"
#include "manifest/version_edit.h"
#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::lsm {

enum class Compression : uint8_t { kNone = 0, kLz4 = 1, kZstd = 2 };

struct TableOptions {
  // A data block, uncompressed, is shorter than this, unless one entry alone is longer.
  size_t block_bytes = 8 << 10;
  int restart_interval = 8;
  int filter_bits_per_key = 10;  // 0: no filter
  // Have a key index, which also does what the filter does: then there is none.
  bool key_index = true;
  // Have a range filter, which spares bounded iterators blocks without anything in their range.
  bool range_filter = false;
  Compression compression = Compression::kLz4;
  // Not empty: the table is external, which is written outside a database, to be ingested, and says
  // how its keys are ordered. Its number and all sequence numbers are 0 then.
  std::string external_comparator = {};
};

// What the manifest needs to know of a finished table.
struct TableSummary {
  uint64_t file_bytes = 0;
  uint64_t entries = 0;
  uint64_t deletions = 0;  // point tombstones
  uint64_t range_tombstones = 0;
  uint64_t raw_key_bytes = 0;
  uint64_t raw_value_bytes = 0;
  // Bounds over point entries and range tombstones, as internal keys: a tombstone contributes its
  // start prefix (with version suffix and trailer that sort first) and its end prefix (that sort
  // before every entry of that prefix), so that [smallest, largest] covers all the table speaks of.
  std::string smallest;
  std::string largest;
  keys::SequenceNumber smallest_sequence = keys::kMaxSequence;
  keys::SequenceNumber largest_sequence = 0;
  uint64_t earliest_expiry_ms = 0;  // 0: nothing expires
  // What the entries point into, ascending. Only of a table that was just built: the manifest keeps
  // it.
  std::vector<manifest::ValueReference> points_into;
};

class TableBuilder {
 public:
  // `file_number` and `level` go into the properties; `file` is owned.
  TableBuilder(const TableOptions& options, std::unique_ptr<vfs::AppendFile> file,
               uint64_t file_number, int level);
  ~TableBuilder();

  // REQUIRES: `internal_key` sorts after the one added before.
  Status Add(std::string_view internal_key, std::string_view payload);
  void AddRangeTombstone(const RangeTombstone& tombstone);
  // Writes filter or key index, index, properties, tombstones and footer; syncs and closes the
  // file.
  Result<TableSummary> Finish();

  uint64_t file_bytes() const;  // so far, what is buffered included
  uint64_t entries() const;
  bool empty() const;  // neither entry nor tombstone

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nokv::lsm
