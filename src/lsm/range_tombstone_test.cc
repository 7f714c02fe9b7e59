#include "lsm/range_tombstone.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/random.h"

namespace nokv::lsm {
namespace {

std::string Point(uint64_t n) {
  std::string key(1, '\x01');
  // Some keys are prefixes of others.
  key += static_cast<char>('a' + n / 3);
  key.append(n % 3, '\0');
  return key;
}

TEST(RangeTombstoneSetTest, AgreesWithAScanOverAllTombstones) {
  for (uint64_t seed = 0; seed < 300; seed++) {
    base::Random random(seed);
    std::vector<RangeTombstone> all;
    const uint64_t count = random.Uniform(20);
    for (uint64_t i = 0; i < count; i++) {
      all.push_back({Point(random.Uniform(30)), Point(random.Uniform(30)), 1 + random.Uniform(9)});
    }
    const auto set = RangeTombstoneSet::Build(all);
    for (uint64_t n = 0; n < 30; n++) {
      for (const keys::SequenceNumber snapshot : {keys::SequenceNumber{0}, keys::SequenceNumber{4},
                                                  keys::SequenceNumber{7}, keys::kMaxSequence}) {
        keys::SequenceNumber expected = 0;
        for (const RangeTombstone& t : all) {
          if (t.start <= Point(n) && Point(n) < t.end && t.sequence <= snapshot) {
            expected = std::max(expected, t.sequence);
          }
        }
        ASSERT_EQ(set->MaxCovering(Point(n), snapshot), expected) << "seed " << seed << " n " << n;
      }
    }
  }
}

TEST(RangeTombstoneSetTest, FragmentsAreSortedApartAndNewestFirst) {
  base::Random random(5);
  std::vector<RangeTombstone> all;
  for (int i = 0; i < 200; i++) {
    all.push_back({Point(random.Uniform(60)), Point(random.Uniform(60)), 1 + random.Uniform(50)});
  }
  const auto set = RangeTombstoneSet::Build(all);
  const auto& fragments = set->fragments();
  ASSERT_FALSE(fragments.empty());
  for (size_t i = 0; i < fragments.size(); i++) {
    EXPECT_LT(fragments[i].start, fragments[i].end);
    if (i > 0) {
      EXPECT_LE(fragments[i - 1].end, fragments[i].start);
    }
    const auto& sequences = fragments[i].sequences;
    EXPECT_TRUE(std::is_sorted(sequences.begin(), sequences.end(), std::greater_equal<>()));
  }
}

TEST(RangeTombstoneSetTest, EmptyAndInvertedRangesCoverNothing) {
  const auto set = RangeTombstoneSet::Build({{"\x01x", "\x01x", 5}, {"\x01z", "\x01y", 6}});
  EXPECT_TRUE(set->empty());
  EXPECT_EQ(set->MaxCovering("\x01x", keys::kMaxSequence), 0U);
}

TEST(RangeTombstoneSetTest, NeighboursThatSayTheSameAreOneFragment) {
  const auto set = RangeTombstoneSet::Build({{"\x01"
                                              "a",
                                              "\x01"
                                              "m",
                                              5},
                                             {"\x01m", "\x01z", 5}});
  ASSERT_EQ(set->fragments().size(), 1U);
  EXPECT_EQ(set->fragments()[0].end, "\x01z");
}

}  // namespace
}  // namespace nokv::lsm
