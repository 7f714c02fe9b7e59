// nokv through nokv::DB, with the options that every user gets.
#include "base/macros.h"
#include "bench/engines/engine.h"
#include "cli/version.h"
#include "nokv/db.h"

namespace nokv::bench {

namespace {

class NokvSession : public Session {
 public:
  NokvSession(DB& db, bool sync) : db_(db) { write_.sync = sync; }

  Status Put(std::string_view key, std::string_view value) override {
    return db_.Put(write_, key, value);
  }
  Status Delete(std::string_view key) override { return db_.Delete(write_, key); }

  Result<bool> Get(std::string_view key, RowSink& sink) override {
    ASSIGN_OR_RETURN(const auto value, db_.GetPinned({}, key));
    if (!value.has_value()) return false;
    sink.Row(key, value->data);
    return true;
  }

  Result<uint64_t> Scan(std::string_view from, uint64_t count, RowSink& sink) override {
    const auto iterator = db_.NewIterator();
    uint64_t rows = 0;
    for (iterator->Seek(from); rows < count && iterator->Valid(); iterator->Next(), ++rows) {
      sink.Row(iterator->key(), iterator->value());
    }
    RETURN_IF_ERROR(iterator->status());
    return rows;
  }

 private:
  DB& db_;
  WriteOptions write_;
};

class NokvEngine : public KvEngine {
 public:
  NokvEngine(std::unique_ptr<DB> db, bool sync) : db_(std::move(db)), sync_(sync) {}

  std::string Version() const override { return cli::CurrentBuild().version; }
  std::string Describe() const override { return "defaults"; }
  std::unique_ptr<Session> NewSession() override {
    return std::make_unique<NokvSession>(*db_, sync_);
  }
  Result<bool> Idle() override {
    const nokv::Stats stats = db_->Stats();
    if (!stats.background_error.empty()) return Status::Unavailable(stats.background_error);
    const bool moving = stats.value_log.gc_active > 0 || stats.value_log.order_active > 0;
    return stats.flush.pending == 0 && stats.flush.active == 0 && stats.compaction.backlog == 0 &&
           !moving;
  }
  Status Close() override { return db_->Close(); }

 private:
  const std::unique_ptr<DB> db_;
  const bool sync_;
};

}  // namespace

Result<std::unique_ptr<KvEngine>> OpenNokv(const EngineConfig& config) {
  Options options;
  options.memtable_bytes = config.memtable_bytes;
  options.block_cache_bytes = config.cache_bytes;
  ASSIGN_OR_RETURN(auto db, DB::Open(options, config.directory));
  return std::unique_ptr<KvEngine>(std::make_unique<NokvEngine>(std::move(db), config.sync));
}

}  // namespace nokv::bench
