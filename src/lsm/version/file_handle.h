// FileHandle: one table as versions share it, and ObsoleteFiles: where handles go whose table no
// version uses any more.
//
// A reader may drop the last reference to a table; it must not pay for closing and unlinking it. So
// the destructor of a handle that was marked obsolete hands table and number to the queue, which
// the engine drains in the background.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "lsm/range_tombstone.h"
#include "lsm/sst/table.h"
#include "lsm/version/table_cache.h"
#include "manifest/version_edit.h"
#include "nokv/status.h"
#include "vlog/value_file.h"

namespace nokv::lsm {

struct ObsoleteFile {
  uint64_t number = 0;
  std::shared_ptr<const Table> table;  // null if it was not open
};

// Thread safety: thread-safe.
class ObsoleteFiles {
 public:
  void Push(ObsoleteFile file);
  // All that was pushed since the last call. The caller removes the files.
  std::vector<ObsoleteFile> Take();

 private:
  base::Mutex mu_;
  std::vector<ObsoleteFile> files_ GUARDED_BY(mu_);
};

using ValueFileList = std::vector<std::shared_ptr<const vlog::ValueFile>>;

// Thread safety: immutable, but for the mark.
class FileHandle {
 public:
  // `table` stays open as long as this; null: `tables`, which has a limit, opens it for each use.
  // `value_files` are those that `meta` points into, in the same order.
  FileHandle(manifest::FileMetadata meta, std::shared_ptr<const Table> table,
             std::shared_ptr<TableCache> tables, ValueFileList value_files,
             std::shared_ptr<ObsoleteFiles> obsolete);
  ~FileHandle();
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;

  const manifest::FileMetadata& meta() const { return meta_; }
  // The table, open as long as both the pin and this. Fails only if it has to be opened first;
  // errors as for TableCache::Open.
  Result<TablePin> Open() const {
    if (table_ != nullptr) return TablePin(*table_);
    return tables_->Use(meta_);
  }
  // Hints that the table will be asked for the key.
  void Prefetch(const TableKey& key) const {
    if (table_ != nullptr) table_->Prefetch(key);
  }
  // Pinned as long as this is.
  const ValueFileList& value_files() const { return value_files_; }
  uint64_t number() const { return meta_.number; }
  // From now on the last reference puts the file into the queue.
  void MarkObsolete() const { obsolete_mark_.store(true, std::memory_order_relaxed); }

 private:
  const manifest::FileMetadata meta_;
  std::shared_ptr<const Table> table_;
  const std::shared_ptr<TableCache> tables_;
  const ValueFileList value_files_;
  const std::shared_ptr<ObsoleteFiles> obsolete_;
  // Relaxed: whoever marks holds a reference, and dropping references orders the rest.
  mutable std::atomic<bool> obsolete_mark_{false};
};

using FileList = std::vector<std::shared_ptr<const FileHandle>>;

// Appends the range tombstones of those that have any; no other table is opened.
Status AppendTombstones(const FileList& files,
                        std::vector<std::shared_ptr<const RangeTombstoneSet>>* sets);

// What the manifest records of a table that was just built.
manifest::FileMetadata MakeFileMetadata(uint64_t number, const TableSummary& summary,
                                        uint64_t created_at_ms);

}  // namespace nokv::lsm
