#include "coordinator/followed_clock.h"

#include <gtest/gtest.h>

namespace nokv::coordinator {
namespace {

constexpr uint64_t kDayMs = uint64_t{24} * 3600 * 1000;

TEST(FollowedClockTest, FollowsAClockThatRunsWell) {
  FollowedClock clock;
  clock.Begin(0, 1'000'000, 0);
  EXPECT_EQ(clock.Follow(1'000'000, 0), 1'000'000U);
  EXPECT_EQ(clock.Follow(1'000'050, 50'000), 1'000'050U);
  EXPECT_EQ(clock.Follow(1'060'050, 60'050'000), 1'060'050U);
  EXPECT_EQ(clock.behind_ms(), 0U);
}

TEST(FollowedClockTest, CatchesUpAtTwiceTheSpeed) {
  FollowedClock clock;
  clock.Begin(0, 1'000, 0);
  EXPECT_EQ(clock.Follow(1'000 + kDayMs, 1'000'000), 1'000U + 2'000);
  EXPECT_EQ(clock.behind_ms(), kDayMs - 2'000);
  EXPECT_EQ(clock.Follow(1'000 + kDayMs, kDayMs * 1'000), 1'000 + kDayMs);
}

TEST(FollowedClockTest, WaitsForAClockThatIsSetBack) {
  FollowedClock clock;
  clock.Begin(0, 50'000, 0);
  EXPECT_EQ(clock.Follow(10'000, 1'000'000), 50'000U);
  EXPECT_EQ(clock.Follow(49'000, 40'000'000), 50'000U);
  EXPECT_EQ(clock.Follow(51'000, 42'000'000), 51'000U);
}

TEST(FollowedClockTest, ManyShortStepsAreAsLongAsOne) {
  FollowedClock clock;
  clock.Begin(0, 1'000, 0);
  uint64_t followed = 0;
  for (uint64_t now_us = 0; now_us <= 1'000'000; now_us += 300) {
    followed = clock.Follow(1'000 + kDayMs, now_us);
  }
  EXPECT_NEAR(static_cast<double>(followed), 3'000.0, 2.0);
}

TEST(FollowedClockTest, ANewLeaseBelievesTheClockOnlySoFar) {
  FollowedClock clock;
  clock.Begin(1'000, 5'000, 0);
  EXPECT_EQ(clock.Follow(5'000, 0), 5'000U) << "the cluster was down for a while";
  clock.Begin(1'000, 1'000 + 50 * kMaxGapMs, 0);
  EXPECT_EQ(clock.Follow(1'000 + 50 * kMaxGapMs, 0), 1'000 + kMaxGapMs);
  clock.Begin(0, 50 * kMaxGapMs, 0);
  EXPECT_EQ(clock.Follow(50 * kMaxGapMs, 0), 50 * kMaxGapMs) << "there is nothing to compare with";
}

}  // namespace
}  // namespace nokv::coordinator
