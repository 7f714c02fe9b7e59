// TableCache: opens tables and keeps them open: all that there are, or, with a limit, those that
// were used last.
//
// With a limit a table that nobody reads costs neither a file descriptor nor memory for its index
// and filter, and opening a directory opens none; then each use takes a lock, and each use of one
// that is not open reads its metadata from disk.
//
// Thread safety: thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "lsm/sst/block_cache.h"
#include "lsm/sst/table.h"
#include "lsm/sst/table_counters.h"
#include "manifest/version_edit.h"
#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::lsm {

// An open table, and what keeps it open.
class TablePin {
 public:
  // Of a table that somebody else keeps open: this costs nothing.
  explicit TablePin(const Table& table) : table_(&table) {}
  explicit TablePin(std::shared_ptr<const Table> table)
      : table_(table.get()), own_(std::move(table)) {}
  const Table& operator*() const { return *table_; }
  const Table* operator->() const { return table_; }

 private:
  const Table* table_;
  std::shared_ptr<const Table> own_;
};

class TableCache {
 public:
  // At most `limit` tables that nobody is reading are kept open; 0: no limit. `fs` and `cache` are
  // borrowed.
  TableCache(vfs::FileSystem& fs, std::string dir, BlockCache& cache, vfs::ReadMode mode,
             size_t limit)
      : fs_(fs), dir_(std::move(dir)), cache_(cache), mode_(mode), limit_(limit) {}
  TableCache(const TableCache&) = delete;
  TableCache& operator=(const TableCache&) = delete;

  bool limited() const { return limit_ != 0; }
  // Opens the table; keeping it is the caller's. kDataLoss, naming the file, if it is missing,
  // damaged, or not the one that `meta` describes.
  Result<std::shared_ptr<const Table>> Open(const manifest::FileMetadata& meta) const;
  // The table, opened as by Open if it is not open yet. REQUIRES: limited().
  Result<TablePin> Use(const manifest::FileMetadata& meta) EXCLUDES(mu_);
  // The table, if it is open, which from now on is the caller's. REQUIRES: nobody uses it again.
  std::shared_ptr<const Table> Release(uint64_t number) EXCLUDES(mu_);
  // kDataLoss, naming one, if a table of these numbers is not in the directory. Opens none.
  Status CheckPresent(const std::set<uint64_t>& numbers) const;
  // Tables that are kept open because of Use.
  size_t open_tables() const EXCLUDES(mu_);
  // Of all tables that were opened here.
  TableReadStats read_stats() const { return counters_.Sum(); }

 private:
  struct Kept {
    uint64_t number;
    std::shared_ptr<const Table> table;
  };
  using Order = std::list<Kept>;  // what was used last comes first

  vfs::FileSystem& fs_;
  const std::string dir_;
  BlockCache& cache_;
  const vfs::ReadMode mode_;
  const size_t limit_;
  mutable TableReadCounters counters_;

  mutable base::Mutex mu_;
  Order order_ GUARDED_BY(mu_);
  std::map<uint64_t, Order::iterator> by_number_ GUARDED_BY(mu_);
};

// "00012.sst".
std::string TableName(uint64_t number);
// False if `name` is no table's name.
bool ParseTableName(std::string_view name, uint64_t* number);

}  // namespace nokv::lsm
