#include "engine/write_set.h"

#include <algorithm>
#include <utility>

namespace nokv::engine {

namespace {
// Nodes of maps and what the allocator adds.
constexpr size_t kEntryBytes = 128;
constexpr size_t kSavepointBytes = sizeof(size_t);
}  // namespace

size_t WriteSet::Cost(std::string_view key, std::string_view value) {
  return kEntryBytes + key.size() + value.size();
}

void WriteSet::Put(std::string_view key, Entry entry) {
  Undo undo;
  undo.begin = key;
  undo.end = undo.begin + '\0';
  const auto old = entries_.find(key);
  if (old != entries_.end()) undo.entries.push_back(entries_.extract(old));
  bytes_ += Cost(key, entry.value);
  entries_.emplace(key, std::move(entry));
  Keep(std::move(undo));
}

void WriteSet::DeleteRange(std::string_view begin, std::string_view end) {
  Undo undo;
  undo.begin = begin;
  undo.end = end;
  undo.is_range = true;
  for (auto it = entries_.lower_bound(begin); it != entries_.end() && it->first < end;) {
    undo.entries.push_back(entries_.extract(it++));
  }
  // One range with those that it overlaps or touches.
  std::string from(begin), to(end);
  auto it = ranges_.upper_bound(begin);
  if (it != ranges_.begin() && std::prev(it)->second >= begin) --it;
  while (it != ranges_.end() && it->first <= end) {
    from = std::min(from, it->first);
    to = std::max(to, it->second);
    undo.ranges.push_back(ranges_.extract(it++));
  }
  undo.range_begin = from;
  bytes_ += Cost(from, to);
  ranges_.emplace(std::move(from), std::move(to));
  Keep(std::move(undo));
}

const WriteSet::Ranges::value_type* WriteSet::RangeOver(std::string_view key) const {
  const auto after = ranges_.upper_bound(key);
  if (after == ranges_.begin()) return nullptr;
  const auto& range = *std::prev(after);
  return key < range.second ? &range : nullptr;
}

void WriteSet::Keep(Undo undo) {
  version_++;
  if (savepoints_.empty()) return Drop(undo);
  bytes_ += Cost(undo.begin, undo.end);
  undo_.push_back(std::move(undo));
}

void WriteSet::Drop(const Undo& undo) {
  for (const auto& entry : undo.entries) bytes_ -= Cost(entry.key(), entry.mapped().value);
  for (const auto& range : undo.ranges) bytes_ -= Cost(range.key(), range.mapped());
}

void WriteSet::TakeBack(Undo undo) {
  for (auto it = entries_.lower_bound(undo.begin); it != entries_.end() && it->first < undo.end;) {
    bytes_ -= Cost(it->first, it->second.value);
    it = entries_.erase(it);
  }
  for (auto& entry : undo.entries) entries_.insert(std::move(entry));
  if (undo.is_range) {
    const auto range = ranges_.find(undo.range_begin);
    bytes_ -= Cost(range->first, range->second);
    ranges_.erase(range);
    for (auto& swallowed : undo.ranges) ranges_.insert(std::move(swallowed));
  }
  bytes_ -= Cost(undo.begin, undo.end);
  version_++;
}

void WriteSet::SetSavepoint() {
  savepoints_.push_back(undo_.size());
  bytes_ += kSavepointBytes;
}

bool WriteSet::RollbackToSavepoint() {
  if (savepoints_.empty()) return false;
  while (undo_.size() > savepoints_.back()) {
    TakeBack(std::move(undo_.back()));
    undo_.pop_back();
  }
  return true;
}

bool WriteSet::ReleaseSavepoint() {
  if (savepoints_.empty()) return false;
  savepoints_.pop_back();
  bytes_ -= kSavepointBytes;
  if (!savepoints_.empty()) return true;
  for (const Undo& undo : undo_) {
    Drop(undo);
    bytes_ -= Cost(undo.begin, undo.end);
  }
  undo_.clear();
  return true;
}

}  // namespace nokv::engine
