// The asynchronous core: visibility, tickets, keyspaces, what an open reads.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <utility>

#include "base/random.h"
#include "engine/engine_test_util.h"

namespace nokv::engine {
namespace {

class EngineTest : public testing::Test {
 protected:
  EngineTest()
      : disk_(vfs::NewMemoryFileSystem()),
        fs_(vfs::NewFaultFileSystem(*disk_)),
        runtime_(runtime::NewSimRuntime(1)) {}
  void SetUp() override { Open(); }
  void TearDown() override {
    // The close must not tell an observer whose test is over.
    fs_->SetObserver([](const vfs::Operation&) { return vfs::Fault{}; });
    Close();
  }

  void Open() {
    auto engine = Engine::Open(SmallOptions(), "/db", {*fs_, *runtime_, base::NullLogger()});
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
  }
  void Close() {
    if (engine_ == nullptr) return;
    bool closed = false;
    engine_->CloseAsync([&](const Status& status) { closed = status.ok(); });
    runtime_->RunReady();
    EXPECT_TRUE(closed);
    engine_.reset();
  }
  static std::string Key(std::string_view key, keys::Keyspace keyspace = keys::Keyspace::kData) {
    return keys::EncodeEngineKey(keyspace, key);
  }
  WriteTicket Put(std::string_view key, std::string_view value, bool sync, int* acknowledged) {
    Batch batch;
    batch.Put(Key(key), value);
    return engine_->WriteAsync(batch, sync, [acknowledged](const Status& status) {
      ASSERT_TRUE(status.ok()) << status;
      ++*acknowledged;
    });
  }
  std::string Get(std::string_view key, bool include_unsynced) {
    FoundValue found;
    const auto exists = engine_->Get({nullptr, include_unsynced}, Key(key), &found);
    if (!exists.ok()) return exists.status().ToString();
    return *exists ? std::string(found.value) : "(none)";
  }

  std::unique_ptr<vfs::MemoryFileSystem> disk_;
  std::unique_ptr<vfs::FaultFileSystem> fs_;
  std::unique_ptr<runtime::SimRuntime> runtime_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(EngineTest, SyncedWriteIsAppliedAtOnceAndVisibleWhenDurable) {
  int acknowledged = 0;
  EXPECT_TRUE(Put("k", "v", /*sync=*/true, &acknowledged).applied);
  EXPECT_EQ(acknowledged, 0);
  EXPECT_FALSE(engine_->Durable());
  EXPECT_EQ(Get("k", /*include_unsynced=*/false), "(none)");
  EXPECT_EQ(Get("k", /*include_unsynced=*/true), "v");
  runtime_->RunReady();
  EXPECT_EQ(acknowledged, 1);
  EXPECT_TRUE(engine_->Durable());
  EXPECT_EQ(Get("k", /*include_unsynced=*/false), "v");
}

TEST_F(EngineTest, CloseBetweenAWriteAndItsSyncSyncsForItAndIsNoError) {
  bool first = true;
  int acknowledged = 0;
  fs_->SetObserver([&](const vfs::Operation& operation) {
    if (operation.op == vfs::Op::kWritten && std::exchange(first, false)) {
      Put("newer", "1", /*sync=*/true, &acknowledged);
    }
    return vfs::Fault{};
  });
  // The acknowledgement of "older" comes when "newer" is applied and its sync has not begun.
  Batch older;
  older.Put(Key("older"), "1");
  Status closed = Status::Internal("not closed");
  engine_->WriteAsync(older, false, [&](const Status&) {
    engine_->CloseAsync([&](Status status) { closed = std::move(status); });
  });
  runtime_->RunReady();
  EXPECT_TRUE(closed.ok()) << closed;
  EXPECT_EQ(acknowledged, 1);
  engine_.reset();
  disk_ = disk_->CrashClone(vfs::MemoryFileSystem::Loss::kEverything, 0);
  fs_ = vfs::NewFaultFileSystem(*disk_);
  Open();
  EXPECT_EQ(Get("newer", false), "1");
  EXPECT_EQ(Get("older", false), "1");
}

TEST_F(EngineTest, ACloseWaitsForTheSyncThatRuns) {
  bool first = true, acknowledged = false, closed = false;
  fs_->SetObserver([&](const vfs::Operation& operation) {
    // In the middle of the sync, which the writer itself runs.
    if (operation.op == vfs::Op::kMappedSync && std::exchange(first, false)) {
      engine_->CloseAsync([&](const Status& status) { closed = status.ok(); });
      runtime_->RunReady();
      EXPECT_FALSE(closed);
    }
    return vfs::Fault{};
  });
  Batch batch;
  batch.Put(Key("k"), "v");
  engine_->WriteLeading(batch, true, [&](const Status& status) { acknowledged = status.ok(); });
  EXPECT_TRUE(acknowledged);
  runtime_->RunReady();
  EXPECT_TRUE(closed);
  engine_.reset();
}

TEST_F(EngineTest, OneSyncServesAllWhoWait) {
  int acknowledged = 0;
  for (int i = 0; i < 20; i++) Put("k" + std::to_string(i), "v", /*sync=*/true, &acknowledged);
  runtime_->RunReady();
  EXPECT_EQ(acknowledged, 20);
  EXPECT_EQ(engine_->GetStats().write.sync_count, 1);
  EXPECT_EQ(engine_->GetStats().write.avg_sync_batch, 20);
}

TEST_F(EngineTest, AWriteIsToldWhichSyncMayBringIt) {
  int acknowledged = 0, syncs = 0;
  const auto put = [&] { return Put("k", "v", /*sync=*/true, &acknowledged).first_sync; };
  fs_->SetObserver([&](const vfs::Operation& operation) {
    if (operation.op != vfs::Op::kMappedSync) return vfs::Fault{};
    if (++syncs == 1) {
      EXPECT_EQ(put(), 2U) << "this one does not cover it";
    } else {
      EXPECT_TRUE(engine_->syncs().Await(1));
      EXPECT_EQ(acknowledged, 2) << "who waits for the first is told before the next begins";
    }
    return vfs::Fault{};
  });
  EXPECT_EQ(put(), 1U);
  EXPECT_EQ(put(), 1U);
  EXPECT_TRUE(engine_->syncs().Await(2));
  EXPECT_EQ(acknowledged, 3);
  EXPECT_EQ(syncs, 2);
}

TEST_F(EngineTest, DeferredWriteWaitsForTheSyncThatItsCallerAsksFor) {
  int acknowledged = 0;
  for (const char* key : {"a", "b"}) {
    Batch batch;
    batch.Put(Key(key), "1");
    EXPECT_TRUE(engine_->WriteDeferred(batch, [&](const Status&) { ++acknowledged; }).applied);
  }
  runtime_->RunReady();
  EXPECT_EQ(acknowledged, 0);
  EXPECT_EQ(Get("a", false), "(none)");
  engine_->SyncAsync({});
  runtime_->RunReady();
  EXPECT_EQ(acknowledged, 2);
  EXPECT_EQ(engine_->GetStats().write.sync_count, 1);
  EXPECT_EQ(Get("a", false), "1");
}

TEST_F(EngineTest, UnsyncedWriteIsAcknowledgedBeforeTheCallReturns) {
  int acknowledged = 0;
  EXPECT_TRUE(Put("k", "v", /*sync=*/false, &acknowledged).applied);
  EXPECT_EQ(acknowledged, 1);
  EXPECT_TRUE(engine_->Durable());
}

TEST_F(EngineTest, NewestWriteWinsHoweverOldOnesAreSpreadOverTables) {
  int acknowledged = 0;
  for (int i = 0; i < 6; i++) {
    if (i % 3 == 2) {
      Batch batch;
      batch.Delete(Key("k"));
      engine_->WriteAsync(batch, false, {});
    } else {
      Put("k", std::to_string(i), /*sync=*/false, &acknowledged);
    }
    bool flushed = false;
    engine_->FlushAsync([&](const Status& status) { flushed = status.ok(); });
    runtime_->RunReady();
    ASSERT_TRUE(flushed);
    EXPECT_EQ(Get("k", false), i % 3 == 2 ? "(none)" : std::to_string(i));
  }
}

TEST_F(EngineTest, CursorBoundsSpanKeyspaces) {
  Batch batch;
  batch.Put(Key("a"), "1");
  batch.Put(Key("l", keys::Keyspace::kLock), "2");
  batch.Put(Key("t", keys::Keyspace::kTxn), "3");
  batch.Put(Key("x", keys::Keyspace::kLocal), "4");
  engine_->WriteAsync(batch, false, {});
  CursorOptions options;
  options.lower = keys::EncodePrefix(keys::Keyspace::kData, "b");
  options.upper = keys::EncodePrefix(keys::Keyspace::kLocal, "");
  const auto cursor = engine_->NewCursor(options);
  std::string seen;
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) seen += cursor->value();
  EXPECT_EQ(seen, "23");
  for (cursor->SeekToLast(); cursor->Valid(); cursor->Prev()) seen += cursor->value();
  EXPECT_EQ(seen, "2332");
}

TEST_F(EngineTest, VersionsOfAKeyAreKeptApart) {
  Batch batch;
  for (const uint64_t version : {5, 9}) {
    batch.Put(keys::EncodeEngineKey(keys::Keyspace::kData, "k", version), std::to_string(version));
  }
  engine_->WriteAsync(batch, false, {});
  const auto cursor = engine_->NewCursor({});
  std::string seen;
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) seen += cursor->value();
  EXPECT_EQ(seen, "95") << "the newest version first";
}

TEST_F(EngineTest, OpenReadsMetadataAndTheUnflushedLogOnly) {
  int acknowledged = 0;
  base::Random random(1);
  for (int i = 0; i < 2000; i++) {
    std::string value;  // that does not compress
    while (value.size() < 1000) base::PutFixed64(&value, random.Next());
    Put("k" + std::to_string(i), value, false, &acknowledged);
    runtime_->RunReady();
  }
  engine_->FlushAsync({});
  runtime_->RunReady();
  Close();
  uint64_t table_bytes = 0, read_bytes = 0;
  for (const std::string& name : *disk_->List("/db")) {
    if (name.ends_with(".sst")) table_bytes += *disk_->FileSize("/db/" + name);
  }
  fs_->SetObserver([&](const vfs::Operation& operation) {
    if (operation.op == vfs::Op::kRead && operation.path.ends_with(".sst")) {
      read_bytes += operation.length;
    }
    return vfs::Fault{};
  });
  Open();
  EXPECT_GT(table_bytes, 1000000U);
  EXPECT_LT(read_bytes, table_bytes / 10);
}

// To remove a large file may take as long as to write it.
TEST_F(EngineTest, AFlushDoesNotWaitUntilTheSegmentsThatItReleasesAreRemoved) {
  int acknowledged = 0;
  for (int i = 0; i < 10; i++) Put("k", std::string(10'000, 'v'), false, &acknowledged);
  runtime_->RunReady();
  bool flushed = false;
  int removed = 0;
  fs_->SetObserver([&](const vfs::Operation& operation) {
    if (operation.op == vfs::Op::kRemove && operation.path.ends_with(".wal")) {
      EXPECT_TRUE(flushed) << operation.path;
      removed++;
    }
    return vfs::Fault{};
  });
  engine_->FlushAsync([&](const Status& status) { flushed = status.ok(); });
  runtime_->RunReady();
  EXPECT_TRUE(flushed);
  EXPECT_GT(removed, 0);
}

TEST_F(EngineTest, TwoEnginesShareNoStatistics) {
  int acknowledged = 0;
  Put("k", "v", false, &acknowledged);
  auto other = Engine::Open(SmallOptions(), "/other", {*fs_, *runtime_, base::NullLogger()});
  ASSERT_TRUE(other.ok());
  EXPECT_EQ((*other)->GetStats().write.batches_total, 0);
  EXPECT_EQ(engine_->GetStats().write.batches_total, 1);
  (*other)->CloseAsync([](const Status&) {});
  runtime_->RunReady();
}

}  // namespace
}  // namespace nokv::engine
