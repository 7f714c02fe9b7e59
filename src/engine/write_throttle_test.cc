// How load becomes a rate, and a rate becomes waiting.
#include "engine/write_throttle.h"

#include <gtest/gtest.h>

namespace nokv::engine {
namespace {

constexpr ThrottleLimits kLimits{.memtable_bytes = 100,
                                 .level0_trigger = 4,
                                 .level0_stop = 34,
                                 .pending_bytes = 1000,
                                 .low_disk_bytes = 500};

TEST(WriteThrottleTest, WithinAllBoundsNothingWaits) {
  WriteThrottle throttle(kLimits);
  throttle.Judge(
      {.memtable_bytes = 50, .level0_tables = 14, .pending_bytes = 250, .free_disk_bytes = 500});
  EXPECT_FALSE(throttle.engaged());
  EXPECT_STREQ(throttle.reason(), "");
  throttle.Charge(1 << 30, 10);
  EXPECT_TRUE(throttle.MayGo(10));
}

TEST(WriteThrottleTest, EachKindOfLoadSlowsWritesAndSaysSo) {
  const auto reason = [](const ThrottleLoad& load) {
    WriteThrottle throttle(kLimits);
    throttle.Judge(load);
    return std::string(throttle.engaged() ? throttle.reason() : "");
  };
  EXPECT_EQ(reason({.memtable_bytes = 60}), "immutable memtables");
  EXPECT_EQ(reason({.level0_tables = 15}), "level 0 tables");
  EXPECT_EQ(reason({.pending_bytes = 400}), "compaction debt");
  EXPECT_EQ(reason({.free_disk_bytes = 400}), "free disk");
}

TEST(WriteThrottleTest, TheRateFallsWithPressureAroundWhatTheWorkBehindGetsDone) {
  WriteThrottle throttle(kLimits);
  throttle.CompactionDone(80 << 20, 1'000'000);
  uint64_t before = UINT64_MAX;
  for (uint64_t tables = 15; tables <= 34; tables++) {
    throttle.Judge({.level0_tables = tables});
    EXPECT_LT(throttle.rate(), before) << tables;
    before = throttle.rate();
    if (tables == 15) {
      EXPECT_GT(throttle.rate(), uint64_t{80} << 20);
    }
  }
  EXPECT_EQ(throttle.pressure_permille(), 1000U);
  EXPECT_NEAR(static_cast<double>(throttle.rate()), 20 << 20, 1000);
}

// Where values stay in the log, a table of level 0 stands for much more than it has.
TEST(WriteThrottleTest, ThePaceOfCompactionsCountsInWhatWasWritten) {
  WriteThrottle throttle(kLimits);
  for (int i = 0; i < 30; i++) throttle.FlushDone(64 << 20, 4 << 20, 1'000'000);
  throttle.CompactionDone(5 << 20, 1'000'000);
  throttle.Judge({.level0_tables = 34});
  EXPECT_NEAR(static_cast<double>(throttle.rate()), 20 << 20, 20 << 10);
  throttle.Judge({.pending_bytes = 1 << 20});
  EXPECT_NEAR(static_cast<double>(throttle.rate()), 20 << 20, 20 << 10);
}

TEST(WriteThrottleTest, CompactionsAreInHasteHalfTheWayToWhereTheySlowWrites) {
  const auto in_haste = [](const ThrottleLoad& load) {
    WriteThrottle throttle(kLimits);
    throttle.Judge(load);
    EXPECT_FALSE(throttle.awaits_compaction());
    return throttle.compaction_in_haste();
  };
  EXPECT_FALSE(in_haste({.level0_tables = 9}));
  EXPECT_TRUE(in_haste({.level0_tables = 10}));
  EXPECT_FALSE(in_haste({.pending_bytes = 125}));
  EXPECT_TRUE(in_haste({.pending_bytes = 126}));
  EXPECT_FALSE(in_haste({.memtable_bytes = 100}));
  WriteThrottle throttle(kLimits);
  throttle.Judge({.level0_tables = 30, .free_disk_bytes = 499});
  EXPECT_FALSE(throttle.compaction_in_haste()) << "moving values gives disk back";
}

TEST(WriteThrottleTest, TheLowestRateCounts) {
  WriteThrottle throttle(kLimits);
  throttle.CompactionDone(100 << 20, 1'000'000);
  throttle.FlushDone(10 << 20, 10 << 20, 1'000'000);
  throttle.Judge({.memtable_bytes = 51, .level0_tables = 20});
  EXPECT_STREQ(throttle.reason(), "immutable memtables");
}

TEST(WriteThrottleTest, JustBeforeMemtablesStopThemWritesTrickle) {
  WriteThrottle throttle(kLimits);
  throttle.FlushDone(100 << 20, 100 << 20, 1'000'000);
  throttle.Judge({.memtable_bytes = 51});
  EXPECT_GT(throttle.rate(), uint64_t{190} << 20);
  throttle.Judge({.memtable_bytes = 100});
  EXPECT_EQ(throttle.rate(), WriteThrottle::kMinRate);
}

TEST(WriteThrottleTest, AFlushThatTakesLongerThanThoseBeforeItSlowsWritesMeanwhile) {
  WriteThrottle throttle(kLimits);
  throttle.FlushDone(100 << 20, 100 << 20, 1'000'000);
  const auto rate_after = [&](uint64_t micros) {
    throttle.Judge({.memtable_bytes = 75, .flush_bytes = 100 << 20, .flush_micros = micros});
    return static_cast<double>(throttle.rate());
  };
  const double expected = rate_after(500'000);
  EXPECT_EQ(rate_after(1'000'000), expected);
  EXPECT_NEAR(rate_after(2'000'000), expected / 2, expected / 1000);
  EXPECT_NEAR(rate_after(8'000'000), expected / 8, expected / 1000);
}

TEST(WriteThrottleTest, SaysWhetherCompactionWouldHelp) {
  WriteThrottle throttle(kLimits);
  const auto awaits = [&](const ThrottleLoad& load) {
    throttle.Judge(load);
    return throttle.awaits_compaction();
  };
  EXPECT_TRUE(awaits({.level0_tables = 20}));
  EXPECT_FALSE(awaits({.memtable_bytes = 100}));
  EXPECT_TRUE(awaits({.pending_bytes = 400}));
  EXPECT_TRUE(awaits({.free_disk_bytes = 400}));
  EXPECT_TRUE(awaits({.memtable_bytes = 100, .level0_tables = 15})) << "beside another reason";
  EXPECT_FALSE(awaits({}));
}

TEST(WriteThrottleTest, WritesComeAtTheRateInBurstsOfAFewMilliseconds) {
  WriteThrottle throttle(kLimits);
  throttle.FlushDone(100 << 20, 100 << 20, 1'000'000);
  throttle.Judge({.memtable_bytes = 80});
  const auto rate = static_cast<double>(throttle.rate());
  uint64_t now = 1'000'000;
  uint64_t written = 0, longest = 0;
  while (now < 2'000'000) {
    if (throttle.MayGo(now)) {
      throttle.Charge(1000, now);
      written += 1000;
    } else {
      longest = std::max(longest, throttle.DueAt() - now);
      now = throttle.DueAt();
    }
  }
  EXPECT_NEAR(static_cast<double>(written), rate, rate / 100);
  EXPECT_LT(longest, 2 * WriteThrottle::kBurstMicros);
}

TEST(WriteThrottleTest, AHugeBatchDoesNotStopThoseBehindIt) {
  WriteThrottle throttle(kLimits);
  throttle.Judge({.memtable_bytes = 99});
  throttle.Charge(uint64_t{1} << 40, 1'000'000);
  EXPECT_FALSE(throttle.MayGo(1'000'000));
  EXPECT_LE(throttle.DueAt(), 1'000'001 + WriteThrottle::kMaxDebtMicros);
  EXPECT_TRUE(throttle.MayGo(throttle.DueAt()));
}

TEST(WriteThrottleTest, HoweverSlowTheWorkIsWritesGoOn) {
  WriteThrottle throttle(kLimits);
  throttle.FlushDone(1, 1, 1'000'000'000);
  throttle.Judge({.free_disk_bytes = 0});
  EXPECT_EQ(throttle.rate(), WriteThrottle::kMinRate);
}

}  // namespace
}  // namespace nokv::engine
