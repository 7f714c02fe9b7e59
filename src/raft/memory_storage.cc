#include "raft/memory_storage.h"

#include <algorithm>
#include <string>

namespace nokv::raft {

Result<Storage::Saved> MemoryStorage::Load() const {
  return Saved{hard_state_, snapshot_->conf_state};
}

Result<Term> MemoryStorage::TermAt(LogIndex index) const {
  if (index == base_.index) return base_.term;
  if (index < base_.index || index > LastIndex()) {
    return Status(StatusCode::kOutOfRange, "no entry at index " + std::to_string(index));
  }
  return entries_[index - FirstIndex()].term;
}

Result<std::vector<Entry>> MemoryStorage::Entries(LogIndex low, LogIndex high,
                                                  uint64_t max_bytes) const {
  if (low < FirstIndex() || high > LastIndex() + 1 || low > high) {
    return Status(StatusCode::kOutOfRange,
                  "no entries [" + std::to_string(low) + ", " + std::to_string(high) + ")");
  }
  const auto at = entries_.begin() + static_cast<ptrdiff_t>(low - FirstIndex());
  std::vector<Entry> found(at, at + static_cast<ptrdiff_t>(high - low));
  LimitSize(&found, max_bytes);
  return found;
}

Status MemoryStorage::Append(const std::vector<Entry>& entries) {
  if (entries.empty() || entries.back().index < FirstIndex()) return Status::Ok();
  const LogIndex start = std::max(entries.front().index, FirstIndex());
  if (start > LastIndex() + 1) {
    return Status::InvalidArgument("append at " + std::to_string(start) + " leaves a hole after " +
                                   std::to_string(LastIndex()));
  }
  entries_.resize(start - FirstIndex());
  entries_.insert(entries_.end(),
                  entries.begin() + static_cast<ptrdiff_t>(start - entries.front().index),
                  entries.end());
  return Status::Ok();
}

Status MemoryStorage::ApplySnapshot(std::shared_ptr<const Snapshot> snapshot) {
  if (snapshot_->index != 0 && snapshot->index <= snapshot_->index) {
    return Status::FailedPrecondition("requested index is older than the existing snapshot");
  }
  snapshot_ = std::move(snapshot);
  base_ = snapshot_->id();
  entries_.clear();
  return Status::Ok();
}

Status MemoryStorage::Compact(LogIndex index) {
  if (index < FirstIndex() || index > LastIndex()) {
    return Status(StatusCode::kOutOfRange,
                  "requested index is unavailable due to compaction or not written yet");
  }
  base_ = entries_[index - FirstIndex()].id();
  entries_.erase(entries_.begin(),
                 entries_.begin() + static_cast<ptrdiff_t>(index - entries_.front().index + 1));
  return Status::Ok();
}

}  // namespace nokv::raft
