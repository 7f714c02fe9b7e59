#include "bench/workload/distribution.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace nokv::bench {
namespace {

constexpr uint64_t kItems = 10'000;
constexpr uint64_t kDraws = 1'000'000;

TEST(ZipfianTest, RanksComeAsOftenAsTheirProbabilitySays) {
  const Zipfian zipfian(kItems);
  base::Random random(1);
  std::vector<uint64_t> counts(kItems);
  for (uint64_t i = 0; i < kDraws; ++i) counts.at(zipfian.Draw(random))++;
  double sum = 0;
  for (uint64_t rank = 0; rank < kItems; ++rank) sum += zipfian.Probability(rank);
  EXPECT_NEAR(sum, 1, 1e-9);
  // The first two are drawn exactly, the others by Gray's approximation.
  for (const uint64_t rank : {0, 1}) {
    const double expected = zipfian.Probability(rank) * kDraws;
    EXPECT_NEAR(static_cast<double>(counts[rank]), expected, 5 * std::sqrt(expected)) << rank;
  }
  // Shares of the most popular hundredth and tenth; the approximation gives them a little more.
  for (const uint64_t ranks : {kItems / 100, kItems / 10}) {
    double drawn = 0, expected = 0;
    for (uint64_t rank = 0; rank < ranks; ++rank) {
      drawn += static_cast<double>(counts[rank]) / kDraws;
      expected += zipfian.Probability(rank);
    }
    EXPECT_NEAR(drawn, expected, 0.02) << ranks;
  }
}

TEST(ZipfianTest, TouchesAsManyRanksAsExpected) {
  const Zipfian zipfian(kItems);
  base::Random random(2);
  std::set<uint64_t> touched;
  for (uint64_t draws = 1; draws <= 100'000; ++draws) {
    touched.insert(zipfian.Draw(random));
    if (draws == 1000 || draws == 10'000 || draws == 100'000) {
      const double expected = zipfian.ExpectedDistinct(draws);
      EXPECT_NEAR(static_cast<double>(touched.size()), expected,
                  0.02 * expected + 6 * std::sqrt(expected))
          << draws;
    }
  }
}

TEST(ZipfianTest, FewItemsAreDrawnAll) {
  for (const uint64_t items : {1, 2, 3}) {
    const Zipfian zipfian(items);
    base::Random random(3);
    std::set<uint64_t> touched;
    for (int i = 0; i < 1000; ++i) touched.insert(zipfian.Draw(random));
    EXPECT_EQ(touched.size(), items);
    EXPECT_EQ(*touched.rbegin(), items - 1);
    EXPECT_NEAR(zipfian.ExpectedDistinct(1000), static_cast<double>(items), 1e-6);
  }
}

TEST(ScramblerTest, IsAPermutationThatSpreadsThePopular) {
  for (const uint64_t items : {1, 2, 3, 5, 1000, 4096, 4097}) {
    const Scrambler scrambler(items);
    std::set<uint64_t> seen;
    for (uint64_t rank = 0; rank < items; ++rank) seen.insert(scrambler.ItemOf(rank));
    EXPECT_EQ(seen.size(), items);
    EXPECT_EQ(*seen.rbegin(), items - 1);
  }
  // The hundred most popular of a million lie in all tenths of it.
  const Scrambler scrambler(1'000'000);
  std::set<uint64_t> tenths;
  for (uint64_t rank = 0; rank < 100; ++rank) tenths.insert(scrambler.ItemOf(rank) / 100'000);
  EXPECT_EQ(tenths.size(), 10U);
}

TEST(UniformTest, TouchesAsManyItemsAsExpected) {
  base::Random random(4);
  std::set<uint64_t> touched;
  for (int i = 0; i < 10'000; ++i) touched.insert(random.Uniform(kItems));
  const double expected = ExpectedDistinctUniform(kItems, 10'000);
  EXPECT_NEAR(expected, kItems * (1 - std::exp(-1)), 1);
  EXPECT_NEAR(static_cast<double>(touched.size()), expected, 6 * std::sqrt(expected));
  EXPECT_EQ(ExpectedDistinctUniform(1, 10), 1);
}

TEST(LatestTest, TouchesAsManyItemsAsExpected) {
  constexpr uint64_t kReads = 19'000, kInserts = 1000;
  const Zipfian zipfian(kItems);
  base::Random random(5);
  std::set<uint64_t> touched;
  uint64_t items = kItems;
  for (uint64_t read = 0; read < kReads; ++read) {
    touched.insert(items - 1 - zipfian.Draw(random));
    if (read % (kReads / kInserts) == 0) ++items;
  }
  const double expected = ExpectedDistinctLatest(zipfian, kReads, kInserts);
  EXPECT_NEAR(static_cast<double>(touched.size()), expected,
              0.02 * expected + 6 * std::sqrt(expected));
  // Without inserts it is the plain distribution.
  EXPECT_NEAR(ExpectedDistinctLatest(zipfian, kReads, 0), zipfian.ExpectedDistinct(kReads), 60);
}

}  // namespace
}  // namespace nokv::bench
