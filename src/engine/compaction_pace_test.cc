// How fast compactions may go.
#include <gmock/gmock.h>

#include "engine/engine_test_util.h"

namespace nokv::engine {
namespace {

using testing::SizeIs;

class CompactionPaceTest : public testing::Test {
 protected:
  void Open(size_t bytes_per_second) {
    options_.memtable_bytes = 64 << 20;
    options_.table_bytes = 64 << 20;
    options_.level0_compaction_trigger = 1;
    options_.compaction_bytes_per_second = bytes_per_second;
    h_.Open(options_);
    WriteAll();
  }
  // 20 MB in one table.
  void WriteAll() {
    for (int i = 0; i < 20; i++) h_.Put("k" + std::to_string(10 + i), std::string(1 << 20, 'v'));
    ASSERT_TRUE(h_.db->Flush().ok());
  }
  uint64_t Now() { return h_.runtime->clock().MonotonicMicros(); }
  uint64_t CompactAll() {
    const uint64_t before = Now();
    EXPECT_TRUE(h_.db->CompactRange("", "").ok());
    return Now() - before;
  }

  Options options_ = SmallOptions();
  EngineHarness h_;
};

TEST_F(CompactionPaceTest, CompactionsKeepToTheirRateAndFlushesTakePartOfIt) {
  Open(4 << 20);
  // 20 MB that the flush wrote, and all but the last few of what the compaction reads.
  const uint64_t micros = CompactAll();
  EXPECT_GT(micros, 8'000'000U);
  EXPECT_LT(micros, 11'000'000U);
}

TEST_F(CompactionPaceTest, WithoutARateNothingPauses) {
  Open(0);
  EXPECT_LT(CompactAll(), 100'000U);
}

TEST_F(CompactionPaceTest, ACloseDoesNotWaitForTheTurnOfACompaction) {
  Open(4 << 20);
  h_.runtime->RunReady();
  ASSERT_THAT(h_.Files(".sst"), SizeIs(1));
  WriteAll();
  h_.runtime->RunReady();
  ASSERT_THAT(h_.Files(".sst"), SizeIs(3)) << "a compaction has begun";
  const uint64_t before = Now();
  ASSERT_TRUE(h_.db->Close().ok());
  EXPECT_LT(Now() - before, 100'000U);
  EXPECT_THAT(h_.Files(".sst"), SizeIs(2));
}

TEST_F(CompactionPaceTest, NothingPausesWhileWritesAreSlowedDownNorForWhatWasDoneThen) {
  options_.level0_stop_trigger = 4;
  Open(1 << 20);
  const uint64_t before = Now();
  for (int i = 0; i < 9; i++) WriteAll();
  CompactAll();
  // Flushes wrote 200 MB and compactions read twice as much.
  EXPECT_LT(Now() - before, 200'000'000U);
}

// While a compaction uses all of the rate, one that only empties files with values waits.
TEST_F(CompactionPaceTest, CompactionsGoBeforeRelocation) {
  options_.value_separation_threshold = 1000;
  options_.value_separation_policies = {
      {"k", ValueSeparationPolicy::Strategy::kAlwaysInline, /*threshold=*/0}};
  options_.value_log_gc_discard_ratio = 0.5;
  options_.value_log_gc_skip_score = 0;  // no other compaction moves values along
  options_.log_segment_bytes = 64 << 20;
  Open(4 << 20);
  h_.runtime->RunReady();
  for (int i = 0; i < 40; i++) h_.Put("a" + std::to_string(10 + i), std::string(1 << 20, 'v'));
  ASSERT_TRUE(h_.db->Flush().ok());
  for (int i = 0; i < 30; i++) {
    ASSERT_TRUE(h_.db->Delete({}, "a" + std::to_string(10 + i)).ok());
  }
  h_.Put("b", std::string(64 << 20, 'v'));  // so that replay does not need the segment
  ASSERT_TRUE(h_.db->Flush().ok());
  h_.runtime->RunReady();
  ASSERT_EQ(h_.db->Stats().value_log.gc_scheduled, 1U) << "10 MB are to be moved";
  ASSERT_EQ(h_.db->Stats().value_log.gc_runs, 0U) << "and wait for their turn";
  const uint64_t read = h_.db->Stats().compaction.bytes_read;
  WriteAll();
  while (h_.db->Stats().value_log.gc_runs == 0) ASSERT_TRUE(h_.runtime->RunOne());
  EXPECT_GE(h_.db->Stats().compaction.bytes_read, read + (40 << 20)) << "a compaction came first";
}

}  // namespace
}  // namespace nokv::engine
