// Flushes, compactions, back-pressure and background errors, on the memory disk.
#include <gmock/gmock.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/engine_test_util.h"

namespace nokv::engine {
namespace {

using testing::HasSubstr;

class BackgroundTest : public testing::Test {
 protected:
  void SetUp() override { h_.Open(); }

  // A table of 100 old values below one of 100 new ones; to merge them is work for three parts.
  void PrepareLargeCompaction() {
    Options options = SmallOptions();
    options.memtable_bytes = 1 << 20;
    options.table_bytes = 8 << 10;
    options.compression = {CompressionType::kNone};
    options.max_compactions = 3;
    h_.Open(options);
    for (int i = 0; i < 100; i++) h_.Put("k" + std::to_string(i), std::string(1000, 'a'));
    ASSERT_TRUE(h_.db->CompactRange("", "").ok());
    for (int i = 0; i < 100; i++) h_.Put("k" + std::to_string(i), std::string(1000, 'b'));
    ASSERT_TRUE(h_.db->Flush().ok());
  }

  // Every operation `op` whose path contains `part` fails from now on.
  void FailAlways(vfs::Op op, const std::string& part, int error_number) {
    h_.fs->SetObserver([=](const vfs::Operation& operation) {
      vfs::Fault fault;
      if (operation.op == op && operation.path.find(part) != std::string::npos) {
        fault.error_number = error_number;
      }
      return fault;
    });
  }
  void Heal() { h_.StopObserving(); }
  uint64_t TableEntries() {
    const Stats stats = h_.db->Stats();
    return static_cast<uint64_t>(stats.entries);
  }

  EngineHarness h_;
};

TEST_F(BackgroundTest, CompactionDropsShadowedDeletedAndExpiredEntries) {
  const uint64_t now = h_.runtime->clock().WallMillis();
  for (int round = 0; round < 4; round++) {
    for (int i = 0; i < 50; i++) h_.Put("k" + std::to_string(i), std::to_string(round));
    ASSERT_TRUE(h_.db->Put({}, "expires", "v", {now + 10, 0}).ok());
    ASSERT_TRUE(h_.db->Delete({}, "k0").ok());
    ASSERT_TRUE(h_.db->Flush().ok());
  }
  h_.runtime->Advance(20000);
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  EXPECT_EQ(TableEntries(), 49U);
  EXPECT_EQ(h_.Get("k1"), "3");
  EXPECT_EQ(h_.Get("k0"), "(none)");
  ASSERT_TRUE(h_.db->DeleteRange({}, "", "\xff\xff").ok());
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  EXPECT_EQ(TableEntries(), 0U);
  EXPECT_TRUE(h_.Files(".sst").empty());
}

TEST_F(BackgroundTest, CacheLeavesRoomForTheNextMemtableDuringAFlush) {
  const auto charge = [this] { return h_.db->Stats().cache.charge_bytes; };
  h_.Put("k", "v");
  const uint64_t room = charge() + SmallOptions().memtable_bytes;
  uint64_t most = 0;
  h_.fs->SetObserver([&](const vfs::Operation& operation) {
    if (operation.path.ends_with(".sst")) most = std::max<uint64_t>(most, charge());
    return vfs::Fault();
  });
  ASSERT_TRUE(h_.db->Flush().ok());
  h_.StopObserving();
  EXPECT_GE(most, room);
  EXPECT_LT(charge(), room);
}

TEST_F(BackgroundTest, SnapshotKeepsWhatItSeesThroughCompaction) {
  h_.Put("k", "old");
  auto snapshot = h_.db->GetSnapshot();
  h_.Put("k", "new");
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  const auto value = h_.db->Get({snapshot.get()}, "k");
  ASSERT_TRUE(value.ok() && value->has_value());
  EXPECT_EQ((*value)->data, "old");
  EXPECT_EQ(TableEntries(), 2U);
  snapshot.reset();
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  EXPECT_EQ(TableEntries(), 1U);
}

TEST_F(BackgroundTest, OverwritingForLongKeepsSpaceNearTheLiveData) {
  const std::string value(1000, 'v');
  for (int round = 0; round < 20; round++) {
    for (int i = 0; i < 100; i++) h_.Put("k" + std::to_string(i), value + std::to_string(round));
  }
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  EXPECT_EQ(TableEntries(), 100U);
  uint64_t bytes = 0;
  for (const std::string& name : h_.Files(".sst")) bytes += *h_.disk->FileSize("/db/" + name);
  EXPECT_LT(bytes, 130U * 1000);
  EXPECT_LE(h_.Files(".wal").size(), 2U) << "flushed log segments are removed";
}

TEST_F(BackgroundTest, WritersWaitWhenMemtablesPileUpAndGoOnAfterAFlush) {
  const std::string value(8 << 10, 'v');
  int acknowledged = 0;
  // Nothing runs in the background until the test lets it.
  for (int i = 0; i < 100; i++) {
    WriteBatch batch;
    batch.Put("k" + std::to_string(i), value);
    h_.db->WriteAsync({}, std::move(batch), [&](const Status& status) {
      ASSERT_TRUE(status.ok()) << status;
      acknowledged++;
    });
  }
  EXPECT_LT(acknowledged, 100);
  EXPECT_EQ(h_.db->Stats().write.throttle_reason, "immutable memtables");
  EXPECT_EQ(h_.db->Stats().write.queue_depth, 100 - acknowledged);
  h_.runtime->RunReady();
  EXPECT_EQ(acknowledged, 100);
  EXPECT_EQ(h_.db->Stats().write.throttle_mode, "none");
  for (int i = 0; i < 100; i++) EXPECT_EQ(h_.Get("k" + std::to_string(i)), value);
}

TEST_F(BackgroundTest, CloseAnswersWritersThatWait) {
  const std::string value(8 << 10, 'v');
  int answered = 0, refused = 0;
  for (int i = 0; i < 100; i++) {
    WriteBatch batch;
    batch.Put("k" + std::to_string(i), value);
    h_.db->WriteAsync({}, std::move(batch), [&](const Status& status) {
      answered++;
      if (!status.ok()) refused++;
    });
  }
  ASSERT_TRUE(h_.db->Close().ok());
  EXPECT_EQ(answered, 100);
  EXPECT_GT(refused, 0);
}

TEST_F(BackgroundTest, FailedFlushMakesTheEngineReadOnlyAndLosesNothing) {
  for (int i = 0; i < 20; i++) h_.Put("k" + std::to_string(i), "v");
  FailAlways(vfs::Op::kAppend, ".sst", EIO);
  const Status flushed = h_.db->Flush();
  EXPECT_EQ(flushed.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(flushed.message(), HasSubstr("read-only after an error: flush"));
  EXPECT_FALSE(h_.db->Put({}, "k", "v").ok());
  EXPECT_EQ(h_.Get("k7"), "v") << "reads go on";
  EXPECT_THAT(h_.db->Stats().background_error, HasSubstr("read-only"));
  Heal();
  EXPECT_FALSE(h_.db->Put({}, "k", "v").ok()) << "only a reopen is the way back";
  h_.Open();
  for (int i = 0; i < 20; i++) EXPECT_EQ(h_.Get("k" + std::to_string(i)), "v");
  h_.Put("k", "v");
}

TEST_F(BackgroundTest, FailedSyncAcknowledgesNothingShowsNothingAndIsNotRetried) {
  h_.Put("before", "1", /*sync=*/true);
  FailAlways(vfs::Op::kMappedSync, ".wal", EIO);
  EXPECT_FALSE(h_.db->Put({.sync = true}, "lost", "1").ok());
  EXPECT_EQ(h_.Get("lost"), "(none)") << "a write that failed must not be seen";
  Heal();
  EXPECT_FALSE(h_.db->Put({.sync = true}, "later", "1").ok());
  EXPECT_EQ(h_.Get("before"), "1");
  h_.Crash(/*power_lost=*/true);
  h_.Open();
  EXPECT_EQ(h_.Get("before"), "1");
  EXPECT_EQ(h_.Get("later"), "(none)");
}

TEST_F(BackgroundTest, FlushNeverDropsWhatIsAcknowledgedWhileANewerWriteStillWaitsForItsSync) {
  h_.Put("k", "old", /*sync=*/true);
  bool first = true;
  h_.fs->SetObserver([&](const vfs::Operation& operation) {
    if (operation.op == vfs::Op::kMappedSync && std::exchange(first, false)) {
      // While the sync of "acknowledged" runs, a newer value is written that waits for the next
      // sync, and the memtable that holds both is full.
      WriteBatch newer, another;
      newer.Put("k", std::string(SmallOptions().memtable_bytes, 'n'));
      another.Put("another", "1");
      h_.db->WriteAsync({.sync = true}, std::move(newer), [](const Status&) {});
      h_.db->WriteAsync({}, std::move(another), [](const Status&) {});
      h_.runtime->RunReady();
    }
    return vfs::Fault{};
  });
  h_.Put("k", "acknowledged", /*sync=*/true);
  EXPECT_EQ(h_.Get("k"), "acknowledged");
  h_.runtime->RunReady();
  EXPECT_EQ(h_.Get("k")[0], 'n');
  EXPECT_EQ(h_.db->Stats().flush.completed, 1);
}

TEST_F(BackgroundTest, SyncedWriteThatIsAppliedBeforeAnOlderUnsyncedOneIsSyncedAllTheSame) {
  bool first = true, acknowledged = false;
  h_.fs->SetObserver([&](const vfs::Operation& operation) {
    // "newer" overtakes "older" between its place in the log and its end.
    if (operation.op == vfs::Op::kWritten && std::exchange(first, false)) {
      WriteBatch newer;
      newer.Put("newer", "1");
      h_.db->WriteAsync({.sync = true}, std::move(newer), [&](const Status& status) {
        EXPECT_TRUE(status.ok()) << status;
        acknowledged = true;
      });
      EXPECT_FALSE(acknowledged);
    }
    return vfs::Fault{};
  });
  h_.Put("older", "1");
  h_.runtime->RunReady();
  EXPECT_TRUE(acknowledged);
  EXPECT_EQ(h_.Scan(), "newer=1 older=1");
}

TEST_F(BackgroundTest, FullDiskIsReportedAndAReopenAfterFreeingSpaceGoesOn) {
  h_.Put("before", "1");
  FailAlways(vfs::Op::kCreateAppend, ".sst", ENOSPC);
  const Status status = h_.db->Flush();
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(status.ToString(), HasSubstr("free disk space, then reopen"));
  Heal();
  h_.Open();
  EXPECT_EQ(h_.Get("before"), "1");
  h_.Put("after", "1", /*sync=*/true);
}

TEST_F(BackgroundTest, FailedCompactionKeepsItsInputs) {
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 50; i++) h_.Put("k" + std::to_string(i), std::string(500, 'v'));
    ASSERT_TRUE(h_.db->Flush().ok());
  }
  FailAlways(vfs::Op::kSync, ".sst", EIO);
  EXPECT_FALSE(h_.db->CompactRange("", "").ok());
  Heal();
  h_.Open();
  for (int i = 0; i < 50; i++) EXPECT_EQ(h_.Get("k" + std::to_string(i)).size(), 500U);
}

TEST_F(BackgroundTest, ALargeCompactionRunsInPartsAndIsInstalledAsOne) {
  PrepareLargeCompaction();
  h_.runtime->RunReady();
  int parts = 0, edits = 0;
  h_.fs->SetObserver([&](const vfs::Operation& operation) {
    if (operation.op == vfs::Op::kSyncDir) parts++;  // each makes its tables durable
    const bool manifest = operation.path.find("MANIFEST") != std::string::npos;
    if (manifest && operation.op == vfs::Op::kSync) edits++;
    return vfs::Fault{};
  });
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  EXPECT_EQ(parts, 3);
  EXPECT_EQ(edits, 1);
  EXPECT_EQ(TableEntries(), 100U);
  for (int i = 0; i < 100; i++) EXPECT_EQ(h_.Get("k" + std::to_string(i))[0], 'b');
}

TEST_F(BackgroundTest, WhenOnePartOfACompactionFailsNothingOfItStays) {
  PrepareLargeCompaction();
  const auto before = h_.Files(".sst");
  int syncs = 0;
  h_.fs->SetObserver([&](const vfs::Operation& operation) {
    vfs::Fault fault;
    if (operation.path.ends_with(".sst") && operation.op == vfs::Op::kSync && ++syncs == 4) {
      fault.error_number = EIO;
    }
    return fault;
  });
  EXPECT_FALSE(h_.db->CompactRange("", "").ok());
  h_.runtime->RunReady();
  EXPECT_EQ(h_.Files(".sst"), before);
  Heal();
  h_.Open();
  for (int i = 0; i < 100; i++) EXPECT_EQ(h_.Get("k" + std::to_string(i))[0], 'b');
}

TEST_F(BackgroundTest, FailedManifestAppendChangesNothingThatAReopenSees) {
  for (int i = 0; i < 50; i++) h_.Put("k" + std::to_string(i), "v");
  FailAlways(vfs::Op::kSync, "MANIFEST", EIO);
  EXPECT_FALSE(h_.db->Flush().ok());
  Heal();
  h_.Crash(/*power_lost=*/false);
  h_.Open();
  for (int i = 0; i < 50; i++) EXPECT_EQ(h_.Get("k" + std::to_string(i)), "v");
}

TEST_F(BackgroundTest, TheLogIsWrittenAheadOfSyncedWritesOnly) {
  std::set<std::string> ahead;
  h_.fs->SetObserver([&](const vfs::Operation& operation) {
    if (operation.op == vfs::Op::kWriteAhead) ahead.insert(operation.path);
    return vfs::Fault{};
  });
  for (int i = 0; i < 50; i++) h_.Put("k" + std::to_string(i), std::string(4000, 'v'));
  h_.runtime->RunReady();
  EXPECT_TRUE(ahead.empty()) << "unsynced writes would only be written twice";
  for (int i = 0; i < 50; i++) {
    h_.Put("k" + std::to_string(i), std::string(4000, 'v'), /*sync=*/true);
    h_.runtime->RunReady();
  }
  EXPECT_GT(ahead.size(), 2U) << "each segment";
  h_.Open();
  EXPECT_EQ(h_.Get("k49").size(), 4000U);
}

TEST_F(BackgroundTest, WritersDoNotMakeTheSegmentsOfTheLog) {
  std::set<std::string> made;  // by whoever writes
  bool writes = false;
  h_.fs->SetObserver([&](const vfs::Operation& operation) {
    if (writes && operation.op == vfs::Op::kCreateMapped) made.insert(operation.path);
    return vfs::Fault{};
  });
  const auto before = h_.db->Stats().wal.active_segment;
  for (int i = 0; i < 50; i++) {
    writes = true;
    h_.Put("k" + std::to_string(i), std::string(4000, 'v'));
    writes = false;
    h_.runtime->RunReady();
  }
  EXPECT_GT(h_.db->Stats().wal.active_segment, before + 1);
  EXPECT_TRUE(made.empty()) << *made.begin();
}

TEST_F(BackgroundTest, FilesNobodyUsesAreRemovedAndThoseInUseStay) {
  for (int round = 0; round < 3; round++) {
    h_.Put("k", std::to_string(round));
    ASSERT_TRUE(h_.db->Flush().ok());
  }
  auto it = h_.db->NewIterator();
  it->SeekToFirst();
  const size_t before = h_.Files(".sst").size();
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  EXPECT_GT(h_.Files(".sst").size(), 1U);
  it.reset();
  h_.Put("k", "last");
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  EXPECT_EQ(h_.Files(".sst").size(), 1U) << "was " << before;
}

}  // namespace
}  // namespace nokv::engine
