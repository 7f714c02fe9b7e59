#include "engine/background_pace.h"

#include <gtest/gtest.h>

namespace nokv::engine {
namespace {

constexpr uint64_t kSecond = 1'000'000;

TEST(BackgroundPaceTest, NoRateIsNoLimit) {
  BackgroundPace pace(0);
  pace.Charge(WorkClass::kFlush, 1 << 30, 5);
  EXPECT_EQ(pace.Delay(WorkClass::kRelocation, 5), 0U);
}

TEST(BackgroundPaceTest, WorkPaysForItsBytesAndSavesNothingUp) {
  BackgroundPace pace(1000);
  pace.Charge(WorkClass::kCompaction, 500, 100 * kSecond);
  EXPECT_EQ(pace.Delay(WorkClass::kCompaction, 100 * kSecond), kSecond / 2 + 1);
  EXPECT_EQ(pace.Delay(WorkClass::kCompaction, 100 * kSecond + kSecond / 2), 0U);
  // A long rest is no credit.
  pace.Charge(WorkClass::kCompaction, 1000, 200 * kSecond);
  EXPECT_EQ(pace.Delay(WorkClass::kCompaction, 200 * kSecond), kSecond + 1);
}

TEST(BackgroundPaceTest, EachClassHasWhatThoseAboveItLeave) {
  BackgroundPace pace(1000);
  pace.Charge(WorkClass::kOrdering, 1000, kSecond);
  EXPECT_EQ(pace.Delay(WorkClass::kRelocation, kSecond), 0U);
  pace.Charge(WorkClass::kRelocation, 1000, kSecond);
  EXPECT_EQ(pace.Delay(WorkClass::kCompaction, kSecond), 0U);
  pace.Charge(WorkClass::kCompaction, 1000, kSecond);
  EXPECT_EQ(pace.Delay(WorkClass::kFlush, kSecond), 0U);
  pace.Charge(WorkClass::kFlush, 1000, kSecond);
  EXPECT_EQ(pace.Delay(WorkClass::kFlush, kSecond), kSecond + 1);
  EXPECT_EQ(pace.Delay(WorkClass::kCompaction, kSecond), 2 * kSecond + 1);
  EXPECT_EQ(pace.Delay(WorkClass::kRelocation, kSecond), 3 * kSecond + 1);
  EXPECT_EQ(pace.Delay(WorkClass::kOrdering, kSecond), 4 * kSecond + 1);
}

TEST(BackgroundPaceTest, WhatIsForgivenIsEven) {
  BackgroundPace pace(1000);
  pace.Charge(WorkClass::kFlush, 1'000'000, kSecond);
  pace.Forgive();
  EXPECT_EQ(pace.Delay(WorkClass::kRelocation, kSecond), 0U);
}

}  // namespace
}  // namespace nokv::engine
