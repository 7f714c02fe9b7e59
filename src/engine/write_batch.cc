#include "engine/write_batch.h"

#include "engine/plain_keys.h"

namespace nokv {

namespace {

// The engine key of a plain user key, in `*scratch`.
std::string_view EngineKey(std::string_view key, std::string* scratch) {
  scratch->clear();
  keys::AppendPlainEngineKey(key, scratch);
  return *scratch;
}

}  // namespace

Status engine::CheckKey(std::string_view key) {
  if (key.size() <= keys::kMaxUserKeyBytes) return Status::Ok();
  return Status::InvalidArgument("a key of " + std::to_string(key.size()) +
                                 " bytes is over the limit of " +
                                 std::to_string(keys::kMaxUserKeyBytes));
}

Status engine::CheckValue(std::string_view value) {
  if (value.size() <= keys::kMaxValueBytes) return Status::Ok();
  return Status::InvalidArgument("a value of " + std::to_string(value.size()) +
                                 " bytes is over the limit of " +
                                 std::to_string(keys::kMaxValueBytes));
}

Status engine::CheckRange(std::string_view begin, std::string_view end) {
  Status status = CheckKey(begin);
  if (status.ok()) status = CheckKey(end);
  if (status.ok() && begin >= end) {
    status =
        Status::InvalidArgument("the range to delete is empty: its begin is not before its end");
  }
  return status;
}

WriteBatch::WriteBatch() : rep_(std::make_unique<Rep>()) {}
WriteBatch::~WriteBatch() = default;
WriteBatch::WriteBatch(WriteBatch&&) noexcept = default;
WriteBatch& WriteBatch::operator=(WriteBatch&&) noexcept = default;

void WriteBatch::Put(std::string_view key, std::string_view value, const PutOptions& options) {
  Status status = engine::CheckKey(key);
  if (status.ok()) status = engine::CheckValue(value);
  if (!status.ok()) {
    if (rep_->refusal.ok()) rep_->refusal = std::move(status);
    return;
  }
  lsm::EntryAttributes attributes;
  attributes.expiry_ms = options.expiry_ms;
  attributes.user_meta = options.user_meta;
  rep_->batch.Put(EngineKey(key, &rep_->scratch), value, attributes);
}

void WriteBatch::Delete(std::string_view key) {
  const Status status = engine::CheckKey(key);
  if (status.ok()) {
    rep_->batch.Delete(EngineKey(key, &rep_->scratch));
  } else if (rep_->refusal.ok()) {
    rep_->refusal = status;
  }
}

void WriteBatch::DeleteRange(std::string_view begin, std::string_view end) {
  Status status = engine::CheckRange(begin, end);
  if (!status.ok()) {
    if (rep_->refusal.ok()) rep_->refusal = std::move(status);
    return;
  }
  engine::ForEachPlainRange(begin, end, [this](std::string_view from, std::string_view to) {
    rep_->batch.DeleteRange(from, to);
  });
}

void WriteBatch::Clear() {
  *rep_ = Rep();
}
size_t WriteBatch::Count() const {
  return rep_->batch.count();
}
size_t WriteBatch::SizeBytes() const {
  return rep_->batch.bytes();
}

}  // namespace nokv
