// LMDB: one transaction for each put; a session keeps one reader that it renews. It has no memtable
// and no cache of its own: the budgets do not apply, it uses the page cache.
#include <lmdb.h>

#include "base/macros.h"
#include "bench/engines/engine.h"

namespace nokv::bench {

namespace {

constexpr unsigned kSpareReaders = 16;
// Room for half-empty pages, freed pages and new versions, times what the data come to. The map is
// address space, not memory.
constexpr uint64_t kMapFactor = 8;
constexpr uint64_t kLeastMapBytes = uint64_t{1} << 30;

Status ToStatus(int code) {
  if (code == MDB_SUCCESS) return Status::Ok();
  return Status::Unavailable(std::string("lmdb: ") + mdb_strerror(code));
}

MDB_val ToVal(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}
std::string_view ToView(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

class LmdbSession : public Session {
 public:
  LmdbSession(MDB_env* env, MDB_dbi tree) : env_(env), tree_(tree) {}
  ~LmdbSession() override {
    if (cursor_ != nullptr) mdb_cursor_close(cursor_);
    if (reader_ != nullptr) mdb_txn_abort(reader_);
  }

  Status Put(std::string_view key, std::string_view value) override {
    MDB_val key_val = ToVal(key);
    MDB_val value_val = ToVal(value);
    MDB_txn* writer = nullptr;
    RETURN_IF_ERROR(ToStatus(mdb_txn_begin(env_, nullptr, 0, &writer)));
    return Finish(writer, mdb_put(writer, tree_, &key_val, &value_val, 0));
  }

  Status Delete(std::string_view key) override {
    MDB_val key_val = ToVal(key);
    MDB_txn* writer = nullptr;
    RETURN_IF_ERROR(ToStatus(mdb_txn_begin(env_, nullptr, 0, &writer)));
    const int code = mdb_del(writer, tree_, &key_val, nullptr);
    return Finish(writer, code == MDB_NOTFOUND ? MDB_SUCCESS : code);
  }

  Result<bool> Get(std::string_view key, RowSink& sink) override {
    RETURN_IF_ERROR(BeginRead());
    MDB_val key_val = ToVal(key);
    MDB_val found;
    const int code = mdb_get(reader_, tree_, &key_val, &found);
    if (code == MDB_SUCCESS) sink.Row(key, ToView(found));
    mdb_txn_reset(reader_);
    if (code == MDB_NOTFOUND) return false;
    RETURN_IF_ERROR(ToStatus(code));
    return true;
  }

  Result<uint64_t> Scan(std::string_view from, uint64_t count, RowSink& sink) override {
    RETURN_IF_ERROR(BeginRead());
    int code = cursor_ == nullptr ? mdb_cursor_open(reader_, tree_, &cursor_)
                                  : mdb_cursor_renew(reader_, cursor_);
    MDB_val key = ToVal(from);
    MDB_val value;
    uint64_t rows = 0;
    // An empty key cannot be looked for.
    MDB_cursor_op move = from.empty() ? MDB_FIRST : MDB_SET_RANGE;
    while (code == MDB_SUCCESS && rows < count) {
      code = mdb_cursor_get(cursor_, &key, &value, move);
      if (code != MDB_SUCCESS) break;
      sink.Row(ToView(key), ToView(value));
      ++rows;
      move = MDB_NEXT;
    }
    mdb_txn_reset(reader_);
    if (code != MDB_NOTFOUND) RETURN_IF_ERROR(ToStatus(code));
    return rows;
  }

 private:
  Status BeginRead() {
    if (reader_ != nullptr) return ToStatus(mdb_txn_renew(reader_));
    return ToStatus(mdb_txn_begin(env_, nullptr, MDB_RDONLY, &reader_));
  }

  static Status Finish(MDB_txn* writer, int code) {
    if (code == MDB_SUCCESS) return ToStatus(mdb_txn_commit(writer));
    mdb_txn_abort(writer);
    return ToStatus(code);
  }

  MDB_env* const env_;
  const MDB_dbi tree_;
  MDB_txn* reader_ = nullptr;
  MDB_cursor* cursor_ = nullptr;
};

class LmdbEngine : public KvEngine {
 public:
  ~LmdbEngine() override { mdb_env_close(env_); }

  Status Open(const EngineConfig& config) {
    RETURN_IF_ERROR(ToStatus(mdb_env_create(&env_)));
    const uint64_t map_bytes = kMapFactor * config.data_bytes + kLeastMapBytes;
    RETURN_IF_ERROR(ToStatus(mdb_env_set_mapsize(env_, map_bytes)));
    const auto readers = static_cast<unsigned>(config.sessions) + kSpareReaders;
    RETURN_IF_ERROR(ToStatus(mdb_env_set_maxreaders(env_, readers)));
    // Readers belong to sessions, not to threads.
    const unsigned flags = MDB_NORDAHEAD | MDB_NOTLS | (config.sync ? 0U : MDB_NOSYNC);
    RETURN_IF_ERROR(ToStatus(mdb_env_open(env_, config.directory.c_str(), flags, 0600)));
    MDB_txn* txn = nullptr;
    RETURN_IF_ERROR(ToStatus(mdb_txn_begin(env_, nullptr, 0, &txn)));
    const int code = mdb_dbi_open(txn, nullptr, 0, &tree_);
    if (code == MDB_SUCCESS) return ToStatus(mdb_txn_commit(txn));
    mdb_txn_abort(txn);
    return ToStatus(code);
  }

  std::string Version() const override {
    int major = 0, minor = 0, patch = 0;
    mdb_version(&major, &minor, &patch);
    return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
  }
  std::string Describe() const override {
    return "no read-ahead, NOSYNC unless synced; uses the page cache instead of the budgets";
  }
  std::unique_ptr<Session> NewSession() override {
    return std::make_unique<LmdbSession>(env_, tree_);
  }
  Result<bool> Idle() override { return true; }
  Status Close() override {
    mdb_env_close(env_);
    env_ = nullptr;
    return Status::Ok();
  }

 private:
  MDB_env* env_ = nullptr;
  MDB_dbi tree_ = 0;
};

}  // namespace

Result<std::unique_ptr<KvEngine>> OpenLmdb(const EngineConfig& config) {
  auto engine = std::make_unique<LmdbEngine>();
  RETURN_IF_ERROR(engine->Open(config));
  return std::unique_ptr<KvEngine>(std::move(engine));
}

}  // namespace nokv::bench
