// Values that stay in the log: written once, pointed to by tables, kept as long as they are needed.
#include <gmock/gmock.h>

#include <algorithm>

#include "engine/engine_test_util.h"

namespace nokv::engine {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr size_t kLong = 3000;

Options ApartFrom(size_t threshold) {
  Options options = SmallOptions();
  options.log_segment_bytes = 16 << 10;
  options.value_separation_threshold = threshold;
  options.value_log_gc_discard_ratio = 1;  // values stay where they are
  return options;
}

std::string Long(char letter) {
  return std::string(kLong, letter);
}

class ValueSeparationTest : public testing::Test {
 protected:
  void SetUp() override { h_.Open(ApartFrom(kLong)); }

  void Flush() {
    const Status status = h_.db->Flush();
    ASSERT_TRUE(status.ok()) << status;
    h_.runtime->RunReady();  // what it made unneeded goes soon after
  }
  void Compact() {
    const Status status = h_.db->CompactRange({}, {});
    ASSERT_TRUE(status.ok()) << status;
  }
  // Small values until the log has gone on to another segment.
  void FillSegment() {
    const size_t before = h_.Files(".wal").size();
    for (int i = 0; i < 1000 && h_.Files(".wal").size() == before; i++) {
      h_.Put("small" + std::to_string(i), std::string(500, 's'));
    }
    ASSERT_GT(h_.Files(".wal").size(), before);
  }
  uint64_t TableBytes() {
    uint64_t bytes = 0;
    for (const std::string& name : h_.Files(".sst")) bytes += *h_.disk->FileSize("/db/" + name);
    return bytes;
  }
  void Damage(const std::string& text) {
    for (const std::string& name : h_.Files(".wal")) {
      std::string content = *h_.disk->ReadFile("/db/" + name, 1 << 30);
      const size_t at = content.find(text);
      if (at == std::string::npos) continue;
      content[at] = static_cast<char>(content[at] ^ 1);
      ASSERT_TRUE(h_.disk->Overwrite("/db/" + name, content).ok());
      return;
    }
    FAIL() << "the value is in no segment";
  }

  EngineHarness h_;
};

TEST_F(ValueSeparationTest, TablesPointToLongValuesAndReadsFollow) {
  h_.Put("a", Long('a'));
  h_.Put("b", "short");
  h_.Put("c", Long('c'));
  Flush();
  EXPECT_LT(TableBytes(), kLong);
  EXPECT_EQ(h_.Get("a"), Long('a'));
  const std::string all = "a=" + Long('a') + " b=short c=" + Long('c');
  EXPECT_EQ(h_.Scan(), all);
  const std::string back = "c=" + Long('c') + " b=short a=" + Long('a');
  EXPECT_EQ(h_.Scan({}, /*forward=*/false), back);
}

TEST_F(ValueSeparationTest, AttributesAreInTheTable) {
  const uint64_t now = h_.runtime->clock().WallMillis();
  ASSERT_TRUE(h_.db->Put({}, "k", Long('k'), {.expiry_ms = now + 1000, .user_meta = 7}).ok());
  Flush();
  const auto value = *h_.db->Get({}, "k");
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(value->user_meta, 7);
  EXPECT_EQ(value->expiry_ms, now + 1000);
  EXPECT_EQ(value->data, Long('k'));
}

TEST_F(ValueSeparationTest, CompactionsCarryPointersAndLeaveValuesAlone) {
  for (int round = 0; round < 5; round++) {
    for (char c = 'a'; c <= 'j'; c++) h_.Put(std::string(1, c), Long(c));
    Flush();
  }
  Compact();
  EXPECT_LT(h_.db->Stats().compaction.bytes_written, 10 * kLong);
  for (char c = 'a'; c <= 'j'; c++) EXPECT_EQ(h_.Get(std::string(1, c)), Long(c));
}

TEST_F(ValueSeparationTest, WhatATablePointsToSurvivesPowerLossAfterTheFlush) {
  h_.Put("k", Long('k'));
  Flush();
  h_.Crash(/*power_lost=*/true);
  h_.Open(ApartFrom(kLong));
  EXPECT_EQ(h_.Get("k"), Long('k'));
}

TEST_F(ValueSeparationTest, ATableIsNotInstalledIfTheLogCannotBeSynced) {
  h_.Put("k", Long('k'));
  h_.fs->SetObserver([](const vfs::Operation& operation) {
    vfs::Fault fault;
    if (operation.op == vfs::Op::kMappedSync && operation.path.find(".wal") != std::string::npos) {
      fault.error_number = EIO;
    }
    return fault;
  });
  EXPECT_FALSE(h_.db->Flush().ok());
  while (h_.runtime->RunOne()) {
  }
  h_.StopObserving();
  EXPECT_TRUE(h_.Files(".sst").empty());
  EXPECT_EQ(h_.Get("k"), Long('k')) << "the memtable still has it";
}

TEST_F(ValueSeparationTest, ASegmentStaysWhileATablePointsIntoItAndGoesAfterwards) {
  h_.Put("k", Long('k'));
  const std::string segment = h_.Files(".wal").at(0);
  FillSegment();
  Flush();
  FillSegment();
  Flush();
  EXPECT_THAT(h_.Files(".wal"), Contains(segment));
  EXPECT_LE(h_.Files(".wal").size(), 2U) << "a segment that is kept for nothing";
  EXPECT_EQ(h_.Get("k"), Long('k'));
  ASSERT_TRUE(h_.db->Close().ok());
  h_.Open(ApartFrom(kLong));
  EXPECT_THAT(h_.Files(".wal"), Contains(segment)) << "removed by the open";
  EXPECT_EQ(h_.Get("k"), Long('k'));

  ASSERT_TRUE(h_.db->Delete({}, "k").ok());
  Compact();
  EXPECT_THAT(h_.Files(".wal"), Not(Contains(segment)));
}

TEST_F(ValueSeparationTest, AnIteratorPinsTheSegmentsThatItReads) {
  h_.Put("k", Long('k'));
  const std::string segment = h_.Files(".wal").at(0);
  FillSegment();
  Flush();
  auto it = h_.db->NewIterator({});
  ASSERT_TRUE(h_.db->Delete({}, "k").ok());
  Compact();
  EXPECT_THAT(h_.Files(".wal"), Contains(segment));
  it->SeekToFirst();
  ASSERT_TRUE(it->Valid()) << it->status();
  EXPECT_EQ(it->value(), Long('k'));
  it.reset();
  h_.Put("other", "value");
  Flush();
  EXPECT_THAT(h_.Files(".wal"), Not(Contains(segment)));
}

TEST_F(ValueSeparationTest, NoTablePointsToWhatARecoveryHasMovedInTheLog) {
  h_.Put("k", Long('k'));  // not synced: the recovery copies it into a new segment
  h_.Crash(/*power_lost=*/false);
  h_.Open(ApartFrom(kLong));
  h_.Put("later", Long('l'));
  Flush();
  EXPECT_GT(TableBytes(), kLong);
  EXPECT_LT(TableBytes(), 2 * kLong) << "what was written since stays in the log";
  EXPECT_EQ(h_.Files(".wal").size(), 1U);
  h_.Crash(/*power_lost=*/true);
  h_.Open(ApartFrom(kLong));
  EXPECT_EQ(h_.Get("k"), Long('k'));
  EXPECT_EQ(h_.Get("later"), Long('l'));
}

TEST_F(ValueSeparationTest, WhatWasSyncedBeforeACrashStaysWhereItIs) {
  h_.Put("k", Long('k'), /*sync=*/true);
  ASSERT_TRUE(h_.db->Close().ok());
  h_.Open(ApartFrom(kLong));
  Flush();
  EXPECT_LT(TableBytes(), kLong);
  EXPECT_EQ(h_.Files(".wal").size(), 2U);
  EXPECT_EQ(h_.Get("k"), Long('k'));
}

TEST_F(ValueSeparationTest, TheThresholdMayChangeFromOpenToOpen) {
  std::string expected;
  int key = 0;
  for (const size_t threshold : {kLong, size_t{0}, SIZE_MAX, size_t{10}}) {
    h_.Open(ApartFrom(threshold));
    for (const size_t length : {size_t{0}, size_t{5}, size_t{50}, kLong}) {
      const std::string name = "k" + std::to_string(key);
      const std::string value(length, static_cast<char>('a' + key++));
      h_.Put(name, value);
      expected += (expected.empty() ? "" : " ") + name + "=" + value;
      if (key == 10) Flush();
    }
    Flush();
  }
  std::string found;
  for (int i = 0; i < key; i++) {
    const std::string name = "k" + std::to_string(i);
    found += (found.empty() ? "" : " ") + name + "=" + h_.Get(name);
  }
  EXPECT_EQ(found, expected);
  Compact();
  for (int i = 0; i < key; i++) EXPECT_NE(h_.Get("k" + std::to_string(i)), "(none)");
}

TEST_F(ValueSeparationTest, ADamagedValueIsNamedAndTheOthersAreRead) {
  h_.Put("a", Long('a'));
  h_.Put("b", Long('b'));
  Flush();
  Damage(Long('a'));
  const Status status = h_.db->Get({}, "a").status();
  EXPECT_TRUE(status.IsCorruption());
  EXPECT_EQ(status.error_number(), 1306);
  EXPECT_THAT(status.ToString(), HasSubstr("00001.wal: value of 3000 bytes at offset"));
  EXPECT_EQ(h_.Get("b"), Long('b'));
  EXPECT_THAT(h_.Scan(), HasSubstr("checksum mismatch"));
  EXPECT_THAT(h_.Scan({}, /*forward=*/false), HasSubstr("checksum mismatch"));
  IteratorOptions keys;
  keys.key_only = true;
  EXPECT_EQ(h_.Scan(keys), "a= b=") << "keys alone touch no value";
}

TEST_F(ValueSeparationTest, AMissingOrShortSegmentIsRefusedByTheOpenAndNothingIsChanged) {
  h_.Put("k", Long('k'));
  const std::string segment = h_.Files(".wal").at(0);
  FillSegment();
  Flush();
  ASSERT_TRUE(h_.db->Close().ok());
  h_.db.reset();
  const std::string content = *h_.disk->ReadFile("/db/" + segment, 1 << 30);
  ASSERT_TRUE(h_.disk->Overwrite("/db/" + segment, content.substr(0, 500)).ok());
  Status status = h_.TryOpen(ApartFrom(kLong)).status();
  EXPECT_EQ(status.error_number(), 1306);
  EXPECT_THAT(status.ToString(), HasSubstr(segment + ": it has 500 bytes, and values of sstable"));

  ASSERT_TRUE(h_.disk->Remove("/db/" + segment).ok());
  const auto before = *h_.disk->List("/db");
  status = h_.TryOpen(ApartFrom(kLong)).status();
  EXPECT_EQ(status.error_number(), 1307);
  EXPECT_THAT(status.ToString(), HasSubstr(segment + ": the file is missing"));
  EXPECT_EQ(*h_.disk->List("/db"), before);
}

TEST_F(ValueSeparationTest, AReaderBesideTheWriterKeepsItsSegments) {
  h_.Put("k", Long('k'));
  FillSegment();
  Flush();
  Options options = ApartFrom(kLong);
  options.read_only = true;
  const auto reader = h_.TryOpen(options);
  ASSERT_TRUE(reader.ok()) << reader.status();
  ASSERT_TRUE(h_.db->Delete({}, "k").ok());
  Compact();
  const auto value = (*reader)->Get({}, "k");
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ((*value)->data, Long('k'));
}

}  // namespace
}  // namespace nokv::engine
