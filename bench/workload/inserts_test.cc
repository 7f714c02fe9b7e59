#include "bench/workload/inserts.h"

#include <gtest/gtest.h>

#include "runtime/thread.h"

namespace nokv::bench {
namespace {

TEST(InsertsTest, WhatHasArrivedHasNoGaps) {
  Inserts inserts(100);
  EXPECT_EQ(inserts.arrived(), 100U);
  EXPECT_EQ(inserts.Begin(), 100U);
  EXPECT_EQ(inserts.Begin(), 101U);
  EXPECT_EQ(inserts.Begin(), 102U);
  inserts.End(101);
  inserts.End(102);
  EXPECT_EQ(inserts.arrived(), 100U);
  inserts.End(100);
  EXPECT_EQ(inserts.arrived(), 103U);
}

TEST(InsertsTest, AllArriveWhateverTheThreadsDo) {
  constexpr uint64_t kEach = 50'000;
  Inserts inserts(7);
  {
    std::vector<std::unique_ptr<runtime::Thread>> threads;
    for (int i = 0; i < 4; ++i) {
      threads.push_back(runtime::StartThread("insert", [&] {
        for (uint64_t n = 0; n < kEach; ++n) inserts.End(inserts.Begin());
      }));
    }
  }
  EXPECT_EQ(inserts.arrived(), 7 + 4 * kEach);
}

TEST(TouchedRecordsTest, CountsEachRecordOnce) {
  TouchedRecords touched(130);
  EXPECT_EQ(touched.Count(), 0U);
  for (const uint64_t record : {0, 63, 64, 129, 64}) touched.Add(record);
  EXPECT_EQ(touched.Count(), 4U);
}

}  // namespace
}  // namespace nokv::bench
