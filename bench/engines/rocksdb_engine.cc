// RocksDB, any version from 7.8 on, with a Bloom filter, LZ4 and dynamic levels.
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/iterator.h>
#include <rocksdb/table.h>
#include <rocksdb/version.h>

#include "base/macros.h"
#include "bench/engines/engine.h"

namespace nokv::bench {

namespace {

rocksdb::Slice ToSlice(std::string_view text) {
  return {text.data(), text.size()};
}
std::string_view ToView(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

Status ToStatus(const rocksdb::Status& status) {
  if (status.ok()) return Status::Ok();
  return Status::Unavailable("rocksdb: " + status.ToString());
}

class RocksDbSession : public Session {
 public:
  RocksDbSession(rocksdb::DB& db, bool sync) : db_(db) { write_.sync = sync; }

  Status Put(std::string_view key, std::string_view value) override {
    return ToStatus(db_.Put(write_, ToSlice(key), ToSlice(value)));
  }
  Status Delete(std::string_view key) override {
    return ToStatus(db_.Delete(write_, ToSlice(key)));
  }

  Result<bool> Get(std::string_view key, RowSink& sink) override {
    found_.Reset();
    const rocksdb::Status status = db_.Get(read_, db_.DefaultColumnFamily(), ToSlice(key), &found_);
    if (status.IsNotFound()) return false;
    RETURN_IF_ERROR(ToStatus(status));
    sink.Row(key, ToView(found_));
    return true;
  }

  Result<uint64_t> Scan(std::string_view from, uint64_t count, RowSink& sink) override {
    const std::unique_ptr<rocksdb::Iterator> iterator(db_.NewIterator(read_));
    uint64_t rows = 0;
    for (iterator->Seek(ToSlice(from)); rows < count && iterator->Valid(); iterator->Next()) {
      sink.Row(ToView(iterator->key()), ToView(iterator->value()));
      ++rows;
    }
    RETURN_IF_ERROR(ToStatus(iterator->status()));
    return rows;
  }

 private:
  rocksdb::DB& db_;
  rocksdb::WriteOptions write_;
  const rocksdb::ReadOptions read_;
  rocksdb::PinnableSlice found_;
};

class RocksDbEngine : public KvEngine {
 public:
  RocksDbEngine(std::unique_ptr<rocksdb::DB> db, bool sync) : db_(std::move(db)), sync_(sync) {}

  std::string Version() const override { return rocksdb::GetRocksVersionAsString(true); }
  std::string Describe() const override {
    return "bloom 10 bits, lz4, max_background_jobs 2, dynamic levels";
  }
  std::unique_ptr<Session> NewSession() override {
    return std::make_unique<RocksDbSession>(*db_, sync_);
  }
  Result<bool> Idle() override {
    for (const std::string& property :
         {rocksdb::DB::Properties::kMemTableFlushPending,
          rocksdb::DB::Properties::kNumRunningFlushes, rocksdb::DB::Properties::kCompactionPending,
          rocksdb::DB::Properties::kNumRunningCompactions}) {
      uint64_t value = 0;
      if (!db_->GetIntProperty(property, &value)) {
        return Status::Internal("rocksdb does not know its property " + property);
      }
      if (value != 0) return false;
    }
    return true;
  }
  Status Close() override { return ToStatus(db_->Close()); }

 private:
  const std::unique_ptr<rocksdb::DB> db_;
  const bool sync_;
};

}  // namespace

Result<std::unique_ptr<KvEngine>> OpenRocksDb(const EngineConfig& config) {
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
#if ROCKSDB_MAJOR >= 9
  // An estimate of 0 makes the cache find it out itself, which older versions cannot.
  table.block_cache = rocksdb::HyperClockCacheOptions(config.cache_bytes, 0).MakeSharedCache();
#else
  table.block_cache = rocksdb::NewLRUCache(config.cache_bytes);
#endif
  rocksdb::Options options;
  options.create_if_missing = true;
  options.write_buffer_size = config.memtable_bytes;
  options.compression = rocksdb::kLZ4Compression;
  options.max_background_jobs = 2;
  options.level_compaction_dynamic_level_bytes = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
#if ROCKSDB_MAJOR >= 11
  std::unique_ptr<rocksdb::DB> db;
  RETURN_IF_ERROR(ToStatus(rocksdb::DB::Open(options, config.directory, &db)));
#else
  rocksdb::DB* opened = nullptr;
  RETURN_IF_ERROR(ToStatus(rocksdb::DB::Open(options, config.directory, &opened)));
  std::unique_ptr<rocksdb::DB> db(opened);
#endif
  return std::unique_ptr<KvEngine>(std::make_unique<RocksDbEngine>(std::move(db), config.sync));
}

}  // namespace nokv::bench
