#include "raftlog/raft_log_test_util.h"
#include "raftlog/start_file.h"

namespace nokv::raftlog {
namespace {

using testing::ElementsAre;
using testing::Not;

std::vector<std::string> Segments(vfs::FileSystem& fs) {
  std::vector<std::string> segments;
  const auto names = fs.List(kDir);
  EXPECT_TRUE(names.ok()) << names.status();
  for (const std::string& name : *names) {
    if (name.ends_with(".wal")) segments.push_back(name);
  }
  return segments;
}

uint64_t StartOf(vfs::FileSystem& fs) {
  const auto start = ReadStartFile(fs, kDir);
  EXPECT_TRUE(start.ok() && start->has_value()) << start.status();
  return start->value_or(0);
}

// Appends entries to group 1, compacting it all the time, until the log is in segment `segment`.
void FillUntil(RaftLog& log, uint64_t segment) {
  while (log.GetStats().log.active_segment < segment) {
    const raft::LogIndex next = log.StorageOf(1).LastIndex() + 1;
    WriteEntries(log, 1, EntriesOf(next, next, 1, 300));
    Write(log, {.group = 1, .compact_to = next});
  }
}

TEST(CollectTest, SegmentsGoOnceNoGroupNeedsThemAndThatIsSynced) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  FillUntil(*log, 5);
  ASSERT_TRUE(log->Collect().ok());
  EXPECT_EQ(Segments(*fs).size(), 5U) << "what made them unneeded is not synced";
  SyncAll(*log);
  ASSERT_TRUE(log->Collect().ok());
  EXPECT_THAT(Segments(*fs), ElementsAre("00005.wal"));
  EXPECT_EQ(StartOf(*fs), 5U);
  const raft::LogIndex last = log->StorageOf(1).LastIndex();
  log.reset();
  log = OpenLog(*fs);
  EXPECT_EQ(log->StorageOf(1).LastIndex(), last);
}

TEST(CollectTest, AGroupKeepsTheSegmentsOfItsEntriesAndOfItsState) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs, {.segment_bytes = 2048});
  WriteEntries(*log, 2, EntriesOf(1, 3, 1, 300));
  FillUntil(*log, 2);
  SyncAll(*log);
  ASSERT_TRUE(log->Collect().ok());
  EXPECT_EQ(StartOf(*fs), 1U);
  EXPECT_EQ(ReadAll(*log, 2), EntriesOf(1, 3, 1, 300));
}

TEST(CollectTest, WhatPinsAnOldSegmentIsCopiedWhenMostOfTheLogIsOfNoUse) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs, {.cache_bytes = 0});
  WriteEntries(*log, 2, EntriesOf(1, 3));
  WriteEntries(*log, 2, EntriesOf(3, 5, 2));
  Write(*log, {.group = 3, .hard_state = {.term = 8, .vote = 2}});
  FillUntil(*log, 3);
  // What comes later stays where it is.
  WriteEntries(*log, 2, EntriesOf(6, 7, 2));
  FillUntil(*log, 6);
  SyncAll(*log);
  ASSERT_TRUE(log->Collect().ok());
  EXPECT_EQ(StartOf(*fs), 1U) << "the copies are not synced";
  EXPECT_GT(log->GetStats().moved_bytes, 0U);
  for (int i = 0; i < 4; ++i) {
    SyncAll(*log);
    ASSERT_TRUE(log->Collect().ok());
  }
  EXPECT_GE(StartOf(*fs), 6U);
  EXPECT_THAT(Segments(*fs), Not(testing::Contains("00001.wal")));
  std::vector<raft::Entry> expected = EntriesOf(1, 2);
  for (const raft::Entry& entry : EntriesOf(3, 7, 2)) expected.push_back(entry);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ReadAll(*log, 2), expected);
    EXPECT_EQ(HardStateOf(*log, 3), (raft::HardState{.term = 8, .vote = 2}));
    log.reset();
    log = OpenLog(*fs, {.cache_bytes = 0});
  }
}

TEST(CollectTest, CopiesOfOldEntriesReplaceNoNewerOnes) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs, {.cache_bytes = 0});
  WriteEntries(*log, 2, EntriesOf(1, 9));
  FillUntil(*log, 3);
  WriteEntries(*log, 2, EntriesOf(5, 6, 4));
  FillUntil(*log, 6);
  SyncAll(*log);
  // The first four are copied, and nothing more before the restart.
  ASSERT_TRUE(log->Collect().ok());
  EXPECT_GT(log->StorageOf(2).SlotAt(1)->place, log->StorageOf(2).SlotAt(5)->place);
  SyncAll(*log);
  log.reset();
  log = OpenLog(*fs);
  std::vector<raft::Entry> expected = EntriesOf(1, 4);
  for (const raft::Entry& entry : EntriesOf(5, 6, 4)) expected.push_back(entry);
  EXPECT_EQ(ReadAll(*log, 2), expected);
}

TEST(CollectTest, SegmentsWithLiveValuesStayAndAreNoPartOfTheLog) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  FillUntil(*log, 5);
  SyncAll(*log);
  ASSERT_TRUE(log->Collect({2}).ok());
  EXPECT_THAT(Segments(*fs), ElementsAre("00002.wal", "00005.wal"));
  log.reset();
  log = OpenLog(*fs);
  EXPECT_EQ(log->Groups().size(), 1U);
  ASSERT_TRUE(log->Collect({2}).ok());
  EXPECT_THAT(Segments(*fs), testing::Contains("00002.wal"));
  ASSERT_TRUE(log->Collect().ok());
  EXPECT_THAT(Segments(*fs), Not(testing::Contains("00002.wal")));
}

TEST(CollectTest, TheLogStaysSmallWhateverPinsIt) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  for (GroupId group = 2; group < 20; ++group) WriteEntries(*log, group, EntriesOf(1, 2));
  uint64_t most = 0;
  for (uint64_t segment = 2; segment < 60; ++segment) {
    FillUntil(*log, segment);
    // One cold group more in each segment.
    WriteEntries(*log, 100 + segment, EntriesOf(1, 1));
    SyncAll(*log);
    ASSERT_TRUE(log->Collect().ok());
    most = std::max<uint64_t>(most, Segments(*fs).size());
  }
  EXPECT_LE(most, 8U);
  EXPECT_EQ(ReadAll(*log, 2), EntriesOf(1, 2));
}

}  // namespace
}  // namespace nokv::raftlog
