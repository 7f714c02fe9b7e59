#include "lsm/sst/filter.h"

#include <gtest/gtest.h>

namespace nokv::lsm::internal {
namespace {

std::string Name(int i) {
  return "key" + std::to_string(i);
}

Filter MakeFilter(int keys, int bits_per_key) {
  FilterBuilder builder(bits_per_key);
  for (int i = 0; i < keys; i++) builder.AddPrefix(Name(i));
  Filter filter;
  EXPECT_TRUE(filter.Init(builder.Finish()));
  return filter;
}

TEST(FilterTest, NeverDeniesAKeyThatWasAdded) {
  for (const int bits : {1, 4, 10, 16, 100}) {
    for (const int keys : {1, 2, 50, 51, 52, 1000, 20000}) {
      const Filter filter = MakeFilter(keys, bits);
      for (int i = 0; i < keys; i++) ASSERT_TRUE(filter.MayContain(Name(i))) << bits << " " << i;
    }
  }
}

TEST(FilterTest, DeniesNearlyAllOthersAtTenBitsPerKey) {
  for (const int keys : {1000, 10000, 100000}) {
    const Filter filter = MakeFilter(keys, 10);
    int passed = 0;
    for (int i = 0; i < 100000; i++) passed += filter.MayContain(Name(keys + i)) ? 1 : 0;
    EXPECT_LT(passed, 2000) << keys;
  }
}

TEST(FilterTest, EqualPrefixesInARowCostOneEntry) {
  FilterBuilder once(10), often(10);
  for (int i = 0; i < 500; i++) {
    once.AddPrefix(Name(i));
    for (int n = 0; n < 9; n++) often.AddPrefix(Name(i));
  }
  EXPECT_EQ(once.Finish(), often.Finish());
}

TEST(FilterTest, NoKeysOrNoBitsMakeNoFilterAndDamageIsRefused) {
  EXPECT_EQ(FilterBuilder(10).Finish(), "");
  FilterBuilder off(0);
  off.AddPrefix("k");
  EXPECT_EQ(off.Finish(), "");
  Filter filter;
  EXPECT_TRUE(filter.MayContain("anything")) << "no filter denies nothing";
  EXPECT_FALSE(filter.Init(""));
  EXPECT_FALSE(filter.Init(std::string(64, '\x05')));
  EXPECT_FALSE(filter.Init(std::string(65, '\x00')));
  EXPECT_FALSE(filter.Init(std::string(65, '\x1f')));
}

}  // namespace
}  // namespace nokv::lsm::internal
