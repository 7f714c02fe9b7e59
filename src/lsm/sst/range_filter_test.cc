#include "lsm/sst/range_filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/random.h"

namespace nokv::lsm::internal {
namespace {

using Keys = std::set<std::string>;

// A filter over `keys`, so many in a block, and the last key of each block.
struct Built {
  RangeFilter filter;
  std::vector<std::string> last;

  Built(const Keys& keys, size_t per_block) {
    RangeFilterBuilder builder;
    size_t in_block = 0;
    for (const std::string& key : keys) {
      builder.AddPrefix(key);
      builder.AddPrefix(key);  // an older version
      if (++in_block == per_block || key == *keys.rbegin()) {
        builder.EndBlock();
        last.push_back(key);
        in_block = 0;
      }
    }
    EXPECT_TRUE(filter.Init(builder.Finish(), last.size()));
  }
  // What a table would answer.
  bool MayHold(std::string_view begin, std::string_view end) const {
    const auto block = std::lower_bound(last.begin(), last.end(), begin);
    if (block == last.end()) return false;
    return filter.MayHold(static_cast<size_t>(block - last.begin()), *block, begin, end);
  }
};

bool Holds(const Keys& keys, const std::string& begin, const std::string& end) {
  const auto key = keys.lower_bound(begin);
  return key != keys.end() && *key < end;
}

std::string Digits(base::Random& random, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; i++) text += static_cast<char>('0' + random.Uniform(10));
  return text;
}

// Of few letters, so that keys, and what is asked for, often begin alike.
std::string Letters(base::Random& random, std::string_view letters, uint64_t longest) {
  std::string text;
  const uint64_t length = random.Uniform(longest + 1);
  for (uint64_t i = 0; i < length; i++) text += letters[random.Uniform(letters.size())];
  return text;
}

TEST(RangeFilterTest, NeverDeniesARangeThatHoldsAKey) {
  const uint64_t seed = 20261126;
  base::Random random(seed);
  const std::string_view some("bdx", 3);
  const std::string_view all("abcdxyz\0\xff", 9);
  for (int round = 0; round < 300; round++) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " round " + std::to_string(round));
    const uint64_t longest = 1 + random.Uniform(random.OneIn(10) ? 300 : 8);
    Keys keys;
    const uint64_t count = 1 + random.Uniform(60);
    while (keys.size() < count / 2 + 1) {
      keys.insert(Letters(random, random.OneIn(4) ? all : some, longest + 3));
    }
    const Built built(keys, 1 + random.Uniform(20));
    for (int i = 0; i < 200; i++) {
      std::string begin = Letters(random, all, longest);
      std::string end = Letters(random, all, longest);
      if (end < begin) std::swap(begin, end);
      if (begin == end || !Holds(keys, begin, end)) continue;
      ASSERT_TRUE(built.MayHold(begin, end))
          << testing::PrintToString(begin) << " to " << testing::PrintToString(end);
    }
    for (const std::string& key : keys) ASSERT_TRUE(built.MayHold(key, key + '\0'));
  }
}

TEST(RangeFilterTest, DeniesNearlyAllShortRangesBetweenItsKeys) {
  base::Random random(7);
  Keys keys;
  while (keys.size() < 20'000) keys.insert("user" + Digits(random, 20));
  const Built built(keys, 80);
  int empty = 0;
  int passed = 0;
  for (int i = 0; i < 20'000; i++) {
    // A millionth of all, where a key stands for fifty.
    const std::string begin = "user" + Digits(random, 6);
    const std::string end = begin + ":";
    if (Holds(keys, begin, end)) continue;
    empty++;
    passed += built.MayHold(begin, end) ? 1 : 0;
  }
  EXPECT_GT(empty, 19'000);
  EXPECT_LT(passed, empty / 100);
  EXPECT_LT(built.filter.bytes(), keys.size() * 23 / 10);
}

TEST(RangeFilterTest, TellsGroupsOfKeysApartThatBeginAlike) {
  Keys keys;
  for (int user = 0; user < 4000; user += 2) {
    for (int field = 0; field < 5; field++) {
      keys.insert("h:" + std::to_string(1'000'000 + user) + ":field" + std::to_string(field));
    }
  }
  const Built built(keys, 80);
  int passed = 0;
  for (int user = 0; user < 4000; user++) {
    const std::string begin = "h:" + std::to_string(1'000'000 + user) + ":";
    const std::string end = "h:" + std::to_string(1'000'000 + user) + ";";
    if (user % 2 == 0) {
      ASSERT_TRUE(built.MayHold(begin, end)) << user;
    } else {
      passed += built.MayHold(begin, end) ? 1 : 0;
    }
  }
  EXPECT_LT(passed, 60) << "of 2000";
}

TEST(RangeFilterTest, EmptyKeysAndLongOnesHaveTheirPlace) {
  const Keys keys{"", std::string(300, 'a'), std::string(300, 'a') + "b", std::string(400, 'a')};
  for (const size_t per_block : {1, 2, 4}) {
    const Built built(keys, per_block);
    for (const std::string& key : keys) EXPECT_TRUE(built.MayHold(key, key + '\0')) << key;
    EXPECT_FALSE(built.MayHold("b", "c"));
  }
}

TEST(RangeFilterTest, RefusesWhatIsNoFilterOfSoManyBlocks) {
  RangeFilter filter;
  EXPECT_TRUE(filter.MayHold(0, "k", "a", "b")) << "no filter denies nothing";
  EXPECT_FALSE(filter.Init("", 0));
  EXPECT_FALSE(filter.Init("", 1));
  RangeFilterBuilder builder;
  for (const char* key : {"a", "b", "c"}) {
    builder.AddPrefix(key);
    builder.EndBlock();
  }
  const std::string contents = builder.Finish();
  EXPECT_FALSE(filter.Init(contents, 2));
  EXPECT_FALSE(filter.Init(contents, 4));
  EXPECT_FALSE(filter.Init(contents + "x", 3));
  EXPECT_FALSE(filter.Init(contents + "xy", 3));
  std::string shifted = contents;
  shifted[15] = 64;
  EXPECT_FALSE(filter.Init(shifted, 3));
  EXPECT_TRUE(filter.Init(contents, 3));
}

}  // namespace
}  // namespace nokv::lsm::internal
