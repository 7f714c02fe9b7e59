#include "redis/engine_backend.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/macros.h"
#include "keys/keys.h"
#include "redis/fetched_values.h"
#include "redis/known_keys.h"
#include "redis/layout.h"
#include "redis/staged_batch.h"

namespace nokv::redis {

namespace {

using keys::Keyspace;

// What the gateway reads must show its own last write, durable or not.
constexpr engine::ReadView kLatest{nullptr, /*include_unsynced=*/true};

// What waits for Submit at most, roughly: much below a memtable.
constexpr size_t kMaxStagedBytes = size_t{256} << 10;

// The end of a range of data keys, as an engine prefix; an empty one is the end of the keyspace.
std::string EndPrefix(std::string_view end) {
  if (!end.empty()) return keys::EncodePrefix(Keyspace::kData, end);
  return std::string(1, static_cast<char>(static_cast<uint8_t>(Keyspace::kData) + 1));
}

class EngineKeyCursor final : public KeyCursor {
 public:
  explicit EngineKeyCursor(std::unique_ptr<engine::Cursor> cursor) : cursor_(std::move(cursor)) {
    cursor_->SeekToFirst();
  }
  bool Valid() const override { return cursor_->Valid(); }
  void Next() override { cursor_->Next(); }
  std::string_view key() const override { return keys::KeyOf(cursor_->engine_key()); }
  uint64_t expiry_ms() const override { return cursor_->attributes().expiry_ms; }
  uint8_t type() const override { return cursor_->attributes().user_meta; }
  Status status() const override { return cursor_->status(); }

 private:
  std::unique_ptr<engine::Cursor> cursor_;
};

class EnginePosition final : public Position {
 public:
  explicit EnginePosition(std::unique_ptr<engine::EngineSnapshot> snapshot)
      : snapshot_(std::move(snapshot)) {}
  const engine::EngineSnapshot* snapshot() const { return snapshot_.get(); }

 private:
  const std::unique_ptr<engine::EngineSnapshot> snapshot_;
};

engine::ReadSet EngineReads(const ReadSet& reads) {
  engine::ReadSet result;
  result.since = static_cast<const EnginePosition*>(reads.since)->snapshot();
  for (const std::string& key : reads.keys) {
    result.points.push_back(keys::EncodeEngineKey(Keyspace::kData, key));
  }
  for (const auto& [begin, end] : reads.ranges) {
    result.ranges.push_back({keys::EncodePrefix(Keyspace::kData, begin), EndPrefix(end)});
  }
  return result;
}

// While it lives, keys are written through it alone. Writes stay in a batch of their own until
// Submit: what an engine does for a batch, and the record in the log, is then shared by all commits
// of a round.
class EngineBackend final : public Backend {
 public:
  explicit EngineBackend(engine::Engine& engine) : engine_(engine) {}

  Result<bool> Get(std::string_view key, Record* record) override {
    EncodeKey(key);
    StagedBatch::Found staged;
    if (staged_.Find(engine_key_, &staged)) return TakeStaged(staged, record);
    std::optional<engine::FoundValue> value;
    if (!fetched_.Take(engine_key_, &value)) {
      ASSIGN_OR_RETURN(const bool found, engine_.Get(kLatest, engine_key_, &value.emplace()));
      if (!found) return false;
    }
    if (!value.has_value()) return false;
    *record = Record{value->value, value->attributes.expiry_ms, value->attributes.user_meta,
                     std::move(value->pin)};
    return true;
  }

  Result<bool> GetExpiry(std::string_view key, uint64_t* expiry_ms) override {
    *expiry_ms = 0;
    // A commit that failed after it was gathered has left nothing. Relaxed: whatever the store is
    // asked to do with what is known until then fails as well.
    if (lost_.load(std::memory_order_relaxed) && lost_.exchange(false)) known_.Clear();
    if (known_.Contains(key)) return true;
    Record record;
    ASSIGN_OR_RETURN(const bool found, Get(key, &record));
    *expiry_ms = record.expiry_ms;
    return found;
  }

  void Prefetch(std::span<const std::string> keys) override {
    for (const std::string& key : keys) known_.Prefetch(key);
    engine_.Prefetch(EncodeAll(keys));
  }
  void PrefetchValues(std::span<const std::string> keys) override {
    fetched_.Fetch(engine_, kLatest, EncodeAll(keys));
  }

  std::unique_ptr<KeyCursor> Scan(std::string_view begin, std::string_view end) override {
    Submit();
    engine::CursorOptions options;
    options.view = kLatest;
    options.lower = keys::EncodePrefix(Keyspace::kData, begin);
    options.upper = EndPrefix(end);
    options.key_only = true;
    return std::make_unique<EngineKeyCursor>(engine_.NewCursor(options));
  }

  bool Commit(std::span<const Write> writes, Survives survives, CommitDone done) override {
    const bool power_loss = survives == Survives::kPowerLoss;
    if (!MayStage(writes)) {
      Submit();
      FillBatch(writes);
      return power_loss ? engine_.WriteDeferred(batch_, std::move(done)).applied
                        : engine_.WriteAsync(batch_, /*sync=*/false, std::move(done)).applied;
    }
    for (const Write& write : writes) Stage(write);
    staged_power_loss_ |= power_loss;
    staged_done_.push_back(std::move(done));
    if (staged_.bytes() > kMaxStagedBytes) Submit();
    return true;
  }

  void Submit() override {
    fetched_.Clear();
    if (staged_.empty()) return;
    // An outcome may come at once, and with it the next commit.
    std::vector<CommitDone> waiting;
    waiting.swap(staged_done_);
    staged_done_.reserve(waiting.size());
    const bool power_loss = std::exchange(staged_power_loss_, false);
    StagedBatch staged = std::exchange(staged_, std::move(spare_));
    engine_.WriteGathered(staged.batch(), power_loss,
                          [this, waiting = std::move(waiting)](const Status& status) {
                            if (!status.ok()) lost_ = true;
                            for (const CommitDone& done : waiting) done(status);
                          });
    staged.Clear();
    spare_ = std::move(staged);
  }

  std::unique_ptr<Position> CurrentPosition() override {
    Submit();
    return std::make_unique<EnginePosition>(engine_.NewSnapshot(kLatest.include_unsynced));
  }

  bool CommitIf(const ReadSet& reads, std::span<const Write> writes, Survives survives,
                CommitDone done) override {
    Submit();
    FillBatch(writes);
    const auto mode = survives == Survives::kPowerLoss ? engine::WriteMode::kDeferred
                                                       : engine::WriteMode::kUnsynced;
    return engine_.WriteIf(batch_, EngineReads(reads), mode, std::move(done)).applied;
  }

  Status CheckUnchanged(const ReadSet& reads) override {
    Submit();
    // The outcome of an empty batch is known before the call returns.
    Status outcome;
    engine_.WriteIf(engine::Batch(), EngineReads(reads), engine::WriteMode::kUnsynced,
                    [&outcome](Status status) { outcome = std::move(status); });
    return outcome;
  }

  void Sync(bool leading, CommitDone done) override {
    Submit();
    leading ? engine_.SyncLeading(std::move(done)) : engine_.SyncAsync(std::move(done));
  }
  Status WriteError() const override { return engine_.background_error(); }
  uint64_t Generation() const override { return engine_.open_generation(); }

 private:
  // A deleted range decides about keys that nobody names; and a large value is copied as seldom as
  // can be.
  bool MayStage(std::span<const Write> writes) {
    size_t bytes = 0;
    for (const Write& write : writes) {
      if (write.kind == Write::Kind::kDeleteRange) return false;
      bytes += write.key.size() + write.value.size();
    }
    return bytes <= kMaxStagedBytes && (!staged_.empty() || engine_.HasRoom());
  }

  void Stage(const Write& write) {
    EncodeKey(write.key);
    if (write.kind == Write::Kind::kDelete) {
      known_.Remove(write.key);
      return staged_.Delete(engine_key_);
    }
    if (write.expiry_ms != 0) {
      known_.Remove(write.key);
    } else if (IsKeyOfClients(write.key)) {
      known_.Add(write.key);
    }
    staged_.Put(engine_key_, write.value, {write.expiry_ms, write.type, std::nullopt});
  }

  // The batch grows while the value is in use.
  static bool TakeStaged(const StagedBatch::Found& staged, Record* record) {
    if (staged.deleted) return false;
    auto value = std::make_shared<const std::string>(staged.value);
    const std::string_view bytes = *value;
    *record =
        Record{bytes, staged.attributes.expiry_ms, staged.attributes.user_meta, std::move(value)};
    return true;
  }

  void FillBatch(std::span<const Write> writes) {
    batch_.Clear();
    for (const Write& write : writes) {
      if (write.kind == Write::Kind::kDeleteRange) {
        batch_.DeleteRange(keys::EncodePrefix(Keyspace::kData, write.key), EndPrefix(write.end));
        known_.Clear();
        continue;
      }
      known_.Remove(write.key);
      EncodeKey(write.key);
      if (write.kind == Write::Kind::kDelete) {
        batch_.Delete(engine_key_);
      } else {
        batch_.Put(engine_key_, write.value, {write.expiry_ms, write.type, std::nullopt});
      }
    }
  }

  std::span<const std::string> EncodeAll(std::span<const std::string> keys) {
    engine_keys_.resize(std::max(engine_keys_.size(), keys.size()));
    for (size_t i = 0; i < keys.size(); ++i) {
      engine_keys_[i].clear();
      keys::AppendEngineKey(Keyspace::kData, keys[i], 0, &engine_keys_[i]);
    }
    return std::span(engine_keys_).first(keys.size());
  }
  void EncodeKey(std::string_view key) {
    engine_key_.clear();
    keys::AppendEngineKey(Keyspace::kData, key, 0, &engine_key_);
  }

  engine::Engine& engine_;
  std::string engine_key_;                // reused, so that a lookup does not allocate
  std::vector<std::string> engine_keys_;  // likewise
  engine::Batch batch_;                   // likewise
  FetchedValues fetched_;
  StagedBatch staged_;
  StagedBatch spare_;  // empty; takes turns with staged_
  std::vector<CommitDone> staged_done_;
  bool staged_power_loss_ = false;  // that is what they are to survive
  KnownKeys known_;
  std::atomic<bool> lost_{false};  // what was staged: a completion said so
};

}  // namespace

std::unique_ptr<Backend> NewEngineBackend(engine::Engine& engine) {
  return std::make_unique<EngineBackend>(engine);
}

}  // namespace nokv::redis
