// FileHandle: one open table as versions share it, and ObsoleteFiles: where handles go whose table
// no version uses any more.
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
#include "lsm/sst/table.h"
#include "manifest/version_edit.h"
#include "vlog/value_file.h"

namespace nokv::lsm {

struct ObsoleteFile {
  uint64_t number = 0;
  std::shared_ptr<const Table> table;
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
  // `value_files` are those that `meta` points into, in the same order.
  FileHandle(manifest::FileMetadata meta, std::shared_ptr<const Table> table,
             ValueFileList value_files, std::shared_ptr<ObsoleteFiles> obsolete);
  ~FileHandle();
  FileHandle(const FileHandle&) = delete;
  FileHandle& operator=(const FileHandle&) = delete;

  const manifest::FileMetadata& meta() const { return meta_; }
  const Table& table() const { return *table_; }
  // Pinned as long as this is.
  const ValueFileList& value_files() const { return value_files_; }
  uint64_t number() const { return meta_.number; }
  // From now on the last reference puts the file into the queue.
  void MarkObsolete() const { obsolete_mark_.store(true, std::memory_order_relaxed); }

 private:
  const manifest::FileMetadata meta_;
  std::shared_ptr<const Table> table_;
  const ValueFileList value_files_;
  const std::shared_ptr<ObsoleteFiles> obsolete_;
  // Relaxed: whoever marks holds a reference, and dropping references orders the rest.
  mutable std::atomic<bool> obsolete_mark_{false};
};

using FileList = std::vector<std::shared_ptr<const FileHandle>>;

// "00012.sst".
std::string TableName(uint64_t number);
// False if `name` is no table's name.
bool ParseTableName(std::string_view name, uint64_t* number);

// What the manifest records of a table that was just built.
manifest::FileMetadata MakeFileMetadata(uint64_t number, const TableSummary& summary,
                                        uint64_t created_at_ms);

}  // namespace nokv::lsm
