#include "raft/log.h"

#include <algorithm>
#include <string>

#include "base/check.h"

namespace nokv::raft {

Log::Log(const Storage& storage, uint64_t max_applying_bytes)
    : storage_(storage),
      max_applying_bytes_(max_applying_bytes),
      unstable_(storage.LastIndex() + 1),
      committed_(storage.FirstIndex() - 1),
      applying_(committed_),
      applied_(committed_) {}

void Log::NoteError(const Status& status) const {
  if (status.code() != StatusCode::kOutOfRange && failure_.ok()) failure_ = status;
}

LogIndex Log::FirstIndex() const {
  const auto& snapshot = unstable_.snapshot();
  return snapshot != nullptr ? snapshot->index + 1 : storage_.FirstIndex();
}

EntryId Log::LastId() const {
  const LogIndex last = LastIndex();
  return {TermAt(last).value_or(0), last};
}

std::optional<Term> Log::TermAt(LogIndex index) const {
  if (const auto term = unstable_.TermAt(index)) return term;
  // A snapshot that is not stored yet takes the place of the storage.
  if (index > LastIndex() || unstable_.snapshot() != nullptr) return std::nullopt;
  const Result<Term> term = storage_.TermAt(index);
  if (term.ok()) return *term;
  NoteError(term.status());
  return std::nullopt;
}

bool Log::IsUpToDate(EntryId last) const {
  const EntryId ours = LastId();
  return last.term > ours.term || (last.term == ours.term && last.index >= ours.index);
}

EntryId Log::FindConflictByTerm(LogIndex start, Term term) const {
  for (LogIndex index = start; index > 0; index--) {
    const auto ours = TermAt(index);
    if (!ours) return {0, index};
    if (*ours <= term) return {*ours, index};
  }
  return {};
}

std::optional<std::vector<Entry>> Log::EntriesFrom(LogIndex low, uint64_t max_bytes) const {
  const LogIndex last = LastIndex();
  return low > last ? std::vector<Entry>() : Slice(low, last + 1, max_bytes);
}

std::optional<std::vector<Entry>> Log::Slice(LogIndex low, LogIndex high,
                                             uint64_t max_bytes) const {
  NOKV_CHECK(low <= high && high <= LastIndex() + 1) << "[" << low << ", " << high << ")";
  if (low < unstable_.offset() && low < FirstIndex()) return std::nullopt;
  std::vector<Entry> entries;
  const LogIndex stored_end = std::min(high, unstable_.offset());
  if (low < stored_end) {
    Result<std::vector<Entry>> stored = storage_.Entries(low, stored_end, max_bytes);
    if (!stored.ok()) {
      NoteError(stored.status());
      return std::nullopt;
    }
    entries = std::move(stored).value();
    if (entries.size() < stored_end - low) return entries;
  }
  if (high > unstable_.offset()) {
    std::vector<Entry> rest = unstable_.Slice(std::max(low, unstable_.offset()), high);
    if (entries.empty()) {
      entries = std::move(rest);
    } else {
      entries.insert(entries.end(), std::make_move_iterator(rest.begin()),
                     std::make_move_iterator(rest.end()));
    }
  }
  LimitSize(&entries, max_bytes);
  return entries;
}

void Log::Append(std::span<const Entry> entries) {
  if (entries.empty()) return;
  NOKV_CHECK(entries.front().index > committed_) << "a committed entry would be replaced";
  unstable_.Append(entries);
}

Result<bool> Log::MaybeAppend(EntryId previous, std::span<const Entry> entries) {
  if (!Matches(previous)) return false;
  const auto differs = std::find_if(entries.begin(), entries.end(),
                                    [this](const Entry& entry) { return !Matches(entry.id()); });
  if (differs == entries.end()) return true;
  if (differs->index <= committed_) {
    return Status::Corruption("entry " + std::to_string(differs->index) + " of term " +
                              std::to_string(differs->term) +
                              " contradicts the entry that is committed there");
  }
  Append(entries.subspan(static_cast<size_t>(differs - entries.begin())));
  return true;
}

void Log::CommitTo(LogIndex index) {
  if (index <= committed_) return;
  NOKV_CHECK(index <= LastIndex()) << "commit " << index << " beyond the end " << LastIndex();
  committed_ = index;
}

void Log::Restore(std::shared_ptr<const Snapshot> snapshot) {
  committed_ = snapshot->index;
  unstable_.Restore(std::move(snapshot));
}

Result<std::shared_ptr<const Snapshot>> Log::LatestSnapshot() const {
  if (unstable_.snapshot() != nullptr) return unstable_.snapshot();
  return storage_.LatestSnapshot();
}

LogIndex Log::MaxAppliable(bool allow_unstable) const {
  return allow_unstable ? committed_ : std::min(committed_, unstable_.offset() - 1);
}

bool Log::HasNextCommitted(bool allow_unstable) const {
  // A snapshot goes first; what follows it is applied after it.
  if (applying_paused_ || unstable_.snapshot() != nullptr) return false;
  return applying_ < MaxAppliable(allow_unstable);
}

std::vector<Entry> Log::NextCommitted(bool allow_unstable) const {
  if (!HasNextCommitted(allow_unstable)) return {};
  auto entries =
      Slice(applying_ + 1, MaxAppliable(allow_unstable) + 1, max_applying_bytes_ - applying_bytes_);
  if (entries) return std::move(*entries);
  if (failure_.ok()) {
    failure_ = Status::Corruption("committed entry " + std::to_string(applying_ + 1) +
                                  " is not in the log although it was not applied");
  }
  return {};
}

void Log::AcceptApplying(LogIndex index, uint64_t bytes, bool allow_unstable) {
  NOKV_CHECK(index <= committed_) << "entry " << index << " is not committed";
  applying_ = index;
  applying_bytes_ += bytes;
  // Also when the next entry alone did not fit: the rest waits for this part to be applied.
  applying_paused_ = applying_bytes_ >= max_applying_bytes_ || index < MaxAppliable(allow_unstable);
}

void Log::AppliedTo(LogIndex index, uint64_t bytes) {
  NOKV_CHECK(applied_ <= index && index <= committed_)
      << "applied " << index << " is not in [" << applied_ << ", " << committed_ << "]";
  applied_ = index;
  applying_ = std::max(applying_, index);
  applying_bytes_ -= std::min(applying_bytes_, bytes);
  applying_paused_ = applying_bytes_ >= max_applying_bytes_;
}

bool Log::HasUnappliedConfChange() const {
  for (LogIndex low = applied_ + 1; low <= committed_;) {
    const auto page = Slice(low, committed_ + 1, max_applying_bytes_);
    // What cannot be looked at might be one.
    if (!page || page->empty()) return true;
    for (const Entry& entry : *page) {
      if (entry.IsConfChange()) return true;
    }
    low = page->back().index + 1;
  }
  return false;
}

}  // namespace nokv::raft
