#include "raft/log_unstable.h"

#include <algorithm>

#include "base/check.h"

namespace nokv::raft {
namespace {

// Memory for so many is kept when all are stored.
constexpr size_t kKeptEntries = 64;

}  // namespace

std::vector<Entry> Unstable::Slice(LogIndex low, LogIndex high) const {
  NOKV_CHECK(offset_ <= low && low <= high && high <= offset_ + entries_.size())
      << "unstable entries [" << low << ", " << high << ") of [" << offset_ << ", "
      << offset_ + entries_.size() << ")";
  const auto begin = entries_.begin();
  return {begin + static_cast<ptrdiff_t>(low - offset_),
          begin + static_cast<ptrdiff_t>(high - offset_)};
}

std::optional<Term> Unstable::TermAt(LogIndex index) const {
  if (index >= offset_) {
    const LogIndex at = index - offset_;
    return at < entries_.size() ? std::optional(entries_[at].term) : std::nullopt;
  }
  if (snapshot_ != nullptr && snapshot_->index == index) return snapshot_->term;
  // What is sent or appended next mostly follows it.
  if (index + 1 == offset_ && index == stored_.index && index > 0) return stored_.term;
  return std::nullopt;
}

void Unstable::Append(std::span<const Entry> entries) {
  const LogIndex from = entries.front().index;
  NOKV_CHECK(from <= offset_ + entries_.size()) << "a hole before index " << from;
  if (from <= offset_) {
    entries_.clear();
    offset_ = from;
    in_progress_ = from;
  } else {
    entries_.resize(from - offset_);
    in_progress_ = std::min(in_progress_, from);
  }
  entries_.insert(entries_.end(), entries.begin(), entries.end());
}

void Unstable::Restore(std::shared_ptr<const Snapshot> snapshot) {
  snapshot_ = std::move(snapshot);
  snapshot_in_progress_ = false;
  entries_.clear();
  stored_ = {};
  offset_ = snapshot_->index + 1;
  in_progress_ = offset_;
}

void Unstable::AcceptInProgress() {
  in_progress_ = offset_ + entries_.size();
  if (snapshot_ != nullptr) snapshot_in_progress_ = true;
}

void Unstable::StableTo(EntryId id) {
  // Replaced since, or covered by a snapshot: then this is about entries that are not here.
  if (id.index < offset_ || TermAt(id.index) != id.term) return;
  entries_.erase(entries_.begin(),
                 entries_.begin() + static_cast<ptrdiff_t>(id.index + 1 - offset_));
  // A burst does not keep its memory.
  if (entries_.empty() && entries_.capacity() > kKeptEntries) entries_ = {};
  offset_ = id.index + 1;
  in_progress_ = std::max(in_progress_, offset_);
  stored_ = id;
}

void Unstable::StableSnapshotTo(LogIndex index) {
  if (snapshot_ == nullptr || snapshot_->index != index) return;
  snapshot_ = nullptr;
  snapshot_in_progress_ = false;
}

}  // namespace nokv::raft
