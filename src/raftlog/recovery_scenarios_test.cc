// The documented recovery scenarios that a raft log alone can show. With RECOVERY_TRACE_METRICS set
// they print what they saw, one `RECOVERY_METRIC NAME=JSON` per line.
#include "raftlog/raft_log_test_util.h"
#include "testing/recovery_metric.h"

namespace nokv::raftlog {
namespace {

struct Backlog {
  uint64_t segments = 0;   // with raft records
  uint64_t removable = 0;  // of which no group needs anything
};

// What the raft log would keep and could remove: it is asked by removing it from a copy.
Backlog BacklogOf(vfs::MemoryFileSystem& fs) {
  const auto copy = fs.KillClone();
  const auto log = OpenLog(*copy);
  Backlog backlog;
  backlog.segments = log->recovery().segments.size();
  EXPECT_TRUE(log->Collect().ok());
  backlog.removable = log->GetStats().log.segments_removed;
  return backlog;
}

void Print(const std::string& name, const Backlog& backlog) {
  nokv::testing::PrintRecoveryMetric(
      name, "{\"wal_segments_with_raft\":" + std::to_string(backlog.segments) +
                ",\"wal_removable_segments\":" + std::to_string(backlog.removable) + "}");
}

TEST(Recovery, SlowFollowerSnapshotBacklog) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  // A follower is so far behind that the leader keeps segments for it, and then gets a snapshot.
  raft::LogIndex last = 0;
  while (log->GetStats().log.active_segment < 4) {
    ++last;
    WriteEntries(*log, 1, EntriesOf(last, last, 1, 300));
    SyncAll(*log);
  }
  const Backlog before = BacklogOf(*fs);
  Print("raft_wal_backlog_pre", before);
  EXPECT_GE(before.segments, 3U);
  EXPECT_EQ(before.removable, 0U);

  Write(*log, {.group = 1, .snapshot = SnapshotAt(last), .compact_to = last});
  SyncAll(*log);
  const Backlog after = BacklogOf(*fs);
  Print("raft_wal_backlog_post", after);
  EXPECT_GE(after.removable, 3U);
  ASSERT_TRUE(log->Collect().ok());
  log.reset();
  log = OpenLog(*fs);
  EXPECT_EQ((*log->StorageOf(1).LatestSnapshot())->index, last);
  EXPECT_EQ(log->StorageOf(1).FirstIndex(), last + 1);
}

TEST(Recovery, SnapshotExportRoundTrip) {
  auto exporter_disk = NewDisk();
  auto exporter = OpenLog(*exporter_disk);
  WriteEntries(*exporter, 1, EntriesOf(1, 9, 2));
  Write(*exporter, {.group = 1, .snapshot = SnapshotAt(7, 2, "payload"), .compact_to = 7});
  SyncAll(*exporter);
  exporter.reset();
  exporter = OpenLog(*exporter_disk);
  const auto exported = exporter->StorageOf(1).LatestSnapshot();
  ASSERT_TRUE(exported.ok()) << exported.status();
  nokv::testing::PrintRecoveryMetric(
      "raft_snapshot_export",
      "{\"group_id\":1,\"snapshot_index\":" + std::to_string((*exported)->index) +
          ",\"snapshot_term\":" + std::to_string((*exported)->term) +
          ",\"snapshot_length\":" + std::to_string((*exported)->data.size()) + "}");

  auto importer_disk = NewDisk();
  auto importer = OpenLog(*importer_disk);
  Write(*importer, {.group = 1, .install = *exported, .hard_state = {.term = 2, .commit = 7}});
  SyncAll(*importer);
  const auto lost = importer_disk->CrashClone(vfs::MemoryFileSystem::Loss::kEverything, 0);
  importer = OpenLog(*lost);
  const auto imported = importer->StorageOf(1).LatestSnapshot();
  ASSERT_TRUE(imported.ok()) << imported.status();
  nokv::testing::PrintRecoveryMetric(
      "raft_snapshot_import",
      "{\"group_id\":1,\"snapshot_index\":" + std::to_string((*imported)->index) +
          ",\"snapshot_term\":" + std::to_string((*imported)->term) + "}");
  EXPECT_EQ((*imported)->id(), (raft::EntryId{2, 7}));
  EXPECT_EQ((*imported)->data.view(), "payload");
  EXPECT_EQ((*imported)->conf_state, (*exported)->conf_state);
  EXPECT_EQ(*importer->StorageOf(1).TermAt(7), 2U);
}

}  // namespace
}  // namespace nokv::raftlog
