// DB as a blocking adaptor over the engine. The only place of the engine that waits.
#include "engine/db.h"

#include "base/macros.h"
#include "base/mutex.h"
#include "engine/write_batch.h"

namespace nokv::engine {

namespace {

// Waits for one completion. The runtime's event is made only if the outcome is not known at once.
class Outcome {
 public:
  explicit Outcome(runtime::Runtime& runtime) : runtime_(runtime) {}

  Completion Callback() {
    return [this](Status status) {
      base::MutexLock lock(mu_);
      status_ = std::move(status);
      done_ = true;
      // Under the lock, so that the waiter cannot leave and destroy the event in between.
      if (event_ != nullptr) event_->Set();
    };
  }

  Status Wait() {
    {
      base::MutexLock lock(mu_);
      if (done_) return std::move(status_);
      event_ = runtime_.NewEvent();
    }
    event_->Wait();
    base::MutexLock lock(mu_);
    return std::move(status_);
  }

 private:
  runtime::Runtime& runtime_;
  base::Mutex mu_;
  bool done_ GUARDED_BY(mu_) = false;
  Status status_ GUARDED_BY(mu_);
  std::unique_ptr<runtime::Event> event_;
};

class DBSnapshot final : public Snapshot {
 public:
  explicit DBSnapshot(std::unique_ptr<EngineSnapshot> snapshot) : snapshot_(std::move(snapshot)) {}
  uint64_t sequence() const override { return snapshot_->sequence(); }
  const EngineSnapshot* engine_snapshot() const { return snapshot_.get(); }

 private:
  const std::unique_ptr<EngineSnapshot> snapshot_;
};

ReadView MakeView(const Snapshot* snapshot) {
  ReadView view;
  if (snapshot != nullptr) {
    view.snapshot = static_cast<const DBSnapshot*>(snapshot)->engine_snapshot();
  }
  return view;
}

std::string DataPrefix(std::string_view user_key) {
  return keys::EncodePrefix(keys::Keyspace::kData, keys::EncodePlainKey(user_key));
}

// Plain user keys over an engine cursor; the reserved area between them is stepped over.
class DBIterator final : public Iterator {
 public:
  explicit DBIterator(std::unique_ptr<Cursor> cursor) : cursor_(std::move(cursor)) {}

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
    cursor_->Seek(DataPrefix(target));
    SkipForward();
  }
  void SeekForPrev(std::string_view target) override {
    cursor_->SeekForPrev(DataPrefix(target));
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

class DBImpl final : public DB {
 public:
  DBImpl(std::unique_ptr<Engine> engine, runtime::Runtime& runtime,
         std::unique_ptr<runtime::Runtime> owned_runtime)
      : engine_(std::move(engine)), runtime_(runtime), owned_runtime_(std::move(owned_runtime)) {}

  ~DBImpl() override { (void)Close(); }

  Result<std::optional<Value>> Get(const ReadOptions& options, std::string_view key) override {
    return GetOne(MakeView(options.snapshot), key);
  }

  Result<std::vector<std::optional<Value>>> MultiGet(
      const ReadOptions& options, std::span<const std::string_view> keys) override {
    const auto snapshot = options.snapshot == nullptr ? engine_->NewSnapshot() : nullptr;
    ReadView view = MakeView(options.snapshot);
    if (snapshot != nullptr) view.snapshot = snapshot.get();
    std::vector<std::optional<Value>> values;
    values.reserve(keys.size());
    for (const std::string_view key : keys) {
      ASSIGN_OR_RETURN(auto value, GetOne(view, key));
      values.push_back(std::move(value));
    }
    return values;
  }

  Status Put(const WriteOptions& options, std::string_view key, std::string_view value,
             const PutOptions& put_options) override {
    WriteBatch batch;
    batch.Put(key, value, put_options);
    return Write(options, std::move(batch));
  }
  Status Delete(const WriteOptions& options, std::string_view key) override {
    WriteBatch batch;
    batch.Delete(key);
    return Write(options, std::move(batch));
  }
  Status DeleteRange(const WriteOptions& options, std::string_view begin,
                     std::string_view end) override {
    WriteBatch batch;
    batch.DeleteRange(begin, end);
    return Write(options, std::move(batch));
  }

  Status Write(const WriteOptions& options, WriteBatch batch) override {
    const WriteBatch::Rep& rep = WriteBatchAccess::Get(batch);
    RETURN_IF_ERROR(rep.refusal);
    Outcome outcome(runtime_);
    engine_->WriteLeading(rep.batch, options.sync, outcome.Callback());
    return outcome.Wait();
  }

  void WriteAsync(const WriteOptions& options, WriteBatch batch,
                  std::function<void(Status)> done) override {
    const WriteBatch::Rep& rep = WriteBatchAccess::Get(batch);
    if (!rep.refusal.ok()) return done(rep.refusal);
    engine_->WriteAsync(rep.batch, options.sync, std::move(done));
  }

  Status SyncLog() override {
    Outcome outcome(runtime_);
    engine_->SyncAsync(outcome.Callback());
    return outcome.Wait();
  }

  std::unique_ptr<Iterator> NewIterator(const IteratorOptions& options) override {
    CursorOptions cursor;
    cursor.view = MakeView(options.snapshot);
    cursor.lower = DataPrefix(options.lower_bound);
    cursor.upper = options.upper_bound.empty() ? keys::EncodePrefix(keys::Keyspace::kLock, "")
                                               : DataPrefix(options.upper_bound);
    cursor.key_only = options.key_only;
    return std::make_unique<DBIterator>(engine_->NewCursor(cursor));
  }

  std::unique_ptr<Snapshot> GetSnapshot() override {
    return std::make_unique<DBSnapshot>(engine_->NewSnapshot());
  }

  Status Flush() override {
    Outcome outcome(runtime_);
    engine_->FlushAsync(outcome.Callback());
    return outcome.Wait();
  }

  Status CompactRange(std::string_view begin, std::string_view end) override {
    Outcome outcome(runtime_);
    engine_->CompactRangeAsync(begin.empty() ? std::string() : DataPrefix(begin),
                               end.empty() ? std::string() : DataPrefix(end), outcome.Callback());
    return outcome.Wait();
  }

  nokv::Stats Stats() override { return engine_->GetStats(); }
  ManifestStats Manifest() override { return engine_->GetManifest(); }

  Status Close() override {
    base::MutexLock lock(close_mu_);
    if (!closed_) {
      closed_ = true;
      Outcome outcome(runtime_);
      engine_->CloseAsync(outcome.Callback());
      close_status_ = outcome.Wait();
    }
    return close_status_;
  }

 private:
  Result<std::optional<Value>> GetOne(const ReadView& view, std::string_view key) {
    FoundValue found;
    std::string engine_key;
    keys::AppendPlainEngineKey(key, &engine_key);
    ASSIGN_OR_RETURN(const bool exists, engine_->Get(view, engine_key, &found));
    if (!exists) return std::optional<Value>();
    return std::optional<Value>(
        Value{std::string(found.value), found.attributes.expiry_ms, found.attributes.user_meta});
  }

  const std::unique_ptr<Engine> engine_;
  runtime::Runtime& runtime_;
  // Destroyed before the engine: its tasks end first.
  const std::unique_ptr<runtime::Runtime> owned_runtime_;

  // Held while closing, so that every caller waits for the one result.
  base::Mutex close_mu_;
  bool closed_ GUARDED_BY(close_mu_) = false;
  Status close_status_ GUARDED_BY(close_mu_);
};

}  // namespace

Result<std::unique_ptr<DB>> OpenDB(const Options& options, const std::string& path,
                                   const Doors& doors) {
  ASSIGN_OR_RETURN(auto engine, Engine::Open(options, path, doors));
  return std::unique_ptr<DB>(std::make_unique<DBImpl>(std::move(engine), doors.runtime, nullptr));
}

}  // namespace nokv::engine

namespace nokv {

Result<std::unique_ptr<DB>> DB::Open(const Options& options, const std::string& path) {
  auto runtime = runtime::NewThreadRuntime({});
  runtime::Runtime& borrowed = *runtime;
  ASSIGN_OR_RETURN(
      auto engine,
      engine::Engine::Open(options, path, {vfs::PosixFileSystem(), borrowed, base::NullLogger()}));
  return std::unique_ptr<DB>(
      std::make_unique<engine::DBImpl>(std::move(engine), borrowed, std::move(runtime)));
}

}  // namespace nokv
