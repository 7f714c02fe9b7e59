#include "cli/store.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/macros.h"
#include "cli/inspect_directory.h"
#include "keys/keys.h"
#include "redis/layout.h"

namespace nokv::cli {

namespace {

using keys::Keyspace;

// Where a range of data keys ends, as a prefix; empty is the end of the keyspace.
std::string EndPrefix(const std::string& end) {
  if (!end.empty()) return keys::EncodePrefix(Keyspace::kData, end);
  return std::string(1, static_cast<char>(static_cast<uint8_t>(Keyspace::kData) + 1));
}

std::string EngineKey(int db, std::string_view key) {
  return keys::EncodeEngineKey(Keyspace::kData, redis::DataKey(db, key));
}

Status CheckKey(std::string_view key) {
  if (key.size() <= keys::kMaxUserKeyBytes) return Status::Ok();
  return Status::InvalidArgument("the key has " + std::to_string(key.size()) + " bytes; at most " +
                                 std::to_string(keys::kMaxUserKeyBytes) + " are allowed");
}

}  // namespace

Result<std::unique_ptr<Store>> Store::Open(vfs::FileSystem& fs, const std::string& workdir,
                                           Mode mode, base::Logger& log) {
  std::unique_ptr<Store> store(new Store);
  store->runtime_ = runtime::NewThreadRuntime({});
  Options options;
  if (mode == Mode::kReadOnly) {
    options.create_if_missing = false;
    options.read_only = true;
    options.allowed_modes = {nokv::Mode::kStandalone, nokv::Mode::kPreparing, nokv::Mode::kSeeded,
                             nokv::Mode::kCluster};
  }
  auto engine = engine::Engine::Open(options, workdir, {fs, *store->runtime_, log});
  if (!engine.ok()) return WithWayOut(engine.status());
  store->engine_ = *std::move(engine);
  return store;
}

Store::~Store() {
  (void)Close();
}

Status Store::Close() {
  if (engine_ == nullptr) return Status::Ok();
  const auto closed = runtime_->NewEvent();
  Status status;
  engine_->CloseAsync([&](Status result) {
    status = std::move(result);
    closed->Set();
  });
  closed->Wait();
  engine_.reset();
  return status;
}

Result<std::optional<Store::Value>> Store::Get(int db, std::string_view key) {
  RETURN_IF_ERROR(CheckKey(key));
  engine::FoundValue found;
  ASSIGN_OR_RETURN(const bool exists, engine_->Get({}, EngineKey(db, key), &found));
  if (!exists) return std::optional<Value>();
  return std::optional<Value>(
      Value{std::string(found.value), found.attributes.expiry_ms, found.attributes.user_meta});
}

Status Store::Put(int db, std::string_view key, std::string_view value, uint64_t expiry_ms) {
  RETURN_IF_ERROR(CheckKey(key));
  engine::Batch batch;
  batch.Put(EngineKey(db, key), value, {expiry_ms, 0, std::nullopt});
  return Write(batch);
}

Status Store::Delete(int db, std::string_view key) {
  RETURN_IF_ERROR(CheckKey(key));
  engine::Batch batch;
  batch.Delete(EngineKey(db, key));
  return Write(batch);
}

Status Store::Write(const engine::Batch& batch) {
  const auto done = runtime_->NewEvent();
  Status status;
  engine_->WriteLeading(batch, /*sync=*/true, [&](Status result) {
    status = std::move(result);
    done->Set();
  });
  done->Wait();
  return status;
}

Status Store::Scan(int db, const Range& range,
                   const std::function<bool(std::string_view, const Value&)>& visit) {
  std::vector<redis::KeyRange> parts = redis::KeyRanges(db);
  if (range.reverse) std::reverse(parts.begin(), parts.end());
  const std::string from = redis::DataKey(db, range.from);
  const std::string to = range.to.empty() ? "" : redis::DataKey(db, range.to);
  std::string scratch;
  for (const redis::KeyRange& part : parts) {
    const std::string& begin = std::max(part.begin, from);
    const std::string& end = to.empty() ? part.end : part.end.empty() ? to : std::min(part.end, to);
    if (!end.empty() && begin >= end) continue;
    engine::CursorOptions options;
    options.lower = keys::EncodePrefix(Keyspace::kData, begin);
    options.upper = EndPrefix(end);
    options.key_only = range.keys_only;
    options.fill_cache = false;
    const auto cursor = engine_->NewCursor(options);
    range.reverse ? cursor->SeekToLast() : cursor->SeekToFirst();
    while (cursor->Valid()) {
      const std::string_view data_key = keys::KeyOf(cursor->engine_key());
      const Value value{range.keys_only ? "" : std::string(cursor->value()),
                        cursor->attributes().expiry_ms, cursor->attributes().user_meta};
      if (!visit(redis::UserKey(db, data_key, &scratch), value)) return Status::Ok();
      range.reverse ? cursor->Prev() : cursor->Next();
    }
    RETURN_IF_ERROR(cursor->status());
  }
  return Status::Ok();
}

std::string AfterPrefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (!prefix.empty()) prefix.back()++;
  return prefix;
}

}  // namespace nokv::cli
