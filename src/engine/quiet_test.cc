// What is done while little is written.
#include <gtest/gtest.h>

#include "engine/engine_test_util.h"

namespace nokv::engine {
namespace {

constexpr uint64_t kLookMicros = 100'000;
constexpr int kFlushes = 3;
constexpr int kKeys = 10;

class QuietTest : public testing::Test {
 protected:
  // Three tables in level 0 that point to values.
  void Load() {
    options_.value_separation_threshold = 100;
    h_.Open(options_);
    for (int i = 0; i < kFlushes; i++) {
      for (int key = 0; key < kKeys; key++) h_.Put("k" + std::to_string(key), Value(i));
      ASSERT_TRUE(h_.db->Flush().ok());
    }
    h_.runtime->RunReady();
    ASSERT_EQ(Level0(), kFlushes);
  }
  static std::string Value(int round) { return std::string(1000, static_cast<char>('a' + round)); }
  int64_t Level0() {
    const auto levels = h_.db->Stats().levels;
    return levels.empty() || levels[0].level != 0 ? 0 : levels[0].tables;
  }
  uint64_t Now() { return h_.runtime->clock().MonotonicMicros(); }

  Options options_ = SmallOptions();
  EngineHarness h_;
};

TEST_F(QuietTest, Level0IsMergedDownWhenNothingIsWritten) {
  Load();
  h_.runtime->Advance(kLookMicros - 1);
  EXPECT_EQ(Level0(), kFlushes);
  // The first look may have begun before the last write.
  h_.runtime->Advance(kLookMicros + 1);
  EXPECT_EQ(Level0(), 0);
  for (int key = 0; key < kKeys; key++) {
    EXPECT_EQ(h_.Get("k" + std::to_string(key)), Value(kFlushes - 1));
  }
}

TEST_F(QuietTest, Level0IsLeftAloneWhileMuchIsWrittenAndMergedWhenItIsLittle) {
  Load();
  const std::string much(options_.memtable_bytes / 1000, 'm');
  for (int i = 0; i < 20; i++) {
    h_.Put("busy", much);
    h_.runtime->Advance(kLookMicros);
  }
  EXPECT_EQ(Level0(), kFlushes);
  // A little each time, which is not nothing.
  for (int i = 0; i < 2; i++) {
    h_.Put("k", "v");
    h_.runtime->Advance(kLookMicros);
  }
  EXPECT_EQ(Level0(), 0);
}

TEST_F(QuietTest, Level0IsMergedDownAfterAReopenToo) {
  Load();
  h_.Open(options_);
  ASSERT_EQ(Level0(), kFlushes);
  h_.runtime->Advance(kLookMicros);
  EXPECT_EQ(Level0(), 0);
}

TEST_F(QuietTest, ACloseDoesNotWaitForTheNextLook) {
  Load();
  const uint64_t before = Now();
  ASSERT_TRUE(h_.db->Close().ok());
  EXPECT_LT(Now() - before, kLookMicros);
}

// Of entries that have their values with them, a merge would write as much as was put.
TEST_F(QuietTest, TablesWithTheirValuesInsideAreLeftAlone) {
  for (int i = 0; i < kFlushes; i++) {
    if (i == 0) h_.Open(options_);
    for (int key = 0; key < kKeys; key++) h_.Put("k" + std::to_string(key), Value(i));
    ASSERT_TRUE(h_.db->Flush().ok());
  }
  h_.runtime->Advance(10 * kLookMicros);
  EXPECT_EQ(Level0(), kFlushes);
}

}  // namespace
}  // namespace nokv::engine
