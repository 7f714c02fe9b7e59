#include "vlog/value_runs.h"

#include <gtest/gtest.h>

namespace nokv::vlog {
namespace {

constexpr uint64_t kKiB = 1024;

ValuePointer At(uint64_t offset, uint32_t length = 1000, uint64_t file = 1) {
  return {{file, ValueFileId::Kind::kMoved}, offset, length, 0};
}

void Expect(const ValueRuns::Extent& extent, uint64_t begin, uint64_t end) {
  EXPECT_EQ(extent.begin, begin);
  EXPECT_EQ(extent.end, end);
}

TEST(ValueRunsTest, ValuesBehindEachOtherAreInOrderAndOthersAreNot) {
  ValueRuns runs;
  runs.Restart(/*forward=*/true);
  EXPECT_TRUE(runs.Add(At(50'000))) << "a scan has to begin somewhere";
  EXPECT_TRUE(runs.Add(At(51'008)));
  EXPECT_TRUE(runs.Add(At(55'000))) << "a page further";
  EXPECT_FALSE(runs.Add(At(65'000)));
  EXPECT_FALSE(runs.Add(At(40'000))) << "it goes the other way";
  EXPECT_FALSE(runs.Add(At(41'008, 1000, /*file=*/2)));
}

TEST(ValueRunsTest, BackwardsTheNextValueLiesBefore) {
  ValueRuns runs;
  runs.Restart(/*forward=*/false);
  EXPECT_TRUE(runs.Add(At(50'000)));
  EXPECT_TRUE(runs.Add(At(48'992)));
  EXPECT_FALSE(runs.Add(At(51'008)));
}

TEST(ValueRunsTest, RunsInSomePlacesMayTakeTurns) {
  ValueRuns runs;
  runs.Restart(/*forward=*/true);
  for (uint64_t i = 0; i < 10; i++) {
    for (uint64_t file = 1; file <= 4; file++) {
      EXPECT_EQ(runs.Add(At(50'000 + 1008 * i, 1000, file)), i > 0 || file == 1) << i << file;
    }
  }
  // A fifth takes the place of the one that was not met for longest.
  EXPECT_FALSE(runs.Add(At(0, 1000, /*file=*/5)));
  EXPECT_FALSE(runs.Add(At(50'000 + 1008 * 10, 1000, /*file=*/1)));
  EXPECT_TRUE(runs.Add(At(50'000 + 1008 * 10, 1000, /*file=*/4)));
}

TEST(ValueRunsTest, AfterARestartNothingIsKnown) {
  ValueRuns runs;
  runs.Restart(/*forward=*/true);
  runs.Add(At(0));
  runs.Add(At(50'000));
  runs.Restart(/*forward=*/true);
  EXPECT_TRUE(runs.Add(At(90'000)));
}

TEST(ValueRunsTest, OfAValueAloneNoMoreIsRead) {
  ValueRuns runs;
  runs.Restart(/*forward=*/true);
  runs.Add(At(50'000));
  Expect(runs.Ahead(At(50'000)), 50'000, 51'000);
  runs.Add(At(90'000));
  Expect(runs.Ahead(At(90'000)), 90'000, 91'000);
}

TEST(ValueRunsTest, ARunIsReadAheadInLargerAndLargerPieces) {
  ValueRuns runs;
  runs.Restart(/*forward=*/true);
  uint64_t told = 0;
  uint64_t pieces = 0;
  uint64_t largest = 0;
  for (uint64_t i = 0; i < 2000; i++) {
    const ValuePointer value = At(1008 * i);
    runs.Add(value);
    if (i == 0) continue;
    const ValueRuns::Extent ahead = runs.Ahead(value);
    if (ahead.begin == ahead.end) continue;
    if (pieces == 0) {
      Expect(ahead, 1008, 1008 + 32 * kKiB);
    } else {
      EXPECT_LE(ahead.begin - told, 8U) << "piece behind piece";
    }
    EXPECT_LE(ahead.begin, value.end());
    told = ahead.end;
    largest = std::max(largest, ahead.end - ahead.begin);
    pieces++;
  }
  EXPECT_EQ(largest, 256 * kKiB);
  EXPECT_LT(pieces, 25U);
  EXPECT_GE(told, 1008U * 2000);
}

TEST(ValueRunsTest, ARunThatGoesBackwardsIsReadAheadToo) {
  ValueRuns runs;
  runs.Restart(/*forward=*/false);
  const uint64_t end = uint64_t{1008} * 2000;
  uint64_t told = end;
  for (uint64_t i = 1; i <= 2000; i++) {
    const ValuePointer value = At(end - 1008 * i);
    runs.Add(value);
    if (i == 1) continue;
    const ValueRuns::Extent ahead = runs.Ahead(value);
    if (ahead.begin == ahead.end) continue;
    if (told == end) {
      Expect(ahead, value.end() - 32 * kKiB, value.end());
    } else {
      EXPECT_LE(told - ahead.end, 8U);
    }
    EXPECT_LE(ahead.begin, value.offset);
    told = ahead.begin;
  }
  EXPECT_EQ(told, 0U);
}

TEST(ValueRunsTest, AValueThatIsLongerThanAPieceIsReadWhole) {
  for (const bool forward : {true, false}) {
    ValueRuns runs;
    runs.Restart(forward);
    const uint64_t first = forward ? 1'000'000 : 1'100'000;
    const uint64_t second = forward ? 1'100'000 : 1'000'000;
    runs.Add(At(first, 99'000));
    runs.Add(At(second, 99'000));
    const ValueRuns::Extent ahead = runs.Ahead(At(second, 99'000));
    EXPECT_LE(ahead.begin, second);
    EXPECT_GE(ahead.end, second + 99'000);
  }
}

}  // namespace
}  // namespace nokv::vlog
