#include "bench/workload/record.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace nokv::bench {
namespace {

TEST(RecordTest, HashedKeysAreDistinctAndOutOfOrder) {
  std::set<std::string> keys;
  KeyBuffer buffer;
  std::string last;
  int rises = 0;
  for (uint64_t record = 0; record < 10'000; ++record) {
    const std::string key(HashedKey(record, &buffer));
    ASSERT_EQ(key.size(), kKeyBytes);
    ASSERT_EQ(key.substr(0, 4), "user");
    ASSERT_EQ(key.find_first_not_of("0123456789", 4), std::string::npos);
    keys.insert(key);
    rises += key > last ? 1 : 0;
    last = key;
  }
  EXPECT_EQ(keys.size(), 10'000U);
  EXPECT_LT(rises, 6000);
  // FNV-1a of eight zero bytes.
  EXPECT_EQ(HashedKey(0, &buffer), "user12161962213042174405");
}

TEST(RecordTest, OrderedKeysSortAsRecordsDo) {
  KeyBuffer buffer;
  EXPECT_EQ(OrderedKey(0, &buffer), "user00000000000000000000");
  EXPECT_EQ(OrderedKey(1234, &buffer), "user00000000000000001234");
}

TEST(RecordTest, AWrongValueIsFoundOut) {
  for (const uint64_t bytes : {1, 8, 100, 1000}) {
    ValueMaker values(1, bytes);
    ValueCheck check(bytes);
    check.Row("k", values.Make(77));
    EXPECT_TRUE(check.IsOf(77));
    EXPECT_FALSE(check.IsOf(78));
    EXPECT_TRUE(check.lengths_right());
    check.Row("k", values.Make(78));
    EXPECT_FALSE(check.IsOf(77));
    check.Row("k", std::string(bytes + 1, 'x'));
    EXPECT_FALSE(check.lengths_right());
  }
}

TEST(RecordTest, ValuesDifferAndComeFromTheirSeed) {
  ValueMaker one(1, 1000), same(1, 1000), other(2, 1000);
  const std::string first(one.Make(5));
  EXPECT_EQ(first.size(), 1000U);
  EXPECT_EQ(first, same.Make(5));
  EXPECT_NE(first, one.Make(5));
  EXPECT_NE(first, other.Make(5));
}

}  // namespace
}  // namespace nokv::bench
