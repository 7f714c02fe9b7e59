// ExternalIterator: the entries of an external table as the database has them, all with the
// sequence number that the table was given when it was ingested. The file has 0 in its place, and
// one entry of a key. Internal to lsm/sst.
//
// Thread safety: thread-compatible.
#pragma once

#include <memory>
#include <string>

#include "lsm/iterator/internal_iterator.h"
#include "lsm/sst/table_reader.h"

namespace nokv::lsm::internal {

class ExternalIterator : public InternalIterator {
 public:
  // `table` is borrowed; `entries` are its own.
  ExternalIterator(const TableReader& table, std::unique_ptr<InternalIterator> entries)
      : table_(table), entries_(std::move(entries)) {}

  bool Valid() const override { return entries_->Valid(); }
  void SeekToFirst() override {
    entries_->SeekToFirst();
    TakeKey();
  }
  void SeekToLast() override {
    entries_->SeekToLast();
    TakeKey();
  }
  void Seek(std::string_view target) override {
    entries_->Seek(target);
    TakeKey();
    // In the file the entry of a key comes after all of its snapshots.
    if (Valid() && keys::CompareInternalKeys(key_, target) < 0) Next();
  }
  void SeekForPrev(std::string_view target) override {
    entries_->SeekForPrev(keys::EncodeInternalKey(keys::EngineKeyOf(target), 0));
    TakeKey();
    if (Valid() && keys::CompareInternalKeys(key_, target) > 0) Prev();
  }
  void Next() override {
    entries_->Next();
    TakeKey();
  }
  void Prev() override {
    entries_->Prev();
    TakeKey();
  }
  std::string_view key() const override { return key_; }
  std::string_view value() const override { return entries_->value(); }
  Status status() const override { return entries_->status(); }

 private:
  void TakeKey() {
    if (!entries_->Valid()) return;
    key_.clear();
    const std::string_view in_file = entries_->key();
    keys::AppendInternalKey(keys::EngineKeyOf(in_file), table_.TrailerOf(in_file), &key_);
  }

  const TableReader& table_;
  const std::unique_ptr<InternalIterator> entries_;
  std::string key_;
};

}  // namespace nokv::lsm::internal
