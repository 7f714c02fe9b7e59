#include <gtest/gtest.h>

#include "base/random.h"
#include "bench/measure/scratch.h"
#include "bench/stress/oracle.h"
#include "bench/stress/stress_worker.h"
#include "nokv/db.h"

namespace nokv::bench {
namespace {

class StressTest : public ::testing::Test {
 protected:
  // A database and its oracle, with work done on it.
  Status Work(uint64_t millis) {
    work_.seed++;
    work_.millis = millis;
    return RunStressWork(work_);
  }
  std::unique_ptr<DB> OpenDb() { return *DB::Open({}, work_.directory); }
  std::unique_ptr<Oracle> OpenOracle() { return *Oracle::Open(work_.oracle, work_.keys); }
  // A key that is there, and one that is not.
  uint64_t KeyThat(bool present) {
    const auto oracle = OpenOracle();
    for (uint64_t key = 0; key < work_.keys; ++key) {
      if (oracle->Acknowledged(key).present == present) return key;
    }
    ADD_FAILURE() << "no such key";
    return 0;
  }

  const Scratch scratch_{::testing::TempDir()};
  StressWork work_{.directory = scratch_.path() + "/db",
                   .oracle = scratch_.path() + "/oracle",
                   .keys = 300,
                   .threads = 3};
};

TEST_F(StressTest, WorkGoesOnWithOtherOptions) {
  for (int round = 0; round < 4; ++round) {
    const Status status = Work(100);
    ASSERT_TRUE(status.ok()) << status;
  }
  EXPECT_GT(OpenOracle()->operations(), 100U);
}

TEST_F(StressTest, WhatIsLostIsFound) {
  ASSERT_TRUE(Work(200).ok());
  const uint64_t key = KeyThat(/*present=*/true);
  ASSERT_TRUE(OpenDb()->Delete({}, StressKey(key)).ok());
  const Status status = Work(0);
  EXPECT_EQ(status.code(), StatusCode::kDataLoss);
  EXPECT_NE(status.message().find(StressKey(key) + " has nothing"), std::string_view::npos)
      << status;
}

TEST_F(StressTest, WhatIsRisenFromTheDeadIsFound) {
  ASSERT_TRUE(Work(200).ok());
  const uint64_t key = KeyThat(/*present=*/false);
  ASSERT_TRUE(OpenDb()->Put({}, StressKey(key), StressValue(key, 1'000'000)).ok());
  EXPECT_EQ(Work(0).code(), StatusCode::kDataLoss);
}

TEST_F(StressTest, WhatIsMangledIsFound) {
  ASSERT_TRUE(Work(200).ok());
  const uint64_t key = KeyThat(/*present=*/true);
  const uint32_t version = OpenOracle()->Acknowledged(key).version;
  ASSERT_TRUE(OpenDb()->Put({}, StressKey(key), StressValue(key, version) + "x").ok());
  EXPECT_EQ(Work(0).message(), StressKey(key) + " has a mangled value");
}

TEST_F(StressTest, AKeyThatNobodyWroteIsFound) {
  ASSERT_TRUE(Work(50).ok());
  ASSERT_TRUE(OpenDb()->Put({}, "stranger", "x").ok());
  EXPECT_EQ(Work(0).message(), "nobody wrote the key stranger");
}

TEST_F(StressTest, AWriteThatWasOnItsWayMayBeThereOrNot) {
  ASSERT_TRUE(Work(200).ok());
  const uint64_t key = KeyThat(/*present=*/true);
  const KeyState state = OpenOracle()->Begin(key, true);
  ASSERT_TRUE(Work(0).ok());
  // From now on it must not come any more.
  ASSERT_TRUE(OpenDb()->Put({}, StressKey(key), StressValue(key, state.version)).ok());
  EXPECT_EQ(Work(0).code(), StatusCode::kDataLoss);
  // Whereas the next one may.
  const KeyState next = OpenOracle()->Begin(key, true);
  EXPECT_EQ(next.version, state.version + 1);
  ASSERT_TRUE(OpenDb()->Put({}, StressKey(key), StressValue(key, next.version)).ok());
  EXPECT_TRUE(Work(0).ok());
}

TEST(OracleTest, KeysSortAndAreReadBack) {
  EXPECT_LT(StressKey(99), StressKey(100));
  EXPECT_EQ(StressKeyNumber(StressKey(1234)), 1234U);
  EXPECT_EQ(StressKeyNumber("key12"), std::nullopt);
  EXPECT_EQ(StressKeyNumber("key0000000x"), std::nullopt);
}

TEST(OracleTest, ValuesTellVersionsApart) {
  EXPECT_EQ(StressValue(1, 2), StressValue(1, 2));
  EXPECT_NE(StressValue(1, 2), StressValue(1, 3));
  EXPECT_NE(StressValue(1, 2), StressValue(2, 2));
}

TEST(StressOptionsTest, SeedsGiveOtherOptionsAllOfThemValid) {
  const Scratch scratch(::testing::TempDir());
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const auto db = DB::Open(StressOptions(seed), scratch.path() + "/" + std::to_string(seed));
    EXPECT_TRUE(db.ok()) << seed << ": " << db.status();
  }
  EXPECT_NE(StressOptions(1).memtable_bytes + StressOptions(1).table_bytes,
            StressOptions(2).memtable_bytes + StressOptions(2).table_bytes);
}

}  // namespace
}  // namespace nokv::bench
