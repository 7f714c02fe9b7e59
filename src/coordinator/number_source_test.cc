#include "coordinator/number_source.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "coordinator/timestamp.h"

namespace nokv::coordinator {
namespace {

using Kind = NumberSource::Kind;

TEST(NumberSourceTest, GivesNothingWithoutALeaseAndAWindow) {
  NumberSource ids(Kind::kIds, 1000, 1);
  EXPECT_EQ(ids.Take(1, 0), std::nullopt);
  EXPECT_EQ(ids.Wanted(0), std::nullopt);
  ids.Begin(1, 50);
  EXPECT_EQ(ids.Take(1, 0), std::nullopt);
  const auto until = ids.Wanted(0);
  ASSERT_TRUE(until.has_value());
  ids.Reserved(1, *until);
  EXPECT_EQ(ids.Take(3, 0), 50U);
  EXPECT_EQ(ids.Take(1, 0), 53U);
  ids.End();
  EXPECT_EQ(ids.Take(1, 0), std::nullopt);
}

TEST(NumberSourceTest, StaysInsideItsWindow) {
  NumberSource ids(Kind::kIds, 1000, 1);
  ids.Begin(1, 1);
  ids.Reserved(1, 11);
  EXPECT_EQ(ids.Take(0, 0), std::nullopt);
  EXPECT_EQ(ids.Take(11, 0), std::nullopt);
  EXPECT_EQ(ids.Take(10, 0), 1U);
  EXPECT_EQ(ids.Take(1, 0), std::nullopt);
  ids.Reserved(1, 5);
  EXPECT_EQ(ids.until(), 11U) << "a window never shrinks";
  EXPECT_EQ(ids.Take(kMaxCount + 1, 0), std::nullopt);
}

TEST(NumberSourceTest, AWindowOfAnOlderGenerationIsNoWindow) {
  NumberSource ids(Kind::kIds, 1000, 1);
  ids.Begin(1, 1);
  ids.Begin(3, 500);
  ids.Reserved(1, 100'000);
  EXPECT_EQ(ids.Take(1, 0), std::nullopt);
  ids.Reserved(3, 600);
  EXPECT_EQ(ids.Take(1, 0), 500U);
}

TEST(NumberSourceTest, AsksBeforeTheWindowIsEmpty) {
  NumberSource ids(Kind::kIds, 1'000'000, 1);
  ids.Begin(1, 1);
  EXPECT_EQ(ids.Wanted(0), 1'000'001U);
  ids.Reserved(1, 1'000'001);
  EXPECT_EQ(ids.Wanted(0), std::nullopt);
  for (int i = 0; i < 9; i++) ASSERT_TRUE(ids.Take(60'000, 0).has_value());
  EXPECT_EQ(ids.Wanted(0), 540'001U + 1'000'000U) << "from what is given out next";
}

TEST(NumberSourceTest, TimestampsFollowTheClockAndNeverGoBackWithIt) {
  NumberSource source(Kind::kTimestamps, 3000, 1);
  source.Begin(1, 1);
  const uint64_t until = source.Wanted(1000).value_or(0);
  EXPECT_EQ(until, TimestampAt(4000));
  source.Reserved(1, until);
  EXPECT_EQ(source.Take(2, 1000), TimestampAt(1000));
  EXPECT_EQ(source.Take(1, 1000), TimestampAt(1000) + 2);
  EXPECT_EQ(source.Take(1, 1001), TimestampAt(1001));
  EXPECT_EQ(source.Take(1, 10), TimestampAt(1001) + 1) << "the clock went back";
  EXPECT_EQ(source.Take(1, 5000), std::nullopt) << "the clock is beyond the window";
  source.Reserved(1, source.Wanted(5000).value_or(0));
  EXPECT_EQ(PhysicalMs(source.Take(1, 5000).value_or(0)), 5000U);
}

TEST(NumberSourceTest, BeginsAboveWhatOthersGaveAway) {
  NumberSource source(Kind::kTimestamps, 3000, 7);
  source.Begin(1, 1);
  EXPECT_EQ(source.next(), 7U) << "the least that is wanted";
  source.Begin(2, TimestampAt(9000));
  source.Reserved(2, TimestampAt(9100));
  EXPECT_EQ(source.Take(1, 1000), TimestampAt(9000));
}

TEST(NumberSourceTest, AClockWithoutSenseDoesNotOverflow) {
  NumberSource source(Kind::kTimestamps, UINT64_MAX, 1);
  source.Begin(1, 1);
  const auto until = source.Wanted(UINT64_MAX);
  ASSERT_TRUE(until.has_value());
  source.Reserved(1, *until);
  EXPECT_TRUE(source.Take(1, UINT64_MAX).has_value());
  NumberSource ids(Kind::kIds, 1000, 1);
  ids.Begin(1, UINT64_MAX - 5);
  EXPECT_EQ(ids.Wanted(0), std::nullopt) << "there are no more";
}

// Three sources take turns at one fence, and whatever the clocks do no number comes twice.
TEST(NumberSourceTest, HoldersAfterEachOtherNeverGiveOneNumberTwice) {
  for (uint64_t seed = 1; seed <= 20; seed++) {
    base::Random random(seed);
    std::set<uint64_t> given;
    uint64_t fence = 1;
    uint64_t last = 0;
    for (uint64_t generation = 1; generation <= 30; generation++) {
      NumberSource source(Kind::kTimestamps, 1 + random.Uniform(100), 1);
      source.Begin(generation, fence);
      for (int i = 0; i < 20; i++) {
        const uint64_t wall_ms = random.Uniform(10'000);
        if (const auto until = source.Wanted(wall_ms); until.has_value() && random.OneIn(2)) {
          ASSERT_GT(*until, fence);
          fence = *until;
          source.Reserved(generation, *until);
        }
        const uint64_t count = 1 + random.Uniform(4);
        const auto first = source.Take(count, wall_ms);
        if (!first.has_value()) continue;
        ASSERT_GT(*first, last);
        for (uint64_t n = *first; n < *first + count; n++) ASSERT_TRUE(given.insert(n).second);
        last = *first + count - 1;
        ASSERT_LT(last, fence);
      }
    }
    EXPECT_GT(given.size(), 500U);
  }
}

}  // namespace
}  // namespace nokv::coordinator
