#include "lsm/sst/table_iterator.h"

#include <utility>

#include "base/prefetch.h"

namespace nokv::lsm::internal {

void TableIterator::Restart() {
  status_ = {};
}

bool TableIterator::FetchBlock(size_t position) {
  if (position >= table_.index().size()) {
    block_ = nullptr;
    return false;
  }
  const BlockLocation& location = table_.index()[position].location;
  if (block_ != nullptr && position == position_) return true;
  block_ = nullptr;
  Result<BlockHandle> block = table_.ReadDataBlock(location, use_, &ahead_);
  if (!block.ok()) {
    status_ = block.status();
    return false;
  }
  block_ = std::move(block).value();
  position_ = position;
  return true;
}

bool TableIterator::LoadBlock(size_t position) {
  if (!FetchBlock(position)) return false;
  cursor_.Init(*block_);
  CheckBlock();
  return block_ != nullptr;
}

void TableIterator::CheckBlock() {
  if (!cursor_.damaged()) return;
  status_ = table_.DamageOf(table_.index()[position_].location, "malformed entry");
  block_ = nullptr;
}

// Blocks are never empty, so one step to a neighbour is enough; an empty one is damage.
void TableIterator::ToFirstOf(size_t position) {
  if (!LoadBlock(position)) return;
  cursor_.SeekToFirst();
  CheckBlock();
  if (block_ == nullptr || cursor_.Valid()) return;
  status_ = table_.DamageOf(table_.index()[position].location, "no entries");
  block_ = nullptr;
}

void TableIterator::ToLastOf(size_t position) {
  if (!LoadBlock(position)) return;
  cursor_.SeekToLast();
  CheckBlock();
  if (block_ == nullptr || cursor_.Valid()) return;
  status_ = table_.DamageOf(table_.index()[position].location, "no entries");
  block_ = nullptr;
}

void TableIterator::SeekToFirst() {
  Restart();
  ToFirstOf(0);
}

void TableIterator::SeekToLast() {
  Restart();
  const size_t blocks = table_.index().size();
  if (blocks == 0) {
    block_ = nullptr;
    return;
  }
  ToLastOf(blocks - 1);
}

void TableIterator::Seek(std::string_view target) {
  for (bool more = StartSeek(target); more;) more = ContinueSeek(target);
}

bool TableIterator::StartSeek(std::string_view target) {
  Restart();
  seeking_ = table_.FindBlock(SeekKey(target));
  step_ = SeekStep::kFetch;
  asked_ = false;
  if (seeking_ == table_.index().size()) {
    block_ = nullptr;
    return false;
  }
  if (!end_.empty() && table_.has_range_filter()) {
    table_.range_filter().Prefetch(seeking_);
    step_ = SeekStep::kAsk;
  } else {
    table_.PrefetchDataBlock(table_.index()[seeking_].location);
  }
  return true;
}

bool TableIterator::AskRangeFilter(std::string_view target) {
  if (table_.range_filter().empty()) {
    status_ = table_.LoadRangeFilter();
    if (!status_.ok()) return false;
  }
  const std::string_view last = keys::InternalPrefixOf(table_.index()[seeking_].last_key);
  const bool may_hold =
      table_.range_filter().MayHold(seeking_, last, keys::InternalPrefixOf(target), end_);
  table_.CountRange(!may_hold);
  return may_hold;
}

bool TableIterator::ContinueSeek(std::string_view target) {
  switch (step_) {
    case SeekStep::kAsk:
      if (!AskRangeFilter(target)) {
        block_ = nullptr;
        return false;
      }
      asked_ = true;
      table_.PrefetchDataBlock(table_.index()[seeking_].location);
      step_ = SeekStep::kFetch;
      return true;
    case SeekStep::kFetch:
      if (!FetchBlock(seeking_)) return false;
      // A search begins with the restart points, which are at the end.
      base::Prefetch(block_->data() + block_->size() - 1);
      step_ = SeekStep::kView;
      return true;
    case SeekStep::kView: {
      BlockView view;
      (void)view.Init(*block_);  // if not, the search is damaged
      search_ = RestartSearch(view);
      step_ = SeekStep::kSearch;
      return true;
    }
    case SeekStep::kSearch:
      break;
  }
  const SeekKey seek(target);
  if (search_.Narrow(seek)) return true;
  cursor_.SeekFrom(search_, seek);
  CheckBlock();
  if (block_ == nullptr) return false;
  if (cursor_.Valid()) {
    if (asked_ && keys::InternalPrefixOf(cursor_.key()) >= end_) table_.CountFalseRange();
    return false;
  }
  // The index promised an entry at or after the target.
  status_ = table_.DamageOf(table_.index()[seeking_].location, "does not match the index");
  block_ = nullptr;
  return false;
}

void TableIterator::SeekForPrev(std::string_view target) {
  Restart();
  const SeekKey seek(target);
  const size_t position = table_.FindBlock(seek);
  if (position == table_.index().size()) {
    SeekToLast();
    return;
  }
  if (!LoadBlock(position)) return;
  cursor_.SeekForPrev(seek);
  CheckBlock();
  if (block_ == nullptr || cursor_.Valid()) return;
  if (position == 0) {
    block_ = nullptr;
  } else {
    ToLastOf(position - 1);
  }
}

void TableIterator::Next() {
  cursor_.Next();
  CheckBlock();
  if (block_ != nullptr && !cursor_.Valid()) ToFirstOf(position_ + 1);
}

void TableIterator::Prev() {
  cursor_.Prev();
  CheckBlock();
  if (block_ == nullptr || cursor_.Valid()) return;
  if (position_ == 0) {
    block_ = nullptr;
  } else {
    ToLastOf(position_ - 1);
  }
}

}  // namespace nokv::lsm::internal
