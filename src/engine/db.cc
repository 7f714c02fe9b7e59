// DB as a blocking adaptor over the engine. Only this and the commit of a transaction wait.
#include "engine/db.h"

#include "base/macros.h"
#include "base/mutex.h"
#include "engine/outcome.h"
#include "engine/plain_keys.h"
#include "engine/plain_reads.h"
#include "engine/transaction.h"
#include "engine/write_batch.h"

namespace nokv::engine {

namespace {

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

class DBImpl final : public DB {
 public:
  explicit DBImpl(std::shared_ptr<Core> core)
      : core_(std::move(core)), engine_(*core_->engine), runtime_(core_->runtime) {}

  ~DBImpl() override { (void)Close(); }

  Result<std::optional<Value>> Get(const ReadOptions& options, std::string_view key) override {
    return GetPlain(engine_, MakeView(options.snapshot), key);
  }

  Result<std::optional<PinnedValue>> GetPinned(const ReadOptions& options,
                                               std::string_view key) override {
    return GetPinnedPlain(engine_, MakeView(options.snapshot), key);
  }

  Result<std::vector<std::optional<Value>>> MultiGet(
      const ReadOptions& options, std::span<const std::string_view> keys) override {
    return MultiGetPlain(engine_, MakeView(options.snapshot), keys);
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
    const WriteTicket ticket = engine_.WriteLeading(rep.batch, options.sync, outcome.Callback());
    if (!options.sync) return outcome.YieldAndWait();
    return outcome.WaitForSync(engine_, ticket);
  }

  void WriteAsync(const WriteOptions& options, WriteBatch batch,
                  std::function<void(Status)> done) override {
    const WriteBatch::Rep& rep = WriteBatchAccess::Get(batch);
    if (!rep.refusal.ok()) return done(rep.refusal);
    engine_.WriteAsync(rep.batch, options.sync, std::move(done));
  }

  Status SyncLog() override {
    Outcome outcome(runtime_);
    engine_.SyncLeading(outcome.Callback());
    return outcome.Wait();
  }

  std::unique_ptr<Iterator> NewIterator(const IteratorOptions& options) override {
    return NewPlainIterator(engine_, MakeView(options.snapshot), options);
  }

  std::unique_ptr<Snapshot> GetSnapshot() override {
    return std::make_unique<DBSnapshot>(engine_.NewSnapshot());
  }

  std::unique_ptr<Transaction> BeginTransaction(const TransactionOptions& options) override {
    return NewTransaction(core_, options);
  }

  Status Flush() override {
    Outcome outcome(runtime_);
    engine_.FlushAsync(outcome.Callback());
    return outcome.Wait();
  }

  Status CompactRange(std::string_view begin, std::string_view end) override {
    Outcome outcome(runtime_);
    engine_.CompactRangeAsync(begin.empty() ? std::string() : PlainPrefix(begin),
                              end.empty() ? std::string() : PlainPrefix(end), outcome.Callback());
    return outcome.Wait();
  }

  Status RunValueLogGC(double discard_ratio) override {
    Outcome outcome(runtime_);
    engine_.RunValueLogGCAsync(discard_ratio, outcome.Callback());
    return outcome.Wait();
  }

  Status CreateCheckpoint(const std::string& path) override {
    Outcome outcome(runtime_);
    engine_.CreateCheckpointAsync(path, outcome.Callback());
    return outcome.Wait();
  }

  Status Ingest(const std::vector<std::string>& files, const IngestOptions& options) override {
    IngestRequest request;
    request.files = files;
    request.transfer = options.transfer;
    if (options.excise.has_value()) {
      RETURN_IF_ERROR(CheckRange(options.excise->begin, options.excise->end));
      ForEachPlainRange(options.excise->begin, options.excise->end,
                        [&](std::string_view begin, std::string_view end) {
                          request.excised.push_back(
                              {std::string(begin), std::string(end), /*end_inclusive=*/false});
                        });
    }
    Outcome outcome(runtime_);
    engine_.IngestAsync(std::move(request), outcome.Callback());
    return outcome.Wait();
  }

  nokv::Stats Stats() override { return engine_.GetStats(); }
  ManifestStats Manifest() override { return engine_.GetManifest(); }
  Result<ValueFilesStats> ValueFiles() override { return engine_.GetValueFiles(); }

  Status Close() override {
    base::MutexLock lock(close_mu_);
    if (!closed_) {
      closed_ = true;
      Outcome outcome(runtime_);
      engine_.CloseAsync(outcome.Callback());
      close_status_ = outcome.Wait();
    }
    return close_status_;
  }

 private:
  const std::shared_ptr<Core> core_;
  Engine& engine_;
  runtime::Runtime& runtime_;

  // Held while closing, so that every caller waits for the one result.
  base::Mutex close_mu_;
  bool closed_ GUARDED_BY(close_mu_) = false;
  Status close_status_ GUARDED_BY(close_mu_);
};

}  // namespace

Result<std::unique_ptr<DB>> OpenDB(const Options& options, const std::string& path,
                                   const Doors& doors) {
  ASSIGN_OR_RETURN(auto engine, Engine::Open(options, path, doors));
  auto core = std::make_shared<Core>(Core{std::move(engine), doors.runtime, nullptr});
  return std::unique_ptr<DB>(std::make_unique<DBImpl>(std::move(core)));
}

}  // namespace nokv::engine

namespace nokv {

Result<std::unique_ptr<DB>> DB::Open(const Options& options, const std::string& path) {
  auto runtime = runtime::NewThreadRuntime({});
  runtime::Runtime& borrowed = *runtime;
  ASSIGN_OR_RETURN(
      auto engine,
      engine::Engine::Open(options, path, {vfs::PosixFileSystem(), borrowed, base::NullLogger()}));
  auto core =
      std::make_shared<engine::Core>(engine::Core{std::move(engine), borrowed, std::move(runtime)});
  return std::unique_ptr<DB>(std::make_unique<engine::DBImpl>(std::move(core)));
}

}  // namespace nokv
