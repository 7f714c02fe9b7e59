#include "raftlog/raft_log_test_util.h"

namespace nokv::raftlog {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(RaftLogTest, AnswersWithWhatWasAppendedBeforeItIsSynced) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  Write(*log, {.group = 7, .entries = EntriesOf(1, 3), .hard_state = {.term = 2, .vote = 1}});
  const GroupStorage& storage = log->StorageOf(7);
  EXPECT_EQ(storage.FirstIndex(), 1U);
  EXPECT_EQ(storage.LastIndex(), 3U);
  EXPECT_EQ(*storage.TermAt(0), 0U);
  EXPECT_EQ(*storage.TermAt(3), 1U);
  EXPECT_EQ(storage.TermAt(4).status().code(), StatusCode::kOutOfRange);
  EXPECT_EQ(ReadAll(*log, 7), EntriesOf(1, 3));
  EXPECT_EQ(HardStateOf(*log, 7), (raft::HardState{.term = 2, .vote = 1}));
}

TEST(RaftLogTest, AllGroupsOfOneAppendShareOneRecordAndOneSync) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs, {.segment_bytes = 1 << 20});
  std::vector<GroupWrite> writes;
  const std::vector<raft::Entry> entries = EntriesOf(1, 2);
  for (GroupId group = 1; group <= 64; ++group) {
    writes.push_back({.group = group, .entries = entries});
  }
  const auto end = log->Append(writes);
  ASSERT_TRUE(end.ok()) << end.status();
  const auto synced = log->Sync();
  ASSERT_TRUE(synced.ok()) << synced.status();
  EXPECT_GE(*synced, *end);
  const RaftLogStats stats = log->GetStats();
  EXPECT_EQ(stats.log.syncs, 1U);
  EXPECT_EQ(stats.log.reserved[1].records, 1U);  // raft entries
  EXPECT_EQ(stats.groups, 64U);

  const auto lost = fs->CrashClone(vfs::MemoryFileSystem::Loss::kEverything, 0);
  log = OpenLog(*lost);
  EXPECT_EQ(log->Groups().size(), 64U);
  EXPECT_EQ(ReadAll(*log, 64), entries);
}

TEST(RaftLogTest, NewEntriesReplaceThoseAtAndAfterThem) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  WriteEntries(*log, 1, EntriesOf(1, 5));
  WriteEntries(*log, 1, EntriesOf(3, 4, 2));
  std::vector<raft::Entry> expected = EntriesOf(1, 2);
  for (const raft::Entry& entry : EntriesOf(3, 4, 2)) expected.push_back(entry);
  EXPECT_EQ(ReadAll(*log, 1), expected);
  log.reset();
  log = OpenLog(*fs);
  EXPECT_EQ(ReadAll(*log, 1), expected);
}

TEST(RaftLogTest, CompactionAndSnapshotSurviveARestart) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  WriteEntries(*log, 1, EntriesOf(1, 9));
  Write(*log, {.group = 1, .snapshot = SnapshotAt(6, 1, "at six"), .compact_to = 4});
  for (int i = 0; i < 2; ++i) {
    const GroupStorage& storage = log->StorageOf(1);
    EXPECT_EQ(storage.FirstIndex(), 5U);
    EXPECT_EQ(*storage.TermAt(4), 1U);
    EXPECT_EQ(ReadAll(*log, 1), EntriesOf(5, 9));
    const auto snapshot = storage.LatestSnapshot();
    ASSERT_TRUE(snapshot.ok()) << snapshot.status();
    EXPECT_EQ((*snapshot)->data.view(), "at six");
    EXPECT_EQ((*snapshot)->index, 6U);
    EXPECT_THAT(storage.Load()->conf_state.voters, ElementsAre(1, 2, 3));
    EXPECT_EQ(storage.Entries(4, 6, 100).status().code(), StatusCode::kOutOfRange);
    log.reset();
    log = OpenLog(*fs);
  }
}

TEST(RaftLogTest, AnInstalledSnapshotTakesThePlaceOfTheLog) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  WriteEntries(*log, 1, EntriesOf(1, 9));
  Write(*log, {.group = 1,
               .install = SnapshotAt(20, 3),
               .entries = EntriesOf(21, 22, 3),
               .hard_state = {.term = 3, .vote = 2, .commit = 20}});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(log->StorageOf(1).FirstIndex(), 21U);
    EXPECT_EQ(*log->StorageOf(1).TermAt(20), 3U);
    EXPECT_EQ(ReadAll(*log, 1), EntriesOf(21, 22, 3));
    EXPECT_EQ(HardStateOf(*log, 1), (raft::HardState{.term = 3, .vote = 2, .commit = 20}));
    log.reset();
    log = OpenLog(*fs);
  }
}

TEST(RaftLogTest, ConfStateOfTheOwnerGoesBeforeTheSnapshots) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  Write(*log, {.group = 1, .install = SnapshotAt(3)});
  raft::ConfState state;
  state.voters = {9};
  log->StorageOf(1).SetConfState(state);
  EXPECT_THAT(log->StorageOf(1).Load()->conf_state.voters, ElementsAre(9));
}

TEST(RaftLogTest, AskesForANewSnapshotWhenTheLogWasCompactedBeyondTheLast) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  EXPECT_TRUE((*log->StorageOf(1).LatestSnapshot())->empty());
  WriteEntries(*log, 1, EntriesOf(1, 9));
  Write(*log, {.group = 1, .snapshot = SnapshotAt(3), .compact_to = 5});
  EXPECT_EQ(log->StorageOf(1).LatestSnapshot().status().code(), StatusCode::kUnavailable);
}

TEST(RaftLogTest, ARemovedGroupIsForgottenAndItsIdCanComeBack) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  WriteEntries(*log, 1, EntriesOf(1, 9));
  WriteEntries(*log, 2, EntriesOf(1, 1));
  Write(*log, {.group = 1, .remove = true});
  EXPECT_THAT(log->Groups(), ElementsAre(2));
  log.reset();
  log = OpenLog(*fs);
  EXPECT_THAT(log->Groups(), ElementsAre(2));
  Write(*log, {.group = 1, .install = SnapshotAt(5), .entries = EntriesOf(6, 6)});
  log.reset();
  log = OpenLog(*fs);
  EXPECT_EQ(ReadAll(*log, 1), EntriesOf(6, 6));
}

TEST(RaftLogTest, OneAppendMayHoldSeveralWritesOfAGroup) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  const auto first = EntriesOf(1, 4);
  const auto second = EntriesOf(3, 5, 2);
  const std::vector<GroupWrite> writes = {
      {.group = 1, .entries = first, .hard_state = {.term = 1}},
      {.group = 1, .entries = second, .hard_state = {.term = 2}}};
  ASSERT_TRUE(log->Append(writes).ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(log->StorageOf(1).LastIndex(), 5U);
    EXPECT_EQ(*log->StorageOf(1).TermAt(3), 2U);
    EXPECT_EQ(HardStateOf(*log, 1).term, 2U);
    log.reset();
    log = OpenLog(*fs);
  }
}

TEST(RaftLogTest, RefusesWhatContradictsTheLogAndChangesNothing) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  Write(*log, {.group = 1, .entries = EntriesOf(1, 5), .hard_state = {.term = 4}});
  const std::vector<raft::Entry> torn = {EntryOf(6), EntryOf(8)};
  const Status hole = TryWrite(*log, {.group = 1, .entries = EntriesOf(7, 8)});
  EXPECT_THAT(hole.ToString(), HasSubstr("raft group 1: entries from 7 on leave a hole after 5"));
  EXPECT_EQ(TryWrite(*log, {.group = 1, .entries = torn}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(TryWrite(*log, {.group = 1, .hard_state = {.term = 3}}).code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(TryWrite(*log, {.group = 1, .compact_to = 6}).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(TryWrite(*log, {.group = 1, .snapshot = SnapshotAt(6)}).code(),
            StatusCode::kInvalidArgument);
  // A compaction cannot take what the same write replaces.
  EXPECT_EQ(TryWrite(*log, {.group = 1, .entries = EntriesOf(3, 6), .compact_to = 4}).code(),
            StatusCode::kInvalidArgument);
  Write(*log, {.group = 1, .compact_to = 3});
  EXPECT_EQ(TryWrite(*log, {.group = 1, .install = SnapshotAt(2)}).code(),
            StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReadAll(*log, 1), EntriesOf(4, 5));
  EXPECT_THAT(log->Groups(), ElementsAre(1));
  // One bad write refuses its whole append.
  const auto good = EntriesOf(1, 1);
  const std::vector<GroupWrite> writes = {{.group = 2, .entries = good},
                                          {.group = 1, .hard_state = {.term = 1}}};
  EXPECT_FALSE(log->Append(writes).ok());
  EXPECT_THAT(log->Groups(), ElementsAre(1));
}

TEST(RaftLogTest, SkipsEntriesThatAreCompactedAway) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  WriteEntries(*log, 1, EntriesOf(1, 5));
  Write(*log, {.group = 1, .compact_to = 3});
  WriteEntries(*log, 1, EntriesOf(2, 6));
  EXPECT_EQ(ReadAll(*log, 1), EntriesOf(4, 6));
  WriteEntries(*log, 1, EntriesOf(1, 2));
  EXPECT_EQ(ReadAll(*log, 1), EntriesOf(4, 6));
}

TEST(RaftLogTest, ReadsFromDiskWhatTheCacheHasNoRoomFor) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs, {.cache_bytes = 500});
  for (raft::LogIndex index = 1; index <= 100; ++index) {
    WriteEntries(*log, 1, EntriesOf(index, index, 1, 50));
    WriteEntries(*log, 2, EntriesOf(index, index));
    ASSERT_LE(log->GetStats().cached_bytes, 500U);
  }
  EXPECT_GT(log->GetStats().log.segment_count, 2U);
  EXPECT_EQ(ReadAll(*log, 1), EntriesOf(1, 100, 1, 50));
  EXPECT_EQ(ReadAll(*log, 2), EntriesOf(1, 100));
  const RaftLogStats stats = log->GetStats();
  EXPECT_GT(stats.entries_from_cache, 0U);
  EXPECT_GT(stats.entries_from_disk, 150U);
  EXPECT_EQ(stats.entries_from_cache + stats.entries_from_disk, 200U);
}

TEST(RaftLogTest, ReadsNoMoreThanAskedForButOneEntryAtLeast) {
  auto fs = NewDisk();
  for (const uint64_t cache_bytes : {0, 1 << 20}) {
    auto log = OpenLog(*fs, {.cache_bytes = cache_bytes});
    if (log->Groups().empty()) WriteEntries(*log, 1, EntriesOf(1, 9));
    const uint64_t two = raft::EncodedSize(EntriesOf(3, 4));
    EXPECT_EQ(*log->StorageOf(1).Entries(3, 9, two), EntriesOf(3, 4));
    EXPECT_EQ(*log->StorageOf(1).Entries(3, 9, two - 1), EntriesOf(3, 3));
    EXPECT_EQ(*log->StorageOf(1).Entries(3, 9, 0), EntriesOf(3, 3));
    EXPECT_THAT(*log->StorageOf(1).Entries(3, 3, 0), IsEmpty());
  }
}

TEST(RaftLogTest, SlotsTellWhereTheDataOfAnEntryLie) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  WriteEntries(*log, 1, EntriesOf(1, 2));
  const auto slot = log->StorageOf(1).SlotAt(2);
  ASSERT_TRUE(slot.ok()) << slot.status();
  const auto segment = fs->ReadFile(vfs::JoinPath(kDir, wal::SegmentFileName(slot->place.segment)),
                                    uint64_t{1} << 30);
  ASSERT_TRUE(segment.ok()) << segment.status();
  const uint64_t data = slot->place.offset + slot->bytes() - slot->data_bytes;
  EXPECT_EQ(segment->substr(data, slot->data_bytes), EntryOf(2).data.view());
  EXPECT_EQ(log->StorageOf(1).SlotAt(3).status().code(), StatusCode::kOutOfRange);
}

TEST(RaftLogTest, OpenReadsOnlyTheEndsOfSealedSegments) {
  auto disk = NewDisk();
  auto log = OpenLog(*disk);
  std::vector<raft::Entry> expected;
  for (raft::LogIndex index = 1; log->GetStats().log.active_segment < 5; ++index) {
    expected.push_back(EntryOf(index, 1, 300));
    WriteEntries(*log, 1, {expected.back()});
    Write(*log, {.group = index + 10, .entries = EntriesOf(1, 1), .hard_state = {.term = index}});
    if (index == 4) Write(*log, {.group = 13, .hard_state = {.term = 5, .vote = 2}});
    if (index == 20) Write(*log, {.group = 12, .remove = true});
    if (index == 21) WriteEntries(*log, 1, EntriesOf(21, 21, 1, 300));  // once more
    SyncAll(*log);
  }
  WriteEntries(*log, 2, EntriesOf(1, 1));
  const std::vector<GroupId> groups = log->Groups();
  log.reset();

  auto fs = vfs::NewFaultFileSystem(*disk);
  std::map<std::string, uint64_t> read;
  fs->SetObserver([&](const vfs::Operation& operation) {
    read[vfs::BaseName(operation.path)] += operation.op == vfs::Op::kRead ? operation.length : 0;
    return vfs::Fault{};
  });
  log = OpenLog(*fs);
  EXPECT_GE(log->recovery().digests, 3U);
  for (const char* name : {"00001.wal", "00002.wal", "00003.wal"}) {
    EXPECT_LT(read[name], 2000U) << name;
  }
  EXPECT_EQ(log->Groups(), groups);
  EXPECT_EQ(ReadAll(*log, 1), expected);
  EXPECT_EQ(HardStateOf(*log, 13), (raft::HardState{.term = 5, .vote = 2}));
}

TEST(RaftLogTest, ARecordLargerThanASegmentIsReadBack) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  WriteEntries(*log, 1, EntriesOf(1, 2));
  WriteEntries(*log, 1, EntriesOf(3, 3, 1, 9000));
  WriteEntries(*log, 1, EntriesOf(4, 5));
  ASSERT_TRUE(log->Close().ok());
  log = OpenLog(*fs);
  EXPECT_EQ(log->StorageOf(1).LastIndex(), 5U);
  EXPECT_EQ(*log->StorageOf(1).Entries(3, 4, 0), EntriesOf(3, 3, 1, 9000));
  EXPECT_EQ(*log->StorageOf(1).Entries(4, 6, 1000), EntriesOf(4, 5));
}

TEST(RaftLogTest, AFailedSyncIsFinalButReadsGoOn) {
  auto disk = NewDisk();
  auto fs = vfs::NewFaultFileSystem(*disk);
  auto log = OpenLog(*fs);
  WriteEntries(*log, 1, EntriesOf(1, 2));
  bool failing = true;
  fs->SetObserver([&](const vfs::Operation& operation) {
    return vfs::Fault{.error_number = failing && operation.op == vfs::Op::kMappedSync ? EIO : 0};
  });
  EXPECT_FALSE(log->Sync().ok());
  failing = false;
  EXPECT_FALSE(log->Sync().ok());
  EXPECT_FALSE(TryWrite(*log, {.group = 1, .entries = EntriesOf(3, 3)}).ok());
  EXPECT_EQ(ReadAll(*log, 1), EntriesOf(1, 2));
}

}  // namespace
}  // namespace nokv::raftlog
