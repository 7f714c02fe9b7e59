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
  // `table` is borrowed, and `end`, which may be empty: Table::NewIterator.
  TableIterator(const TableReader& table, TableReader::CacheUse use, std::string_view end)
      : table_(table), use_(use), end_(end), ahead_(use == TableReader::CacheUse::kLookOnly) {}

  bool Valid() const override { return block_ != nullptr && cursor_.Valid(); }
  void SeekToFirst() override;
  void SeekToLast() override;
  void Seek(std::string_view target) override;
  bool StartSeek(std::string_view target) override;
  bool ContinueSeek(std::string_view target) override;
  void SeekForPrev(std::string_view target) override;
  void Next() override;
  void Prev() override;
  std::string_view key() const override { return cursor_.key(); }
  std::string_view value() const override { return cursor_.payload(); }
  Status status() const override { return status_; }

 private:
  // Makes block `position` current. False behind either end and on a failure.
  bool FetchBlock(size_t position);
  // As FetchBlock, its cursor before the first entry.
  bool LoadBlock(size_t position);
  // False if there is nothing from the target, which is in block `seeking_` if anywhere, to the
  // end, or if the filter cannot be read.
  bool AskRangeFilter(std::string_view target);
  // Forgets the failure of an earlier move.
  void Restart();
  // After a move inside the block: invalid with a status if the block turned out damaged.
  void CheckBlock();
  void ToFirstOf(size_t position);
  void ToLastOf(size_t position);

  const TableReader& table_;
  const TableReader::CacheUse use_;
  const std::string_view end_;
  ReadAhead ahead_;
  size_t position_ = 0;  // of block_ in the index
  BlockHandle block_;
  BlockCursor cursor_;
  // A seek that is under way: what is next, the position of its block, and where it is in there.
  enum class SeekStep : uint8_t { kAsk, kFetch, kView, kSearch };
  SeekStep step_ = SeekStep::kFetch;
  bool asked_ = false;  // the range filter let it pass
  size_t seeking_ = 0;
  RestartSearch search_;
  Status status_;
};

}  // namespace nokv::lsm::internal
