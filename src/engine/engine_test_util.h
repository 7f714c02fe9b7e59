// EngineHarness: a database on a memory disk and the deterministic runtime, for tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/log.h"
#include "engine/db.h"
#include "runtime/sim_runtime.h"
#include "vfs/fault_fs.h"
#include "vfs/memory_fs.h"

namespace nokv::engine {

inline Options SmallOptions() {
  Options options;
  options.memtable_bytes = 64 << 10;
  options.immutable_memtable_bytes = 256 << 10;
  options.log_segment_bytes = 64 << 10;
  options.table_bytes = 64 << 10;
  options.base_level_bytes = 256 << 10;
  // Tests say themselves when values lie apart.
  options.value_separation_threshold = SIZE_MAX;
  return options;
}

class EngineHarness {
 public:
  EngineHarness() : disk(vfs::NewMemoryFileSystem()) { Wire(); }
  // The close below must not tell an observer whose test is over.
  ~EngineHarness() { StopObserving(); }

  void StopObserving() {
    fs->SetObserver([](const vfs::Operation&) { return vfs::Fault{}; });
  }

  // Opens the database (closing the one that is open); fails the test if that fails.
  void Open(const Options& options = SmallOptions()) {
    db.reset();
    auto opened = TryOpen(options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    db = *std::move(opened);
  }
  Result<std::unique_ptr<DB>> TryOpen(const Options& options = SmallOptions()) {
    return OpenDB(options, "/db", {*fs, *runtime, base::NullLogger()});
  }
  // Drops the database without closing it, as the death of the process does, and with `power_lost`
  // everything that was not synced.
  void Crash(bool power_lost) {
    using Loss = vfs::MemoryFileSystem::Loss;
    auto remains = power_lost ? disk->CrashClone(Loss::kEverything, 0) : disk->KillClone();
    db.reset();
    disk = std::move(remains);
    Wire();
  }
  void Put(const std::string& key, const std::string& value, bool sync = false) {
    const Status status = db->Put({sync}, key, value);
    ASSERT_TRUE(status.ok()) << status;
  }
  std::string Get(const std::string& key) {
    const auto value = db->Get({}, key);
    if (!value.ok()) return value.status().ToString();
    return value->has_value() ? (*value)->data : "(none)";
  }
  // All keys in order, "a=1 b=2".
  std::string Scan(const IteratorOptions& options = {}, bool forward = true) {
    std::string text;
    const auto it = db->NewIterator(options);
    for (forward ? it->SeekToFirst() : it->SeekToLast(); it->Valid();
         forward ? it->Next() : it->Prev()) {
      text += (text.empty() ? "" : " ") + std::string(it->key()) + "=" + std::string(it->value());
    }
    if (!it->status().ok()) text += " " + it->status().ToString();
    return text;
  }
  // The names in the directory that end with `suffix`.
  std::vector<std::string> Files(const std::string& suffix) {
    std::vector<std::string> files;
    for (const std::string& name : *disk->List("/db")) {
      if (name.ends_with(suffix)) files.push_back(name);
    }
    return files;
  }

  std::unique_ptr<vfs::MemoryFileSystem> disk;
  std::unique_ptr<vfs::FaultFileSystem> fs;
  std::unique_ptr<runtime::SimRuntime> runtime;
  std::unique_ptr<DB> db;

 private:
  void Wire() {
    fs = vfs::NewFaultFileSystem(*disk);
    runtime = runtime::NewSimRuntime(1);
  }
};

}  // namespace nokv::engine
