#include "lsm/version/file_handle.h"

#include <utility>

#include "base/macros.h"

namespace nokv::lsm {

void ObsoleteFiles::Push(ObsoleteFile file) {
  base::MutexLock lock(mu_);
  files_.push_back(std::move(file));
}

std::vector<ObsoleteFile> ObsoleteFiles::Take() {
  base::MutexLock lock(mu_);
  return std::exchange(files_, {});
}

FileHandle::FileHandle(manifest::FileMetadata meta, std::shared_ptr<const Table> table,
                       std::shared_ptr<TableCache> tables, ValueFileList value_files,
                       std::shared_ptr<ObsoleteFiles> obsolete)
    : meta_(std::move(meta)),
      table_(std::move(table)),
      tables_(std::move(tables)),
      value_files_(std::move(value_files)),
      obsolete_(std::move(obsolete)) {}

FileHandle::~FileHandle() {
  if (table_ == nullptr && tables_ != nullptr) table_ = tables_->Release(meta_.number);
  if (obsolete_mark_.load(std::memory_order_relaxed)) {
    obsolete_->Push({meta_.number, std::move(table_)});
  }
}

Status AppendTombstones(const FileList& files,
                        std::vector<std::shared_ptr<const RangeTombstoneSet>>* sets) {
  for (const auto& file : files) {
    if (file->meta().range_tombstones == 0) continue;
    ASSIGN_OR_RETURN(const TablePin table, file->Open());
    sets->push_back(table->range_tombstones());
  }
  return Status::Ok();
}

manifest::FileMetadata MakeFileMetadata(uint64_t number, const TableSummary& summary,
                                        uint64_t created_at_ms) {
  manifest::FileMetadata meta;
  meta.number = number;
  meta.file_bytes = summary.file_bytes;
  meta.entries = summary.entries;
  meta.deletions = summary.deletions;
  meta.range_tombstones = summary.range_tombstones;
  meta.raw_key_bytes = summary.raw_key_bytes;
  meta.raw_value_bytes = summary.raw_value_bytes;
  meta.smallest = summary.smallest;
  meta.largest = summary.largest;
  meta.smallest_sequence = summary.smallest_sequence;
  meta.largest_sequence = summary.largest_sequence;
  meta.earliest_expiry_ms = summary.earliest_expiry_ms;
  meta.created_at_ms = created_at_ms;
  meta.points_into = summary.points_into;
  return meta;
}

}  // namespace nokv::lsm
