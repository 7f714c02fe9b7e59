// The cursor over a whole table: through the index to one data block at a time. Internal to
// lsm/sst.
//
// Thread safety: thread-compatible.
#pragma once

#include "lsm/iterator/internal_iterator.h"
#include "lsm/sst/block.h"
#include "lsm/sst/table_reader.h"

namespace nokv::lsm::internal {

class TableIterator : public InternalIterator {
 public:
  // `table` is borrowed.
  TableIterator(const TableReader& table, TableReader::CacheUse use)
      : table_(table), use_(use), ahead_(use == TableReader::CacheUse::kLookOnly) {}

  bool Valid() const override { return block_ != nullptr && cursor_.Valid(); }
  void SeekToFirst() override;
  void SeekToLast() override;
  void Seek(std::string_view target) override;
  void SeekForPrev(std::string_view target) override;
  void Next() override;
  void Prev() override;
  std::string_view key() const override { return cursor_.key(); }
  std::string_view value() const override { return cursor_.payload(); }
  Status status() const override { return status_; }

 private:
  // Makes block `position` current, its cursor before the first entry. False behind either end and
  // on a failure.
  bool LoadBlock(size_t position);
  // Forgets the failure of an earlier move.
  void Restart();
  // After a move inside the block: invalid with a status if the block turned out damaged.
  void CheckBlock();
  void ToFirstOf(size_t position);
  void ToLastOf(size_t position);

  const TableReader& table_;
  const TableReader::CacheUse use_;
  ReadAhead ahead_;
  size_t position_ = 0;  // of block_ in the index
  BlockHandle block_;
  BlockCursor cursor_;
  Status status_;
};

}  // namespace nokv::lsm::internal
