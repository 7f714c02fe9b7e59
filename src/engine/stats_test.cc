// What the statistics say about operations whose effects are known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/engine_test_util.h"
#include "engine/timing.h"

namespace nokv::engine {
namespace {

class StatsTest : public ::testing::Test {
 protected:
  void SetUp() override { h_.Open(); }

  EngineHarness h_;
};

TEST_F(StatsTest, CountEveryOperationAndTimeSome) {
  for (int i = 0; i < 40; i++) h_.Put("k" + std::to_string(i), "value");
  for (int i = 0; i < 50; i++) h_.Get("k" + std::to_string(i));
  h_.Scan();
  const Stats stats = h_.db->Stats();
  EXPECT_EQ(stats.operations.at("write").count, 40U);
  EXPECT_EQ(stats.operations.at("get").count, 50U);
  EXPECT_EQ(stats.operations.at("seek").count, 1U);
  EXPECT_EQ(stats.stages.at("write_apply").count, 40U);
}

TEST_F(StatsTest, CountTransactionsAsWrites) {
  const auto transaction = h_.db->BeginTransaction();
  ASSERT_TRUE(transaction->Put("k", "value").ok());
  ASSERT_TRUE(transaction->Commit({}).ok());
  EXPECT_EQ(h_.db->Stats().operations.at("write").count, 1U);
}

TEST_F(StatsTest, DistributionOfWhatIsRareHasAllOfIt) {
  for (int i = 0; i < 3; i++) {
    h_.Put("k", "value", /*sync=*/true);
    ASSERT_TRUE(h_.db->Flush().ok());
  }
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  const Stats stats = h_.db->Stats();
  EXPECT_EQ(stats.stages.at("sync").count, 3U);
  for (const char* stage : {"flush_wait", "flush_build", "flush_release"}) {
    EXPECT_EQ(stats.stages.at(stage).count, 3U) << stage;
  }
  EXPECT_EQ(stats.stages.at("compaction").count, 1U);
}

// Goal: the three amplifications are those of a known history. Method: one value is written, then
// flushed (log and table: each byte twice), then overwritten and flushed again.
TEST_F(StatsTest, AmplificationIsWhatTheDiskHolds) {
  Options options = SmallOptions();
  options.compression = {CompressionType::kNone};
  h_.Open(options);
  EXPECT_EQ(h_.db->Stats().amplification.write, 0) << "nothing was written yet";
  h_.Put("k", std::string(40'000, 'v'));
  EXPECT_NEAR(h_.db->Stats().amplification.write, 1, 0.1) << "in the log alone";
  ASSERT_TRUE(h_.db->Flush().ok());
  EXPECT_NEAR(h_.db->Stats().amplification.write, 2, 0.1) << "in log and table";
  EXPECT_EQ(h_.db->Stats().amplification.read, 0);
  for (int i = 0; i < 16; i++) h_.Get("k");
  EXPECT_EQ(h_.db->Stats().amplification.read, 1) << "each get asks the one table";
  EXPECT_NEAR(h_.db->Stats().amplification.space, 1, 0.01);
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  h_.Put("k", std::string(40'000, 'w'));
  ASSERT_TRUE(h_.db->Flush().ok());
  EXPECT_NEAR(h_.db->Stats().amplification.space, 2, 0.1) << "an old version lies below the new";
}

// Also of tables that are gone.
TEST_F(StatsTest, FiltersSayHowOftenTheyWereAskedAndSparedALook) {
  Options options = SmallOptions();
  options.range_filter = true;
  h_.Open(options);
  for (int i = 0; i < 50; i++) h_.Put("k" + std::to_string(10 + i), "value");
  ASSERT_TRUE(h_.db->Flush().ok());
  for (int i = 0; i < 50; i++) h_.Get("k" + std::to_string(10 + i));
  for (int i = 0; i < 30; i++) h_.Get("k" + std::to_string(10 + i) + "absent");
  for (const auto& [lower, upper] : {std::pair{"k20", "k21"}, {"k20absent", "k20b"}}) {
    IteratorOptions range;
    range.lower_bound = lower;
    range.upper_bound = upper;
    const auto it = h_.db->NewIterator(range);
    it->SeekToFirst();
    EXPECT_EQ(it->Valid(), std::string_view(lower) == "k20");
  }
  h_.Put("k10", "newer");
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  const FilterStats stats = h_.db->Stats().filter;
  EXPECT_EQ(stats.point_checks, 80U);
  EXPECT_GE(stats.point_negatives, 25U);
  EXPECT_LE(stats.point_negatives, 30U);
  EXPECT_EQ(stats.range_checks, 2U);
  EXPECT_EQ(stats.range_negatives + stats.range_false_positives, 1U);
}

TEST_F(StatsTest, StallsAreCountedByReason) {
  const std::string value(8 << 10, 'v');
  for (int i = 0; i < 100; i++) {
    WriteBatch batch;
    batch.Put("k" + std::to_string(i), value);
    h_.db->WriteAsync({}, std::move(batch), [](const Status& status) { EXPECT_TRUE(status.ok()); });
  }
  Stats stats = h_.db->Stats();
  ASSERT_EQ(stats.write.stalls.size(), 1U) << "the one that lasts counts";
  const int64_t waiting = stats.write.queue_depth;
  h_.runtime->RunReady();
  stats = h_.db->Stats();
  ASSERT_EQ(stats.write.stalls.size(), 1U);
  EXPECT_EQ(stats.write.stalls[0].reason, "immutable memtables");
  EXPECT_GE(stats.write.stalls[0].count, 1U);
  EXPECT_EQ(stats.stages.at("write_room").count, static_cast<uint64_t>(waiting));
}

TEST(StallTimesTest, AddUpByReason) {
  StallTimes stalls;
  stalls.Begin("level 0 tables", 100);
  stalls.Begin("level 0 tables", 150);
  stalls.End(200);
  stalls.End(300);
  stalls.Begin("level 0 tables", 1000);
  stalls.Begin("immutable memtables", 1010);
  const auto totals = stalls.Totals(1015);
  EXPECT_EQ(totals.at("level 0 tables").count, 2U);
  EXPECT_EQ(totals.at("level 0 tables").sum_micros, 110U);
  EXPECT_EQ(totals.at("level 0 tables").max_micros, 100U);
  EXPECT_EQ(totals.at("immutable memtables").sum_micros, 5U);
  EXPECT_EQ(stalls.reason(), "immutable memtables");
  stalls.End(1020);
  EXPECT_EQ(stalls.reason(), "");
}

TEST_F(StatsTest, BackgroundErrorsAreCounted) {
  EXPECT_EQ(h_.db->Stats().background_errors, 0U);
  h_.Put("k", "value");
  h_.fs->SetObserver([](const vfs::Operation& operation) {
    vfs::Fault fault;
    if (operation.path.ends_with(".sst")) fault.error_number = EIO;
    return fault;
  });
  EXPECT_FALSE(h_.db->Flush().ok());
  EXPECT_EQ(h_.db->Stats().background_errors, 1U);
}

TEST_F(StatsTest, LevelsShowWhatLiesOutsideAndWhatTombstonesTake) {
  Options options = SmallOptions();
  options.value_separation_threshold = 100;
  h_.Open(options);
  h_.Put("long", std::string(1000, 'v'));
  h_.Put("short", "value");
  ASSERT_TRUE(h_.db->Delete({}, "short").ok());
  const auto snapshot = h_.db->GetSnapshot();
  ASSERT_TRUE(h_.db->Flush().ok());
  const Stats stats = h_.db->Stats();
  ASSERT_EQ(stats.levels.size(), 1U);
  EXPECT_EQ(stats.levels[0].value_bytes, 1000);
  EXPECT_GT(stats.levels[0].stale_bytes, 0);
  EXPECT_LT(stats.levels[0].stale_bytes, stats.levels[0].size_bytes);
  ASSERT_TRUE(stats.value_log.head.has_value());
  EXPECT_EQ(stats.value_log.head->segment, stats.wal.active_segment);
}

TEST_F(StatsTest, FilesThatOnlyReadersKeepAreToBeDeleted) {
  Options options = SmallOptions();
  options.value_separation_threshold = 100;
  h_.Open(options);
  h_.Put("k", std::string(1000, 'v'));
  ASSERT_TRUE(h_.db->Flush().ok());
  const auto reader = h_.db->NewIterator();
  reader->SeekToFirst();
  ASSERT_TRUE(h_.db->Delete({}, "k").ok());
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  EXPECT_EQ(h_.db->Stats().value_log.pending_deletes, 1);
}

}  // namespace
}  // namespace nokv::engine
