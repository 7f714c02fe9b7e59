#include "lsm/version/level_iterator.h"

#include <algorithm>
#include <optional>

#include "keys/keys.h"

namespace nokv::lsm {

namespace {

using Files = std::span<const std::shared_ptr<const FileHandle>>;

class LevelIterator final : public InternalIterator {
 public:
  LevelIterator(Files files, bool fill_cache, std::string_view end)
      : files_(files), fill_cache_(fill_cache), end_(end), index_(files.size()) {}

  bool Valid() const override { return table_ != nullptr && table_->Valid(); }

  void SeekToFirst() override {
    OpenForward(0);
    if (table_ != nullptr) table_->SeekToFirst();
    SkipForward();
  }

  void SeekToLast() override {
    Open(files_.size() - 1);  // out of range, and so closed, if there is no table
    if (table_ != nullptr) table_->SeekToLast();
    SkipBackward();
  }

  void Seek(std::string_view target) override {
    for (bool more = StartSeek(target); more;) more = ContinueSeek(target);
  }

  bool StartSeek(std::string_view target) override {
    // The first table that does not end before the target.
    const auto file =
        std::partition_point(files_.begin(), files_.end(), [target](const auto& candidate) {
          return keys::CompareInternalKeys(candidate->meta().largest, target) < 0;
        });
    OpenForward(static_cast<size_t>(file - files_.begin()));
    if (table_ != nullptr && table_->StartSeek(target)) return true;
    SkipForward();
    return false;
  }

  bool ContinueSeek(std::string_view target) override {
    if (table_->ContinueSeek(target)) return true;
    SkipForward();
    return false;
  }

  void SeekForPrev(std::string_view target) override {
    // The last table that does not begin after the target.
    const auto after =
        std::partition_point(files_.begin(), files_.end(), [target](const auto& candidate) {
          return keys::CompareInternalKeys(candidate->meta().smallest, target) <= 0;
        });
    Open(static_cast<size_t>(after - files_.begin()) - 1);
    if (table_ != nullptr) table_->SeekForPrev(target);
    SkipBackward();
  }

  void Next() override {
    table_->Next();
    SkipForward();
  }

  void Prev() override {
    table_->Prev();
    SkipBackward();
  }

  std::string_view key() const override { return table_->key(); }
  std::string_view value() const override { return table_->value(); }
  Status status() const override { return table_ == nullptr ? failure_ : table_->status(); }

 private:
  // Closed if `index` is no table, or one that cannot be opened.
  void Open(size_t index) {
    if (table_ != nullptr && index == index_) return;
    index_ = index;
    table_.reset();
    pin_.reset();
    failure_ = Status::Ok();
    if (index >= files_.size()) return;
    Result<TablePin> opened = files_[index]->Open();
    if (!opened.ok()) {
      failure_ = opened.status();
      return;
    }
    pin_ = *std::move(opened);
    table_ = (*pin_)->NewIterator(fill_cache_, end_);
  }

  // As Open; closed if nothing in that table and those after it is before the end.
  void OpenForward(size_t index) {
    const bool behind = !end_.empty() && index < files_.size() &&
                        keys::InternalPrefixOf(files_[index]->meta().smallest) >= end_;
    Open(behind ? files_.size() : index);
  }

  // A table may have no entry at or after the position (range tombstones widen its bounds).
  void SkipForward() {
    while (table_ != nullptr && !table_->Valid() && table_->status().ok()) {
      OpenForward(index_ + 1);
      if (table_ != nullptr) table_->SeekToFirst();
    }
  }

  void SkipBackward() {
    while (table_ != nullptr && !table_->Valid() && table_->status().ok()) {
      Open(index_ - 1);  // wraps around to no table
      if (table_ != nullptr) table_->SeekToLast();
    }
  }

  const Files files_;
  const bool fill_cache_;
  const std::string end_;
  size_t index_;
  Status failure_;  // to open the table at index_
  std::optional<TablePin> pin_;
  std::unique_ptr<InternalIterator> table_;
};

}  // namespace

std::unique_ptr<InternalIterator> NewLevelIterator(Files files, bool fill_cache,
                                                   std::string_view end) {
  return std::make_unique<LevelIterator>(files, fill_cache, end);
}

}  // namespace nokv::lsm
