#include "engine/plain_reads.h"

#include <string>
#include <utility>

#include "base/check.h"
#include "base/macros.h"
#include "engine/plain_keys.h"

namespace nokv::engine {

namespace {

// Plain keys over an engine cursor; the reserved area between them is stepped over.
class PlainIterator final : public Iterator {
 public:
  explicit PlainIterator(std::unique_ptr<Cursor> cursor) : cursor_(std::move(cursor)) {}

  bool Valid() const override { return cursor_->Valid(); }
  void SeekToFirst() override {
    cursor_->SeekToFirst();
    SkipForward();
  }
  void SeekToLast() override {
    cursor_->SeekToLast();
    SkipBackward();
  }
  void Seek(std::string_view target) override {
    cursor_->Seek(PlainPrefix(target));
    SkipForward();
  }
  void SeekForPrev(std::string_view target) override {
    cursor_->SeekForPrev(PlainPrefix(target));
    SkipBackward();
  }
  void Next() override {
    cursor_->Next();
    SkipForward();
  }
  void Prev() override {
    cursor_->Prev();
    SkipBackward();
  }
  std::string_view key() const override { return key_; }
  std::string_view value() const override { return cursor_->value(); }
  uint64_t expiry_ms() const override { return cursor_->attributes().expiry_ms; }
  uint8_t user_meta() const override { return cursor_->attributes().user_meta; }
  Status status() const override { return cursor_->status(); }

 private:
  bool OnReserved() {
    if (!cursor_->Valid()) return false;
    const auto key = keys::DecodePlainKey(keys::KeyOf(cursor_->engine_key()), &scratch_);
    if (!key.has_value()) return true;
    key_ = *key;
    return false;
  }
  void SkipForward() {
    if (!OnReserved()) return;
    cursor_->Seek(keys::EncodePrefix(keys::Keyspace::kData, keys::kReservedEnd));
    (void)OnReserved();
  }
  void SkipBackward() {
    if (!OnReserved()) return;
    cursor_->SeekForPrev(keys::EncodePrefix(keys::Keyspace::kData, keys::kReservedBegin));
    (void)OnReserved();
  }

  const std::unique_ptr<Cursor> cursor_;
  std::string scratch_;
  std::string_view key_;
};

class FailedIterator final : public Iterator {
 public:
  explicit FailedIterator(Status status) : status_(std::move(status)) {}
  bool Valid() const override { return false; }
  void SeekToFirst() override {}
  void SeekToLast() override {}
  void Seek(std::string_view) override {}
  void SeekForPrev(std::string_view) override {}
  void Next() override { NOKV_CHECK(false) << "Next on an invalid iterator"; }
  void Prev() override { NOKV_CHECK(false) << "Prev on an invalid iterator"; }
  std::string_view key() const override { return {}; }
  std::string_view value() const override { return {}; }
  uint64_t expiry_ms() const override { return 0; }
  uint8_t user_meta() const override { return 0; }
  Status status() const override { return status_; }

 private:
  const Status status_;
};

}  // namespace

Result<std::optional<PinnedValue>> GetPinnedPlain(Engine& engine, const ReadView& view,
                                                  std::string_view key) {
  FoundValue found;
  ASSIGN_OR_RETURN(const bool exists, engine.Get(view, PlainEngineKey(key), &found));
  if (!exists) return std::optional<PinnedValue>();
  return std::optional<PinnedValue>(PinnedValue{found.value, found.attributes.expiry_ms,
                                                found.attributes.user_meta, std::move(found.pin)});
}

Result<std::optional<Value>> GetPlain(Engine& engine, const ReadView& view, std::string_view key) {
  ASSIGN_OR_RETURN(const auto found, GetPinnedPlain(engine, view, key));
  if (!found.has_value()) return std::optional<Value>();
  return std::optional<Value>(Value{std::string(found->data), found->expiry_ms, found->user_meta});
}

Result<std::vector<std::optional<Value>>> MultiGetPlain(Engine& engine, const ReadView& view,
                                                        std::span<const std::string_view> keys) {
  std::vector<std::string> engine_keys;
  engine_keys.reserve(keys.size());
  for (const std::string_view key : keys) engine_keys.push_back(PlainEngineKey(key));
  std::vector<std::optional<FoundValue>> found;
  RETURN_IF_ERROR(engine.MultiGet(view, engine_keys, &found));
  std::vector<std::optional<Value>> values(keys.size());
  for (size_t i = 0; i < keys.size(); i++) {
    if (!found[i].has_value()) continue;
    values[i] = Value{std::string(found[i]->value), found[i]->attributes.expiry_ms,
                      found[i]->attributes.user_meta};
  }
  return values;
}

std::unique_ptr<Iterator> NewPlainIterator(Engine& engine, const ReadView& view,
                                           const IteratorOptions& options) {
  CursorOptions cursor;
  cursor.view = view;
  cursor.lower = PlainPrefix(options.lower_bound);
  cursor.upper = PlainEndPrefix(options.upper_bound);
  cursor.key_only = options.key_only;
  return std::make_unique<PlainIterator>(engine.NewCursor(cursor));
}

std::unique_ptr<Iterator> NewFailedIterator(Status status) {
  return std::make_unique<FailedIterator>(std::move(status));
}

}  // namespace nokv::engine
