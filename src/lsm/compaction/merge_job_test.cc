#include "lsm/compaction/merge_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "base/random.h"
#include "lsm/compaction/test_tree.h"

namespace nokv::lsm {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

#define ASSERT_OK(expression)             \
  do {                                    \
    const Status& status_ = (expression); \
    ASSERT_TRUE(status_.ok()) << status_; \
  } while (false)

// A random change; keys are few, so that everything meets everything.
void Change(TestTree& tree, base::Random& random, uint64_t now_ms) {
  const auto key = [&random] {
    std::string text(1, static_cast<char>('a' + random.Uniform(6)));
    // One key is a prefix of others.
    for (uint64_t n = random.Uniform(3); n > 0; n--) text.push_back('\x01');
    return text;
  };
  const uint64_t version = random.OneIn(4) ? 1 + random.Uniform(3) : 0;
  switch (random.Uniform(8)) {
    case 0:
      tree.Delete(key(), version);
      break;
    case 1: {
      std::string begin = key();
      std::string end = key();
      if (end < begin) std::swap(begin, end);
      if (begin != end) tree.DeleteRange(begin, end);
      break;
    }
    case 2:
      tree.Put(key(), "brief", version, now_ms + random.Uniform(50));
      break;
    default:
      tree.Put(key(),
               std::string(1 + random.Uniform(60), static_cast<char>('A' + random.Uniform(26))),
               version);
  }
}

// Random histories of writes, snapshots and passing time; after every flush and every compaction
// the whole tree is read at every live snapshot. Repro: the seed is in the trace.
TEST(MergeJobTest, RandomHistoriesReadAsTheModelSays) {
  uint64_t compactions = 0;
  int deepest = 0;
  for (uint64_t seed = 1; seed <= 40; seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    base::Random random(seed);
    TestTree tree;
    tree.SetSlices(1 + seed % 4);
    tree.SetMaxOpenTables(seed % 3);
    tree.Reopen();
    uint64_t now_ms = 1'000'000;
    for (int step = 0; step < 60; step++) {
      for (uint64_t n = random.Uniform(25); n > 0; n--) Change(tree, random, now_ms);
      if (random.OneIn(3)) tree.TakeSnapshot();
      if (!tree.snapshots().empty() && random.OneIn(3)) {
        tree.ReleaseSnapshot(
            *std::next(tree.snapshots().begin(),
                       static_cast<std::ptrdiff_t>(random.Uniform(tree.snapshots().size()))));
      }
      const uint64_t millis = random.Uniform(30);
      tree.Advance(millis);
      now_ms += millis;
      ASSERT_OK(tree.Flush());
      tree.Check();
      if (testing::Test::HasFatalFailure()) return;
      int plans = 0;
      while (const auto plan = random.OneIn(10) ? std::nullopt : tree.Pick()) {
        ASSERT_LT(++plans, 100) << "picking does not come to rest";
        ASSERT_OK(tree.Compact(*plan));
        compactions++;
        tree.Check();
        if (testing::Test::HasFatalFailure()) return;
      }
      if (random.OneIn(10)) {
        const int level = static_cast<int>(random.Uniform(kLevels));
        const auto plan = tree.Manual(level, {TestTree::Prefix("b"), TestTree::Prefix("d"), false});
        if (plan) ASSERT_OK(tree.Compact(*plan));
        tree.Check();
      }
      if (random.OneIn(10)) tree.Reopen();
      deepest = std::max(deepest, tree.version()->DeepestLevel());
      tree.state().TakeObsolete();
    }
  }
  EXPECT_GT(compactions, 500U);
  EXPECT_GE(deepest, 2);
}

TEST(MergeJobTest, NothingRemainsOfWhatWasDeletedAndExpired) {
  TestTree tree;
  tree.Put("older", "value");
  tree.Put("brief", "value");
  for (int i = 0; i < 50; i++) tree.Put("k" + std::to_string(i), "value");
  ASSERT_OK(tree.Flush());
  tree.CompactAll();
  tree.Put("brief", "value", 0, 1'000'010);
  tree.Delete("older");
  tree.DeleteRange("k", "l");
  ASSERT_OK(tree.Flush());
  tree.Check();
  tree.Advance(100);
  tree.CompactAll();
  tree.Check();
  EXPECT_EQ(tree.version()->file_count(), 0U);
}

TEST(MergeJobTest, ASnapshotKeepsWhatItSees) {
  TestTree tree;
  tree.Put("k", "old");
  ASSERT_OK(tree.Flush());
  const keys::SequenceNumber snapshot = tree.TakeSnapshot();
  tree.DeleteRange("a", "z");
  ASSERT_OK(tree.Flush());
  tree.CompactAll();
  tree.Check();
  EXPECT_GT(tree.version()->file_count(), 0U);
  tree.ReleaseSnapshot(snapshot);
  tree.CompactAll();
  EXPECT_EQ(tree.version()->file_count(), 0U);
}

TEST(MergeJobTest, AnExpiredEntryDoesNotBringAnOlderOneBack) {
  TestTree tree;
  tree.Put("k", "old");
  ASSERT_OK(tree.Flush());
  tree.CompactAll();
  ASSERT_EQ(tree.version()->DeepestLevel(), kLevels - 1);
  tree.Put("k", "new", 0, 1'000'010);
  tree.Advance(100);
  ASSERT_OK(tree.Flush());
  tree.Check();
  EXPECT_EQ(tree.version()->files(0).front()->meta().deletions, 1U);
}

TEST(MergeJobTest, AVersionedEntryDoesNotExpireByTheClock) {
  TestTree tree;
  tree.Put("k", "value", /*version=*/9, /*expiry_ms=*/1'000'010);
  tree.Advance(100);
  ASSERT_OK(tree.Flush());
  tree.CompactAll();
  ASSERT_EQ(tree.version()->file_count(), 1U);
  EXPECT_EQ(tree.Pick(), std::nullopt) << "and its table is not rewritten over and over";
}

TEST(MergeJobTest, OutputsAreCutBetweenPrefixesOnly) {
  TestTree tree;
  tree.TakeSnapshot();
  for (const char* key : {"a", "b", "c"}) {
    for (uint64_t version = 1; version <= 60; version++) tree.Put(key, "0123456789", version);
  }
  tree.DeleteRange("A", "B");
  tree.DeleteRange("aa", "ab");
  ASSERT_OK(tree.Flush());
  ASSERT_OK(tree.Compact(*tree.Manual(0)));
  EXPECT_THAT(tree.version()->files(kLevels - 1), SizeIs(3))
      << "one table per key, however many versions";
  tree.Check();
}

TEST(MergeJobTest, SlicesOfACompactionMakeWhatTheWholeWouldHaveMade) {
  for (const size_t slices : {1, 4}) {
    TestTree tree;
    tree.SetSlices(slices);
    for (int round = 0; round < 3; round++) {
      for (int i = 0; i < 60; i++) {
        tree.Put("k" + std::to_string(100 + i), std::string(50, static_cast<char>('a' + round)));
      }
      // Over the bounds of slices.
      tree.DeleteRange("k110", "k150");
      tree.Put("k120", "after");
      ASSERT_OK(tree.Flush());
      ASSERT_OK(tree.Compact(*tree.Manual(0)));
      tree.Check();
    }
    uint64_t entries = 0;
    for (const auto& file : tree.version()->files(kLevels - 1)) entries += file->meta().entries;
    EXPECT_EQ(entries, 60U - 40U + 1U) << slices;
  }
}

TEST(MergeJobTest, TablesOfLevelZeroThatAreMergedKeepTheirTombstones) {
  TestTree tree;
  tree.Put("k", "old");
  tree.Put("in range", "old");
  ASSERT_OK(tree.Flush());
  tree.Delete("k");
  ASSERT_OK(tree.Flush());
  tree.DeleteRange("a", "j");
  ASSERT_OK(tree.Flush());
  CompactionPlan plan = *tree.Manual(0);
  plan.output_level = 0;
  plan.inputs.pop_back();  // the oldest stays
  plan.output_inputs.clear();
  ASSERT_OK(tree.Compact(plan));
  EXPECT_THAT(tree.version()->files(0), SizeIs(2));
  tree.Check();
}

TEST(MergeJobTest, AFlushOfNothingWritesNoTable) {
  TestTree tree;
  ASSERT_OK(tree.Flush());
  EXPECT_EQ(tree.version()->file_count(), 0U);
}

// Every operation of a flush and of a compaction fails once.
TEST(MergeJobTest, AnyFailureLeavesInputsAloneAndNoOutputs) {
  uint64_t failures = 0;
  for (const bool flush : {true, false}) {
    for (uint64_t fail_at = 0;; fail_at++) {
      TestTree tree;
      for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 20; k++) tree.Put("k" + std::to_string(k), std::string(50, 'v'));
        tree.DeleteRange("k5", "k7");
        if (i < 2) ASSERT_OK(tree.Flush());
      }
      if (!flush) ASSERT_OK(tree.Flush());
      const auto before = *tree.memory().List("/db");
      const auto plan = tree.Manual(0);
      uint64_t seen = 0;
      bool failed = false;
      tree.fs().SetObserver([&](const vfs::Operation& op) {
        vfs::Fault fault;
        // Writing the manifest is version_state_test's concern.
        const bool of_job = op.path.ends_with(".sst") || op.op == vfs::Op::kSyncDir;
        const bool may_fail = op.op != vfs::Op::kRemove && op.op != vfs::Op::kPrefetch;
        if (of_job && may_fail && seen++ == fail_at) {
          fault.error_number = EIO;
          failed = true;
        }
        return fault;
      });
      const Status status = flush ? tree.Flush() : tree.Compact(*plan);
      tree.fs().SetObserver(nullptr);
      if (!failed) {
        EXPECT_TRUE(status.ok()) << status;
        break;
      }
      EXPECT_FALSE(status.ok());
      failures++;
      EXPECT_EQ(*tree.memory().List("/db"), before);
      EXPECT_THAT(*tree.state().FindOrphans(), IsEmpty());
      ASSERT_OK(flush ? tree.Flush() : tree.Compact(*plan));
      tree.Check();
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  EXPECT_GT(failures, 10U);
}

TEST(MergeJobTest, AFailedJobRemovesItsOutputsAndStaysFailed) {
  TestTree tree;
  for (int i = 0; i < 50; i++) tree.Put("k" + std::to_string(i), std::string(50, 'v'));
  ASSERT_OK(tree.Flush());
  const auto before = *tree.memory().List("/db");
  const auto job = NewCompactionJob(*tree.Manual(0), tree.Context());
  uint64_t syncs = 0;
  tree.fs().SetObserver([&](const vfs::Operation& op) {
    vfs::Fault fault;
    if (op.op == vfs::Op::kSync && ++syncs == 2) fault.error_number = EIO;
    return fault;
  });
  Result<bool> done = job->Step(UINT64_MAX / 2);
  EXPECT_FALSE(done.ok());
  EXPECT_EQ(*tree.memory().List("/db"), before);
  EXPECT_FALSE(job->Step(1).ok());
}

TEST(MergeJobTest, AStepEndsInsideALongRunOfDroppedEntries) {
  TestTree tree;
  tree.Put("a", "value");
  for (int i = 0; i < 1000; i++) tree.Put("k" + std::to_string(i), std::string(50, 'v'));
  tree.Put("z", "value");
  ASSERT_OK(tree.Flush());
  tree.DeleteRange("k", "l");
  ASSERT_OK(tree.Flush());
  const auto job = NewCompactionJob(*tree.Manual(0), tree.Context());
  constexpr uint64_t kSlice = 500, kEntry = 100;
  size_t steps = 0;
  for (bool ended = false; !ended; steps++) {
    const uint64_t before = job->stats().bytes_read;
    const Result<bool> done = job->Step(kSlice);
    ASSERT_OK(done.status());
    ended = *done;
    EXPECT_LT(job->stats().bytes_read, before + kSlice + kEntry);
    ASSERT_LT(steps, 1000U);
  }
  EXPECT_GT(steps, 100U);
  ASSERT_OK(tree.state().LogAndApply({job->edit()}));
  tree.Check();
}

TEST(MergeJobTest, AJobDoesNotReadPastItsSliceToFindAnEntryThatSurvives) {
  TestTree tree;
  for (int i = 0; i < 1000; i++) tree.Put("k" + std::to_string(i), std::string(50, 'v'));
  ASSERT_OK(tree.Flush());
  tree.DeleteRange("k", "l");
  ASSERT_OK(tree.Flush());
  const auto read_by = [&tree](KeySlice slice) {
    const auto job = NewCompactionJob(*tree.Manual(0), tree.Context(), std::move(slice));
    const Result<bool> done = job->Step(UINT64_MAX);
    EXPECT_TRUE(done.ok() && *done);
    return job->stats().bytes_read;
  };
  const std::string middle = keys::EncodePrefix(keys::Keyspace::kData, "k5");
  const uint64_t all = read_by({});
  const uint64_t front = read_by({std::nullopt, middle});
  const uint64_t back = read_by({middle, std::nullopt});
  EXPECT_GT(front, all / 4);
  EXPECT_EQ(front + back, all);
}

TEST(MergeJobTest, AnAbandonedJobRemovesItsOutputs) {
  TestTree tree;
  for (int i = 0; i < 50; i++) tree.Put("k" + std::to_string(i), std::string(50, 'v'));
  ASSERT_OK(tree.Flush());
  const auto before = *tree.memory().List("/db");
  auto job = NewCompactionJob(*tree.Manual(0), tree.Context());
  const Result<bool> done = job->Step(2000);
  ASSERT_TRUE(done.ok()) << done.status();
  ASSERT_FALSE(*done);
  EXPECT_GT(tree.memory().List("/db")->size(), before.size());
  job.reset();
  EXPECT_EQ(*tree.memory().List("/db"), before);
}

TEST(MergeJobTest, ADamagedInputFailsTheCompaction) {
  TestTree tree;
  for (int i = 0; i < 50; i++) tree.Put("k" + std::to_string(i), std::string(50, 'v'));
  ASSERT_OK(tree.Flush());
  const std::string path = "/db/" + TableName(tree.version()->files(0).front()->number());
  std::string content = *tree.memory().ReadFile(path, 1 << 20);
  content[20] ^= 1;
  ASSERT_OK(tree.memory().Overwrite(path, content));
  tree.Reopen();
  const auto before = *tree.memory().List("/db");
  const Status status = tree.Compact(*tree.Manual(0));
  EXPECT_TRUE(status.IsCorruption()) << status;
  EXPECT_EQ(*tree.memory().List("/db"), before);
}

}  // namespace
}  // namespace nokv::lsm
