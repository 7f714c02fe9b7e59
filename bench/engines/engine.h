// KvEngine: what the benchmarks need of a store, and nothing else. One adaptor for each engine,
// each calling the public interface of its engine in the way that its documents recommend.
//
// Thread safety: a KvEngine is thread-safe; a Session belongs to one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nokv/status.h"

namespace nokv::bench {

// What every engine is given. Everything else is the engine's default, or said by Describe().
struct EngineConfig {
  std::string directory;  // exists and is empty
  uint64_t memtable_bytes = uint64_t{64} << 20;
  uint64_t cache_bytes = uint64_t{256} << 20;
  // Writes are acknowledged once they are on stable storage.
  bool sync = false;
  // Sessions that are open at once, at most.
  uint64_t sessions = 1;
  // What all keys and values together may come to: sizes the map of engines that need one.
  uint64_t data_bytes = uint64_t{1} << 30;
};

// Takes what a read found. The views are good during the call.
class RowSink {
 public:
  virtual ~RowSink() = default;
  virtual void Row(std::string_view key, std::string_view value) = 0;
};

class Session {
 public:
  virtual ~Session() = default;
  virtual Status Put(std::string_view key, std::string_view value) = 0;
  virtual Status Delete(std::string_view key) = 0;
  // False if there is no such key.
  virtual Result<bool> Get(std::string_view key, RowSink& sink) = 0;
  // Up to `count` entries from `from` on, in order; how many there were.
  virtual Result<uint64_t> Scan(std::string_view from, uint64_t count, RowSink& sink) = 0;
};

class KvEngine {
 public:
  virtual ~KvEngine() = default;
  // "11.8.1"
  virtual std::string Version() const = 0;
  // The options that differ from the engine's defaults, beside the budgets.
  virtual std::string Describe() const = 0;
  virtual std::unique_ptr<Session> NewSession() = 0;
  // True if no flush or compaction runs or is due, as far as the engine tells.
  virtual Result<bool> Idle() = 0;
  // Every session is gone by then.
  virtual Status Close() = 0;
};

// All that there are adaptors for, nokv first.
std::vector<std::string> EngineNames();
// Those that this program was built with.
std::vector<std::string> BuiltEngines();
// kUnimplemented with the package to install if this program was built without the engine.
Result<std::unique_ptr<KvEngine>> OpenEngine(const std::string& name, const EngineConfig& config);

// The adaptors; each is defined if the engine was found when this program was built.
Result<std::unique_ptr<KvEngine>> OpenNokv(const EngineConfig& config);
Result<std::unique_ptr<KvEngine>> OpenRocksDb(const EngineConfig& config);
Result<std::unique_ptr<KvEngine>> OpenLevelDb(const EngineConfig& config);
Result<std::unique_ptr<KvEngine>> OpenLmdb(const EngineConfig& config);
// Not a store: what the disk allows.
Result<std::unique_ptr<KvEngine>> OpenBareLog(const EngineConfig& config);

}  // namespace nokv::bench
