#include "engine/engine_cursor.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace nokv::engine {

namespace {

class EngineCursor final : public Cursor {
 public:
  EngineCursor(CursorSource source, const CursorOptions& options)
      : source_(std::move(source)),
        lower_(options.lower),
        upper_(options.upper),
        key_only_(options.key_only) {
    std::erase_if(source_.tombstones, [](const auto& set) { return set->empty(); });
  }

  bool Valid() const override { return valid_ && !Closed(); }

  void SeekToFirst() override { Seek(lower_); }

  void SeekToLast() override {
    if (!Start()) return;
    if (upper_.empty()) {
      it().SeekToLast();
    } else {
      it().SeekForPrev(keys::FirstInternalKey(upper_));
    }
    FindPrev();
  }

  void Seek(std::string_view prefix) override {
    if (!Start()) return;
    forward_ = true;
    it().Seek(keys::FirstInternalKey(std::max<std::string_view>(prefix, lower_)));
    FindNext(/*skip=*/{});
  }

  void SeekForPrev(std::string_view prefix) override {
    if (!Start()) return;
    if (!upper_.empty() && prefix >= upper_) {
      it().SeekForPrev(keys::FirstInternalKey(upper_));
    } else {
      it().SeekForPrev(keys::LastInternalKey(prefix));
    }
    FindPrev();
  }

  void Next() override {
    NOKV_CHECK(valid_) << "Next on an invalid cursor";
    if (!CheckOpen()) return;
    const std::string skip(engine_key());
    if (forward_) {
      it().Next();
    } else {
      forward_ = true;
      it().Seek(keys::EncodeInternalKey(skip, keys::SeekTrailer(source_.sequence)));
    }
    FindNext(skip);
  }

  void Prev() override {
    NOKV_CHECK(valid_) << "Prev on an invalid cursor";
    if (!CheckOpen()) return;
    if (forward_) {
      // Leave the entries of the current key behind; backwards they would come again.
      it().SeekForPrev(
          keys::EncodeInternalKey(engine_key(), keys::SeekTrailer(keys::kMaxSequence)));
    }
    FindPrev();
  }

  std::string_view engine_key() const override {
    return forward_ ? keys::EngineKeyOf(source_.iterator->key()) : std::string_view(saved_key_);
  }
  std::string_view value() const override { return key_only_ ? std::string_view() : value_; }
  const lsm::EntryAttributes& attributes() const override { return parsed_.attributes; }

  Status status() const override {
    if (Closed()) return DatabaseClosed();
    return status_;
  }

 private:
  lsm::InternalIterator& it() { return *source_.iterator; }
  bool Closed() const { return source_.closed->load(std::memory_order_acquire); }

  bool CheckOpen() {
    if (Closed()) valid_ = false;
    return valid_;
  }

  bool Start() {
    valid_ = false;
    status_ = Status::Ok();
    return !Closed();
  }

  void Fail(Status status) {
    valid_ = false;
    status_ = std::move(status);
  }

  // Sets parsed_ to a put's payload; false if the entry hides its key instead.
  bool TakeIfLive(std::string_view internal_key, std::string_view payload) {
    if (keys::KindOf(internal_key) != keys::Kind::kPut) return false;
    const auto sequence = keys::SequenceOf(internal_key);
    const auto prefix = keys::InternalPrefixOf(internal_key);
    for (const auto& set : source_.tombstones) {
      if (set->MaxCovering(prefix, source_.sequence) > sequence) return false;
    }
    if (!lsm::ParseEntryPayload(payload, &parsed_)) {
      Fail(Status::Corruption("an entry's attributes are malformed"));
      return false;
    }
    return !parsed_.attributes.ExpiredAt(source_.now_ms);
  }

  // Stands on the entry that parsed_ holds.
  void Stand() {
    value_ = parsed_.value;
    if (parsed_.apart() && !key_only_) {
      const Status read = source_.version->ReadValue(*parsed_.pointer, &fetched_, &value_);
      if (!read.ok()) return Fail(read);
    }
    valid_ = true;
  }

  // From the iterator's position forward to the first live key other than `skip`.
  void FindNext(std::string skip) {
    valid_ = false;
    bool skipping = !skip.empty();
    for (; it().Valid(); it().Next()) {
      const std::string_view internal_key = it().key();
      if (!upper_.empty() && keys::InternalPrefixOf(internal_key) >= upper_) return;
      if (keys::SequenceOf(internal_key) > source_.sequence) continue;
      const std::string_view engine_key = keys::EngineKeyOf(internal_key);
      if (skipping && engine_key == skip) continue;
      if (TakeIfLive(internal_key, it().value())) return Stand();
      if (!status_.ok()) return;
      skip.assign(engine_key);
      skipping = true;
    }
    status_ = it().status();
  }

  // From the iterator's position backward to the last live key. Backwards the entries of a key come
  // oldest first, so a key is known only when the next one, or the end, is seen.
  void FindPrev() {
    valid_ = false;
    forward_ = false;
    bool live = false;
    saved_key_.clear();
    for (; it().Valid(); it().Prev()) {
      const std::string_view internal_key = it().key();
      const std::string_view engine_key = keys::EngineKeyOf(internal_key);
      if (live && engine_key != saved_key_) break;
      if (keys::PrefixOf(engine_key) < lower_) break;
      if (keys::SequenceOf(internal_key) > source_.sequence) continue;
      live = TakeIfLive(internal_key, it().value());
      if (!status_.ok()) return;
      if (live) {
        saved_key_.assign(engine_key);
        saved_ = parsed_;
        if (!key_only_) saved_value_.assign(parsed_.value);
      }
    }
    if (!it().Valid() && !it().status().ok()) return Fail(it().status());
    if (!live) return;
    parsed_ = saved_;
    parsed_.value = saved_value_;
    Stand();
  }

  CursorSource source_;
  const std::string lower_;
  const std::string upper_;
  const bool key_only_;

  // Forward, the iterator stands on the current entry. Backward, it stands before all entries of
  // the current key, which is saved.
  bool forward_ = true;
  bool valid_ = false;
  lsm::ParsedPayload parsed_;
  std::string_view value_;
  std::string fetched_;  // a value that lies apart
  std::string saved_key_;
  std::string saved_value_;
  lsm::ParsedPayload saved_;
  Status status_;
};

class FailedCursor final : public Cursor {
 public:
  explicit FailedCursor(Status status) : status_(std::move(status)) {}
  bool Valid() const override { return false; }
  void SeekToFirst() override {}
  void SeekToLast() override {}
  void Seek(std::string_view) override {}
  void SeekForPrev(std::string_view) override {}
  void Next() override { NOKV_CHECK(false) << "Next on an invalid cursor"; }
  void Prev() override { NOKV_CHECK(false) << "Prev on an invalid cursor"; }
  std::string_view engine_key() const override { return {}; }
  std::string_view value() const override { return {}; }
  const lsm::EntryAttributes& attributes() const override { return attributes_; }
  Status status() const override { return status_; }

 private:
  Status status_;
  lsm::EntryAttributes attributes_;
};

}  // namespace

std::unique_ptr<Cursor> NewEngineCursor(CursorSource source, const CursorOptions& options) {
  return std::make_unique<EngineCursor>(std::move(source), options);
}

std::unique_ptr<Cursor> NewFailedCursor(Status status) {
  return std::make_unique<FailedCursor>(std::move(status));
}

}  // namespace nokv::engine
