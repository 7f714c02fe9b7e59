#include "redis/known_keys.h"

#include <gtest/gtest.h>

#include <string>

namespace nokv::redis {
namespace {

TEST(KnownKeysTest, KnowsWhatWasAddedAndNotWhatWasRemoved) {
  KnownKeys known;
  EXPECT_FALSE(known.Contains(""));
  for (const char* key : {"", "a", "b"}) known.Add(key);
  EXPECT_TRUE(known.Contains("") && known.Contains("a") && known.Contains("b"));
  EXPECT_FALSE(known.Contains("c"));
  known.Remove("a");
  known.Remove("c");
  EXPECT_FALSE(known.Contains("a"));
  EXPECT_TRUE(known.Contains("b"));
  known.Clear();
  EXPECT_FALSE(known.Contains("") || known.Contains("b"));
}

TEST(KnownKeysTest, KnowsNearlyAllKeysWhereThereIsRoomForMore) {
  KnownKeys known;
  constexpr size_t kKeys = KnownKeys::kSlots * 2 / 5;
  for (size_t i = 0; i < kKeys; ++i) known.Add("key:" + std::to_string(i));
  size_t kept = 0;
  for (size_t i = 0; i < kKeys; ++i) kept += known.Contains("key:" + std::to_string(i)) ? 1 : 0;
  EXPECT_GT(kept, kKeys * 9 / 10);
}

TEST(KnownKeysTest, NeverTakesOneKeyForAnother) {
  KnownKeys known;
  const auto key = [](size_t i) { return "key:" + std::to_string(i); };
  // Twice as many as there is room for: every slot is taken by several in turn.
  for (size_t i = 0; i < 2 * KnownKeys::kSlots; ++i) known.Add(key(i));
  size_t kept = 0;
  for (size_t i = 0; i < 2 * KnownKeys::kSlots; ++i) {
    kept += known.Contains(key(i)) ? 1 : 0;
    ASSERT_FALSE(known.Contains(key(i) + "x"));
  }
  EXPECT_GT(kept, KnownKeys::kSlots / 2);
  EXPECT_LE(kept, KnownKeys::kSlots);
  const std::string longest(63, 'k');
  known.Add(longest);
  EXPECT_TRUE(known.Contains(longest));
  known.Add(longest + "k");
  EXPECT_FALSE(known.Contains(longest + "k"));
  EXPECT_TRUE(known.Contains(longest));
}

}  // namespace
}  // namespace nokv::redis
