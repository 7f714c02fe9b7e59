#include "redis/pending_writes.h"

#include <algorithm>
#include <utility>

namespace nokv::redis {

namespace {

bool Contains(const KeyRange& range, std::string_view key) {
  return key >= range.begin && (range.end.empty() || key < range.end);
}

bool Contains(const KeyRange& range, std::string_view begin, std::string_view end) {
  return begin >= range.begin && (range.end.empty() || (!end.empty() && end <= range.end));
}

}  // namespace

const Write* PendingWrites::Find(std::string_view key) const {
  static const Write kDeleted = [] {
    Write write;
    write.kind = Write::Kind::kDelete;
    return write;
  }();
  const auto found = writes_.find(key);
  if (found != writes_.end()) return &*found;
  return Covers(key) ? &kDeleted : nullptr;
}

bool PendingWrites::Covers(std::string_view key) const {
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [key](const KeyRange& range) { return Contains(range, key); });
}

void PendingWrites::Add(Write write) {
  const auto found = writes_.lower_bound(std::string_view(write.key));
  if (found == writes_.end() || found->key != write.key) {
    if (recording_ > 0) undos_.push_back({write.key, {}});
    writes_.insert(found, std::move(write));
    return;
  }
  if (recording_ > 0) {
    const auto after = std::next(found);
    undos_.push_back({{}, writes_.extract(found)});
    writes_.insert(after, std::move(write));
  } else {
    auto node = writes_.extract(found);
    node.value() = std::move(write);
    writes_.insert(std::move(node));
  }
}

void PendingWrites::DeleteRange(KeyRange range) {
  auto at = writes_.lower_bound(std::string_view(range.begin));
  while (at != writes_.end() && Contains(range, at->key)) {
    const auto next = std::next(at);
    auto node = writes_.extract(at);
    if (recording_ > 0) undos_.push_back({{}, std::move(node)});
    at = next;
  }
  const bool known = std::any_of(ranges_.begin(), ranges_.end(), [&](const KeyRange& other) {
    return other.begin == range.begin && other.end == range.end;
  });
  if (!known) ranges_.push_back(std::move(range));
}

PendingWrites::Savepoint PendingWrites::Save() {
  const Savepoint savepoint{empty(), undos_.size(), ranges_.size()};
  if (!savepoint.empty) ++recording_;
  return savepoint;
}

void PendingWrites::RollBackTo(const Savepoint& savepoint) {
  if (savepoint.empty) {
    undos_.clear();
    writes_.clear();
  }
  while (undos_.size() > savepoint.undos) {
    Undo& undo = undos_.back();
    const std::string_view key =
        undo.replaced.empty() ? std::string_view(undo.added) : undo.replaced.value().key;
    if (const auto found = writes_.find(key); found != writes_.end()) writes_.erase(found);
    if (!undo.replaced.empty()) writes_.insert(std::move(undo.replaced));
    undos_.pop_back();
  }
  ranges_.resize(savepoint.ranges);
  Release(savepoint);
}

void PendingWrites::Release(const Savepoint& savepoint) {
  if (savepoint.empty) return;
  if (--recording_ == 0) undos_.clear();
}

std::vector<Write> PendingWrites::Take() {
  std::vector<Write> all;
  all.reserve(ranges_.size() + writes_.size());
  for (KeyRange& range : ranges_) {
    Write write;
    write.kind = Write::Kind::kDeleteRange;
    write.key = std::move(range.begin);
    write.end = std::move(range.end);
    all.push_back(std::move(write));
  }
  ranges_.clear();
  while (!writes_.empty()) {
    all.push_back(std::move(writes_.extract(writes_.begin()).value()));
  }
  undos_.clear();
  return all;
}

// What the backend has and is not decided here, and what is put here, merged.
class PendingWrites::MergedCursor final : public KeyCursor {
 public:
  MergedCursor(const PendingWrites& pending, std::unique_ptr<KeyCursor> below,
               Writes::const_iterator begin, Writes::const_iterator end)
      : pending_(pending), below_(std::move(below)), at_(begin), end_(end) {
    Settle();
  }

  bool Valid() const override { return BelowValid() || at_ != end_; }
  void Next() override {
    if (on_pending_) {
      ++at_;
    } else {
      below_->Next();
    }
    Settle();
  }
  std::string_view key() const override {
    return on_pending_ ? std::string_view(at_->key) : below_->key();
  }
  uint64_t expiry_ms() const override { return on_pending_ ? at_->expiry_ms : below_->expiry_ms(); }
  uint8_t type() const override { return on_pending_ ? at_->type : below_->type(); }
  Status status() const override { return below_ == nullptr ? Status::Ok() : below_->status(); }

 private:
  bool BelowValid() const { return below_ != nullptr && below_->Valid(); }
  // Moves both sides on to what is there, and chooses the smaller.
  void Settle() {
    while (at_ != end_ && at_->kind == Write::Kind::kDelete) ++at_;
    while (BelowValid() && pending_.Find(below_->key()) != nullptr) below_->Next();
    on_pending_ = at_ != end_ && (!BelowValid() || at_->key < below_->key());
  }

  const PendingWrites& pending_;
  std::unique_ptr<KeyCursor> below_;  // null: all of it is deleted
  Writes::const_iterator at_;
  const Writes::const_iterator end_;
  bool on_pending_ = false;
};

std::unique_ptr<KeyCursor> PendingWrites::Scan(Backend& backend, std::string_view begin,
                                               std::string_view end) const {
  if (empty()) return backend.Scan(begin, end);
  const bool deleted = std::any_of(ranges_.begin(), ranges_.end(), [&](const KeyRange& range) {
    return Contains(range, begin, end);
  });
  return std::make_unique<MergedCursor>(*this, deleted ? nullptr : backend.Scan(begin, end),
                                        writes_.lower_bound(begin),
                                        end.empty() ? writes_.end() : writes_.lower_bound(end));
}

}  // namespace nokv::redis
