// LevelDB with a Bloom filter; it compresses with Snappy by default.
#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>

#include "base/macros.h"
#include "bench/engines/engine.h"

namespace nokv::bench {

namespace {

leveldb::Slice ToSlice(std::string_view text) {
  return {text.data(), text.size()};
}
std::string_view ToView(const leveldb::Slice& slice) {
  return {slice.data(), slice.size()};
}

Status ToStatus(const leveldb::Status& status) {
  if (status.ok()) return Status::Ok();
  return Status::Unavailable("leveldb: " + status.ToString());
}

class LevelDbSession : public Session {
 public:
  LevelDbSession(leveldb::DB& db, bool sync) : db_(db) { write_.sync = sync; }

  Status Put(std::string_view key, std::string_view value) override {
    return ToStatus(db_.Put(write_, ToSlice(key), ToSlice(value)));
  }
  Status Delete(std::string_view key) override {
    return ToStatus(db_.Delete(write_, ToSlice(key)));
  }

  Result<bool> Get(std::string_view key, RowSink& sink) override {
    const leveldb::Status status = db_.Get({}, ToSlice(key), &found_);
    if (status.IsNotFound()) return false;
    RETURN_IF_ERROR(ToStatus(status));
    sink.Row(key, found_);
    return true;
  }

  Result<uint64_t> Scan(std::string_view from, uint64_t count, RowSink& sink) override {
    const std::unique_ptr<leveldb::Iterator> iterator(db_.NewIterator({}));
    uint64_t rows = 0;
    for (iterator->Seek(ToSlice(from)); rows < count && iterator->Valid(); iterator->Next()) {
      sink.Row(ToView(iterator->key()), ToView(iterator->value()));
      ++rows;
    }
    RETURN_IF_ERROR(ToStatus(iterator->status()));
    return rows;
  }

 private:
  leveldb::DB& db_;
  leveldb::WriteOptions write_;
  std::string found_;
};

class LevelDbEngine : public KvEngine {
 public:
  explicit LevelDbEngine(const EngineConfig& config)
      : sync_(config.sync),
        cache_(leveldb::NewLRUCache(config.cache_bytes)),
        filter_(leveldb::NewBloomFilterPolicy(10)) {}

  Status Open(const EngineConfig& config) {
    leveldb::Options options;
    options.create_if_missing = true;
    options.write_buffer_size = config.memtable_bytes;
    options.block_cache = cache_.get();
    options.filter_policy = filter_.get();
    leveldb::DB* opened = nullptr;
    const leveldb::Status status = leveldb::DB::Open(options, config.directory, &opened);
    db_.reset(opened);
    return ToStatus(status);
  }

  std::string Version() const override {
    return std::to_string(leveldb::kMajorVersion) + "." + std::to_string(leveldb::kMinorVersion);
  }
  std::string Describe() const override { return "bloom 10 bits, snappy"; }
  std::unique_ptr<Session> NewSession() override {
    return std::make_unique<LevelDbSession>(*db_, sync_);
  }
  // LevelDB does not tell; its use of the processor does.
  Result<bool> Idle() override { return true; }
  Status Close() override {
    db_.reset();
    return Status::Ok();
  }

 private:
  const bool sync_;
  // Used by the database, hence made before it and destroyed after it.
  const std::unique_ptr<leveldb::Cache> cache_;
  const std::unique_ptr<const leveldb::FilterPolicy> filter_;
  std::unique_ptr<leveldb::DB> db_;
};

}  // namespace

Result<std::unique_ptr<KvEngine>> OpenLevelDb(const EngineConfig& config) {
  auto engine = std::make_unique<LevelDbEngine>(config);
  RETURN_IF_ERROR(engine->Open(config));
  return std::unique_ptr<KvEngine>(std::move(engine));
}

}  // namespace nokv::bench
