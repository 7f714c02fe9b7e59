#include <functional>

#include "bench/engines/engine.h"

namespace nokv::bench {

namespace {

struct Entry {
  std::string name;
  std::string package;  // that brings the engine
  std::function<Result<std::unique_ptr<KvEngine>>(const EngineConfig&)> open;  // empty: not built
};

std::vector<Entry> Entries() {
  std::vector<Entry> entries = {{"nokv", "", OpenNokv},
                                {"rocksdb", "librocksdb-dev", {}},
                                {"leveldb", "libleveldb-dev", {}},
                                {"lmdb", "liblmdb-dev", {}},
                                {"log", "", OpenBareLog}};
#ifdef NOKV_BENCH_ROCKSDB
  entries[1].open = OpenRocksDb;
#endif
#ifdef NOKV_BENCH_LEVELDB
  entries[2].open = OpenLevelDb;
#endif
#ifdef NOKV_BENCH_LMDB
  entries[3].open = OpenLmdb;
#endif
  return entries;
}

}  // namespace

std::vector<std::string> EngineNames() {
  std::vector<std::string> names;
  for (const Entry& entry : Entries()) names.push_back(entry.name);
  return names;
}

std::vector<std::string> BuiltEngines() {
  std::vector<std::string> names;
  for (const Entry& entry : Entries()) {
    if (entry.open) names.push_back(entry.name);
  }
  return names;
}

Result<std::unique_ptr<KvEngine>> OpenEngine(const std::string& name, const EngineConfig& config) {
  for (const Entry& entry : Entries()) {
    if (entry.name != name) continue;
    if (entry.open) return entry.open(config);
    return Status::Unimplemented("this nokv-bench was built without " + name)
        .WithHint("apt-get install " + entry.package + ", then build again");
  }
  return Status::InvalidArgument("no engine is called '" + name + "'");
}

}  // namespace nokv::bench
