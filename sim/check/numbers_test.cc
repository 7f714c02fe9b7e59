#include "sim/check/numbers.h"

#include <gtest/gtest.h>

namespace nokv::sim {
namespace {

GivenNumbers Timestamps(uint64_t first, uint64_t invoked_us, uint64_t returned_us,
                        uint64_t generation = 1, uint64_t holder = 1) {
  return {.timestamps = true,
          .first = first,
          .count = 10,
          .generation = generation,
          .holder = holder,
          .invoked_us = invoked_us,
          .returned_us = returned_us};
}

TEST(NumbersTest, WhatRisesAndComesOncePasses) {
  GivenNumbers ids = Timestamps(15, 0, 5);
  ids.timestamps = false;
  // The first two overlap in time, and so may come in any order.
  EXPECT_TRUE(CheckNumbers({Timestamps(20, 0, 10), Timestamps(10, 5, 12), Timestamps(30, 13, 14),
                            Timestamps(90, 20, 21, 2, 2), ids})
                  .empty());
  EXPECT_TRUE(CheckNumbers({}).empty());
}

TEST(NumbersTest, ANumberThatComesTwiceIsFound) {
  const auto found = CheckNumbers({Timestamps(10, 0, 10), Timestamps(19, 0, 10)});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].substr(0, 12), "given twice:");
  EXPECT_TRUE(CheckNumbers({Timestamps(10, 0, 10), Timestamps(20, 0, 10)}).empty());
}

TEST(NumbersTest, TimestampsThatFallInRealTimeAreFound) {
  const auto found = CheckNumbers({Timestamps(50, 0, 10), Timestamps(10, 11, 12, 2, 2)});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].substr(0, 7), "fallen:");
  GivenNumbers high = Timestamps(50, 0, 10);
  GivenNumbers low = Timestamps(10, 11, 12);
  high.timestamps = low.timestamps = false;
  EXPECT_TRUE(CheckNumbers({high, low}).empty()) << "ids need not rise";
}

TEST(NumbersTest, TwoProcessesOfOneGenerationAreFound) {
  const auto found = CheckNumbers({Timestamps(10, 0, 10, 3, 1), Timestamps(50, 20, 30, 3, 2)});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].substr(0, 12), "two holders:");
  EXPECT_TRUE(CheckNumbers({Timestamps(10, 0, 10, 3, 1), Timestamps(50, 20, 30, 3, 0)}).empty())
      << "nobody knows who the other one was";
}

}  // namespace
}  // namespace nokv::sim
