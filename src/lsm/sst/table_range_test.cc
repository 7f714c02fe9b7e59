// Iterators over a table that have an end, and the range filter that spares them blocks.
#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "lsm/entry.h"
#include "lsm/sst/string_file.h"
#include "lsm/sst/table.h"

namespace nokv::lsm {
namespace {

std::string Prefix(std::string_view key) {
  return keys::EncodePrefix(keys::Keyspace::kData, key);
}

std::string Key(std::string_view key, keys::SequenceNumber sequence) {
  return keys::EncodeInternalKey(keys::EncodeEngineKey(keys::Keyspace::kData, key),
                                 keys::PackTrailer(sequence, keys::Kind::kPut));
}

std::string Seek(std::string_view key) {
  return Key(key, keys::kMaxSequence);
}

std::string Digits(uint64_t number) {
  const std::string text = std::to_string(number);
  return std::string(6 - text.size(), '0') + text;
}

// A table of a tenth of all numbers with six digits, two versions of each.
class TableRangeTest : public testing::Test {
 protected:
  void Build(bool range_filter) {
    file_.clear();
    TableOptions options;
    options.range_filter = range_filter;
    options.block_bytes = 1024;
    TableBuilder builder(options, std::make_unique<internal::StringAppendFile>(&file_), 1, 1);
    std::string payload;
    AppendEntryPayload({}, "value", &payload);
    for (const std::string& key : keys_) {
      ASSERT_TRUE(builder.Add(Key(key, 9), payload).ok());
      ASSERT_TRUE(builder.Add(Key(key, 5), payload).ok());
    }
    ASSERT_TRUE(builder.Finish().ok());
    Open();
  }
  void Open() {
    auto table = Table::Open(std::make_unique<internal::StringRandomFile>(file_), "00001.sst", 1,
                             cache_, 0, &counters_);
    ASSERT_TRUE(table.ok()) << table.status();
    table_ = *table;
  }
  void MakeKeys() {
    base::Random random(11);
    while (keys_.size() < 20'000) keys_.insert(Digits(random.Uniform(1'000'000)));
  }
  // The first key from `begin` on that is before `end`; empty if there is none.
  std::string First(const std::string& begin, const std::string& end) const {
    const std::string prefix = Prefix(end);
    const auto it = table_->NewIterator(true, prefix);
    it->Seek(Seek(begin));
    EXPECT_TRUE(it->status().ok()) << it->status();
    if (!it->Valid() || keys::InternalPrefixOf(it->key()) >= prefix) return "";
    return std::string(it->key());
  }

  std::set<std::string> keys_;
  std::string file_;
  BlockCache cache_{1 << 20};
  TableReadCounters counters_;
  std::shared_ptr<const Table> table_;
};

TEST_F(TableRangeTest, FindsTheFirstKeyOfEveryRangeAndSkipsNearlyAllEmptyOnes) {
  MakeKeys();
  Build(true);
  ASSERT_TRUE(table_->Verify().ok()) << table_->Verify();
  uint64_t empty = 0;
  for (uint64_t i = 0; i < 999'990; i += 97) {
    const std::string begin = Digits(i);
    const std::string end = Digits(i + 1 + i % 9);
    const auto expected = keys_.lower_bound(begin);
    const bool holds = expected != keys_.end() && *expected < end;
    ASSERT_EQ(First(begin, end), holds ? Key(*expected, 9) : "") << begin << " to " << end;
    empty += holds || expected == keys_.end() ? 0 : 1;
  }
  const TableReadStats stats = counters_.Sum();
  EXPECT_GT(empty, 5000U);
  EXPECT_EQ(stats.range_negatives + stats.range_false_positives, empty);
  EXPECT_LT(stats.range_false_positives, empty / 50);
  EXPECT_GT(stats.range_checks, empty);
}

TEST_F(TableRangeTest, ASkippedTableIsNotReadAndCanStillBeWalkedBothWays) {
  keys_ = {"000100", "000300", "000500"};
  Build(true);
  const uint64_t looked = cache_.stats().misses + cache_.stats().hits;
  const std::string end = Prefix("000299");
  const auto it = table_->NewIterator(true, end);
  it->Seek(Seek("000200"));
  EXPECT_FALSE(it->Valid());
  EXPECT_TRUE(it->status().ok());
  EXPECT_EQ(cache_.stats().misses + cache_.stats().hits, looked) << "a block was asked for";
  it->SeekForPrev(Seek("000200"));
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->key(), Key("000100", 5));
  it->Seek(Seek("000100"));
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->key(), Key("000100", 9));
}

TEST_F(TableRangeTest, WithoutAnEndOrAFilterNothingIsAsked) {
  keys_ = {"000100", "000300"};
  Build(true);
  const auto all = table_->NewIterator(true);
  all->Seek(Seek("000200"));
  ASSERT_TRUE(all->Valid());
  EXPECT_EQ(all->key(), Key("000300", 9));
  EXPECT_EQ(counters_.Sum().range_checks, 0U);
  Build(false);
  EXPECT_EQ(First("000200", "000299"), "");
  EXPECT_EQ(First("000200", "000301"), Key("000300", 9));
  EXPECT_EQ(counters_.Sum().range_checks, 0U);
}

TEST_F(TableRangeTest, DamageAnywhereIsAnErrorAndHidesNoKey) {
  keys_ = {"000100", "000300"};
  Build(true);
  const std::string sound = file_;
  for (size_t i = 0; i < sound.size(); i++) {
    file_ = sound;
    file_[i] = static_cast<char>(file_[i] ^ 0x40);
    BlockCache cache(1 << 20);
    const auto table =
        Table::Open(std::make_unique<internal::StringRandomFile>(file_), "00001.sst", 1, cache);
    if (!table.ok()) continue;
    const std::string end = Prefix("000301");
    const auto it = (*table)->NewIterator(true, end);
    it->Seek(Seek("000300"));
    EXPECT_TRUE(it->Valid() ? it->key() == Key("000300", 9) : !it->status().ok()) << i;
    EXPECT_FALSE((*table)->Verify().ok()) << i;
  }
}

}  // namespace
}  // namespace nokv::lsm
