#include "lsm/sst/key_index.h"

#include <gtest/gtest.h>

#include "lsm/sst/filter.h"

namespace nokv::lsm::internal {
namespace {

uint64_t HashOf(uint32_t i) {
  return Filter::HashOf("key" + std::to_string(i));
}

KeyPlace PlaceOf(uint32_t i) {
  return {.block = i / 128, .offset = i % 128 * 60};
}

std::string Build(uint32_t keys) {
  KeyIndexBuilder builder;
  PrefixHashes hashes;
  for (uint32_t i = 0; i < keys; i++) {
    builder.Add(PlaceOf(i));
    hashes.push_back(HashOf(i));
  }
  return builder.Finish(&hashes);
}

KeyIndex Make(uint32_t keys) {
  KeyIndex index;
  EXPECT_TRUE(index.Init(Build(keys)));
  return index;
}

TEST(KeyIndexTest, LeadsToEachKeyThatWasAdded) {
  for (const uint32_t keys : {1U, 2U, 11U, 12U, 13U, 200U, 5'000U, 100'000U}) {
    const KeyIndex index = Make(keys);
    uint32_t ambiguous = 0;
    for (uint32_t i = 0; i < keys; i++) {
      KeyPlace place;
      const KeyIndex::Answer answer = index.Find(HashOf(i), &place);
      ASSERT_NE(answer, KeyIndex::Answer::kAbsent) << keys << " " << i;
      const bool right = answer != KeyIndex::Answer::kPlace || place == PlaceOf(i);
      ASSERT_TRUE(right) << keys << " " << i;
      ambiguous += answer == KeyIndex::Answer::kAmbiguous ? 1 : 0;
    }
    EXPECT_LE(ambiguous, keys / 500) << keys;
  }
}

TEST(KeyIndexTest, DeniesNearlyAllOthersInSixAndAHalfBytesPerKey) {
  constexpr uint32_t kKeys = 100'000;
  const KeyIndex index = Make(kKeys);
  uint32_t passed = 0;
  for (uint32_t i = 0; i < kKeys; i++) {
    KeyPlace place;
    passed += index.Find(HashOf(kKeys + i), &place) == KeyIndex::Answer::kAbsent ? 0 : 1;
  }
  EXPECT_LT(passed, kKeys / 500);
  EXPECT_LT(index.bytes(), kKeys * 13 / 2);
}

TEST(KeyIndexTest, KeysOfOneHashAreAmbiguous) {
  KeyIndexBuilder builder;
  builder.Add({.block = 0, .offset = 0});
  builder.Add({.block = 3, .offset = 7});
  KeyIndex index;
  PrefixHashes hashes{42, 42};
  ASSERT_TRUE(index.Init(builder.Finish(&hashes)));
  EXPECT_TRUE(hashes.empty()) << "kept beside what was built of them";
  KeyPlace place;
  EXPECT_EQ(index.Find(42, &place), KeyIndex::Answer::kAmbiguous);
}

TEST(KeyIndexTest, IsNotBuiltOfNothingOrOfPlacesThatTakeTooManyBits) {
  PrefixHashes none;
  EXPECT_EQ(KeyIndexBuilder().Finish(&none), "");
  KeyIndexBuilder wide;
  wide.Add({.block = 1U << 16, .offset = 1U << 13});
  PrefixHashes one{1};
  EXPECT_EQ(wide.Finish(&one), "");
  EXPECT_EQ(one.size(), 1) << "the filter needs it";
}

TEST(KeyIndexTest, RefusesWhatIsNoIndexAndSurvivesWhatIsOnlyDamaged) {
  KeyIndex index;
  EXPECT_FALSE(index.Init(""));
  EXPECT_FALSE(index.Init(std::string(64, '\0')));
  std::string contents = Build(100);
  contents.back() = 64;  // more bits than a slot has
  EXPECT_FALSE(index.Init(contents));
  // Every line says that it has more slots than there are, and that prefixes went on.
  ASSERT_TRUE(index.Init(std::string(640, '\xff') + std::string("\x08\x0d", 2)));
  KeyPlace place;
  EXPECT_EQ(index.Find(1, &place), KeyIndex::Answer::kAbsent);
  EXPECT_EQ(index.Find(UINT64_MAX, &place), KeyIndex::Answer::kAmbiguous);
}

}  // namespace
}  // namespace nokv::lsm::internal
