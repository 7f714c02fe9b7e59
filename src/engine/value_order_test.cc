// Values in the order of their keys: when scans have them moved, and when not.
#include <gmock/gmock.h>

#include <algorithm>

#include "base/random.h"
#include "engine/engine_test_util.h"

namespace nokv::engine {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr int kKeys = 400;
constexpr size_t kLong = 1000;

std::string Key(int i) {
  return "k" + std::to_string(1000 + i);
}
std::string Value(int i) {
  return "<" + std::to_string(i) + ">" + std::string(kLong, 'v');
}

Options OrderOptions(double ratio = 1) {
  Options options = SmallOptions();
  options.compression = {CompressionType::kNone};
  options.log_segment_bytes = 1 << 20;
  options.table_bytes = 1 << 20;
  options.value_separation_threshold = kLong;
  options.value_log_gc_discard_ratio = 1;
  options.value_order_ratio = ratio;
  options.value_order_memory_reads = 1;
  return options;
}

class ValueOrderTest : public testing::Test {
 protected:
  // All keys, in an order that is not theirs, in the deepest level.
  void Load(const Options& options, int keys = kKeys) {
    keys_ = keys;
    h_.Open(options);
    std::vector<int> order;
    for (int i = 0; i < keys; i++) order.push_back(i);
    base::Random random(7);
    for (size_t i = order.size(); i > 1; i--) std::swap(order[i - 1], order[random.Uniform(i)]);
    for (const int i : order) h_.Put(Key(i), Value(i));
    const Status status = h_.db->CompactRange({}, {});
    ASSERT_TRUE(status.ok()) << status;
  }
  // Scans of 21 values, of which one is where the scan begins.
  void Scan(int times, bool forward = true) {
    for (int n = 0; n < times; n++) {
      const auto it = h_.db->NewIterator();
      const int from = (n * 37) % (keys_ - 20);
      it->Seek(Key(forward ? from : from + 20));
      for (int i = 0; i < 21; i++) {
        ASSERT_TRUE(it->Valid());
        ASSERT_EQ(it->value(), Value(forward ? from + i : from + 20 - i));
        forward ? it->Next() : it->Prev();
      }
    }
  }
  void Settle() { h_.runtime->RunReady(); }
  uint64_t AllValueBytes() const {
    uint64_t bytes = 0;
    for (int i = 0; i < keys_; i++) bytes += Value(i).size();
    return bytes;
  }
  ValueLogStats Values() { return h_.db->Stats().value_log; }
  void ExpectAll() {
    for (int i = 0; i < keys_; i++) ASSERT_EQ(h_.Get(Key(i)), Value(i)) << i;
  }
  int64_t Tables() { return h_.db->Stats().levels.back().tables; }

  int keys_ = 0;
  EngineHarness h_;
};

TEST_F(ValueOrderTest, ScansThatHavePaidForItHaveAllValuesMovedOnce) {
  Load(OrderOptions());
  Scan(10);
  Settle();
  EXPECT_EQ(Values().order_runs, 0U) << "200 reads are not the price of 400";
  Scan(20);
  Settle();
  EXPECT_EQ(Values().order_runs, 1U);
  EXPECT_EQ(Values().order_bytes, AllValueBytes());
  ASSERT_EQ(h_.Files(".vlog").size(), 1U);
  const std::string file = *h_.disk->ReadFile("/db/" + h_.Files(".vlog").at(0), 1 << 30);
  size_t last = 0;
  for (int i = 0; i < kKeys; i++) {
    const size_t at = file.find("<" + std::to_string(i) + ">");
    ASSERT_NE(at, std::string::npos);
    ASSERT_GT(at, last);
    last = at;
  }
  Scan(200);
  Scan(200, /*forward=*/false);
  Settle();
  EXPECT_EQ(Values().order_runs, 1U) << "what lies in order pays nothing";
  ExpectAll();
}

TEST_F(ValueOrderTest, WhatARewriteLeftInHasteIsPutInOrderLater) {
  Options options = OrderOptions();
  options.table_bytes = 4 << 20;
  options.compaction_bytes_per_second = 1 << 20;
  options.level0_compaction_trigger = 4;
  options.level0_stop_trigger = 8;
  Load(options, 6000);
  Scan(400);
  Settle();
  ASSERT_EQ(Values().order_runs, 0U) << "it waits for its turn with a third of the values left";
  for (int i = 0; i < 7; i++) {
    h_.Put("a", "before all of them");
    h_.Put("z", "behind all of them");
    ASSERT_TRUE(h_.db->Flush().ok());
  }
  while (Values().order_runs < 2) ASSERT_TRUE(h_.runtime->RunOne());
  EXPECT_GT(Values().order_bytes, AllValueBytes());
  Scan(2000);
  while (h_.runtime->RunOne()) {
  }
  EXPECT_EQ(Values().order_runs, 2U) << "what lies in order pays nothing";
  ExpectAll();
}

TEST_F(ValueOrderTest, BackwardScansPayToo) {
  Load(OrderOptions());
  Scan(30, /*forward=*/false);
  Settle();
  EXPECT_EQ(Values().order_runs, 1U);
}

TEST_F(ValueOrderTest, TheFilesThatWereLeftGo) {
  Load(OrderOptions());
  h_.Put("z", "so that replay does not need the segment");
  ASSERT_TRUE(h_.db->Flush().ok());
  Scan(30);
  Settle();
  EXPECT_EQ(Values().order_runs, 1U);
  h_.Put("z", std::string(1 << 20, 'z'));
  ASSERT_TRUE(h_.db->Flush().ok());
  Settle();
  EXPECT_EQ(h_.Files(".wal").front(), "00002.wal");
  h_.Crash(/*power_lost=*/true);
  h_.Open(OrderOptions());
  ExpectAll();
}

TEST_F(ValueOrderTest, AScanOverEverythingPaysForNothing) {
  Options options = OrderOptions(/*ratio=*/0.01);
  options.table_bytes = 64 << 10;
  Load(options, 2000);
  ASSERT_GT(Tables(), 4);
  const auto it = h_.db->NewIterator();
  int values = 0;
  for (it->SeekToFirst(); it->Valid(); it->Next()) values += it->value().empty() ? 0 : 1;
  EXPECT_EQ(values, 2000);
  Settle();
  EXPECT_EQ(Values().order_runs, 0U);
}

TEST_F(ValueOrderTest, KeysAloneAndLookupsPayForNothing) {
  Load(OrderOptions(/*ratio=*/0.01));
  IteratorOptions keys;
  keys.key_only = true;
  for (int n = 0; n < 100; n++) {
    const auto it = h_.db->NewIterator(keys);
    for (it->Seek(Key(n)); it->Valid(); it->Next()) {
    }
  }
  ExpectAll();
  Settle();
  EXPECT_EQ(Values().order_runs, 0U);
}

TEST_F(ValueOrderTest, OfValuesThatWereInMemoryAFewStandForAll) {
  Options options = OrderOptions();
  options.value_order_memory_reads = 32;
  Load(options);
  Scan(100);
  Settle();
  EXPECT_EQ(Values().order_runs, 0U) << "2,000 reads of 12,800";
  Scan(900);
  Settle();
  EXPECT_EQ(Values().order_runs, 1U);
  Scan(2000);
  Settle();
  EXPECT_EQ(Values().order_runs, 1U) << "what lies in order pays nothing";
  ExpectAll();
}

TEST_F(ValueOrderTest, ValuesThatWereInMemoryPayForNothingIfTheyDoNotCount) {
  Options options = OrderOptions(/*ratio=*/0.01);
  options.value_order_memory_reads = 0;
  Load(options);
  Scan(100);
  Settle();
  EXPECT_EQ(Values().order_runs, 0U);
}

TEST_F(ValueOrderTest, ValuesFromASlowDiskPay) {
  Options options = OrderOptions();
  options.value_order_memory_reads = 0;
  options.mapped_reads = false;
  Load(options);
  h_.fs->SetObserver([this](const vfs::Operation& operation) {
    if (operation.op == vfs::Op::kRead && operation.path.ends_with(".wal")) {
      h_.runtime->Advance(100);
    }
    return vfs::Fault{};
  });
  Scan(30);
  h_.StopObserving();
  Settle();
  EXPECT_EQ(Values().order_runs, 1U);
}

TEST_F(ValueOrderTest, ARatioOfZeroLeavesThemWhereTheyAre) {
  Load(OrderOptions(/*ratio=*/0));
  Scan(200);
  Settle();
  EXPECT_EQ(Values().order_runs, 0U);
  EXPECT_THAT(h_.Files(".vlog"), IsEmpty());
  EXPECT_EQ(h_.TryOpen(OrderOptions(/*ratio=*/-1)).status().code(), StatusCode::kInvalidArgument);
}

TEST_F(ValueOrderTest, WhatWasPaidIsForgottenWhenTheDatabaseIsClosed) {
  Load(OrderOptions());
  for (int i = 0; i < 3; i++) {
    Scan(17);  // one read in 256 is named, and two are the price
    Settle();
    EXPECT_EQ(Values().order_runs, 0U);
    h_.Open(OrderOptions());
  }
  Scan(17);
  Scan(17);
  Settle();
  EXPECT_EQ(Values().order_runs, 1U);
}

TEST_F(ValueOrderTest, OnlyWhatCameSinceIsPaidForAgain) {
  Load(OrderOptions());
  Scan(30);
  Settle();
  ASSERT_EQ(Values().order_runs, 1U);
  // Every tenth key gets a value that lies elsewhere.
  for (int i = 0; i < 40; i++) {
    const int key = i * 7 % 40 * 10;
    h_.Put(Key(key), Value(key));
  }
  ASSERT_TRUE(h_.db->CompactRange({}, {}).ok());
  Scan(60);
  Settle();
  EXPECT_EQ(Values().order_runs, 1U) << "of 1,200 reads a tenth paid, or two";
  Scan(300);
  Settle();
  EXPECT_EQ(Values().order_runs, 2U);
  Scan(300);
  Settle();
  EXPECT_EQ(Values().order_runs, 2U);
  ExpectAll();
}

TEST_F(ValueOrderTest, WhatWasPaidForATableCountsForTheOneThatReplacesIt) {
  Load(OrderOptions());
  Scan(13);  // one read is named, and two are the price
  h_.Put(Key(0), Value(0));
  ASSERT_TRUE(h_.db->CompactRange({}, {}).ok());
  Settle();
  ASSERT_EQ(Values().order_runs, 0U);
  Scan(13);
  Settle();
  EXPECT_EQ(Values().order_runs, 1U);
}

TEST_F(ValueOrderTest, LongValuesStayWhereTheyAre) {
  h_.Open(OrderOptions(/*ratio=*/0.01));
  const std::string longer(70'000, 'l');
  for (int i = 0; i < 20; i++) h_.Put(Key(i * 7 % 20), longer);
  ASSERT_TRUE(h_.db->CompactRange({}, {}).ok());
  for (int n = 0; n < 50; n++) {
    const auto it = h_.db->NewIterator();
    for (it->SeekToFirst(); it->Valid(); it->Next()) ASSERT_EQ(it->value(), longer);
  }
  Settle();
  EXPECT_EQ(Values().order_runs, 0U);
}

TEST_F(ValueOrderTest, ValuesOfAllBucketsAndAgesGoIntoOneFile) {
  Options options = OrderOptions();
  options.value_log_buckets = 8;
  Load(options);
  Scan(30);
  Settle();
  EXPECT_EQ(Values().order_runs, 1U);
  EXPECT_EQ(h_.Files(".vlog").size(), 1U);
  Scan(100);
  Settle();
  EXPECT_EQ(Values().order_runs, 1U);
}

TEST_F(ValueOrderTest, ATableIsCutByTheValuesItPointsTo) {
  Options options = OrderOptions();
  options.table_bytes = 16 << 10;  // 64 KiB of values
  Load(options);
  EXPECT_GE(Tables(), 6);
  EXPECT_LE(Tables(), 8);
}

TEST_F(ValueOrderTest, ATableWithFarTooManyValuesIsCutBeforeTheyAreMoved) {
  Load(OrderOptions());
  ASSERT_EQ(Tables(), 1);
  Options options = OrderOptions();
  options.table_bytes = 16 << 10;
  h_.Open(options);
  ASSERT_EQ(Tables(), 1);
  Scan(30);
  Settle();
  EXPECT_GE(Tables(), 6);
  EXPECT_EQ(Values().order_runs, static_cast<uint64_t>(Tables()));
  EXPECT_EQ(Values().order_bytes, AllValueBytes());
  ExpectAll();
}

TEST_F(ValueOrderTest, AFullDiskInTheMiddleLosesNothing) {
  Load(OrderOptions());
  h_.fs->SetObserver([](const vfs::Operation& operation) {
    vfs::Fault fault;
    if (operation.op == vfs::Op::kAppend && operation.path.ends_with(".vlog")) {
      fault.error_number = ENOSPC;
    }
    return fault;
  });
  Scan(30);
  Settle();
  h_.StopObserving();
  EXPECT_THAT(h_.db->Put({}, "a", "b").ToString(), HasSubstr("read-only"));
  EXPECT_THAT(h_.Files(".vlog"), IsEmpty());
  ExpectAll();
  h_.Open(OrderOptions());
  ExpectAll();
  Scan(30);
  Settle();
  EXPECT_EQ(Values().order_runs, 1U);
}

TEST_F(ValueOrderTest, ACloseRightAfterTheLastPaymentWaitsForNothing) {
  Load(OrderOptions());
  Scan(30);
  ASSERT_TRUE(h_.db->Close().ok());
  h_.Open(OrderOptions());
  EXPECT_THAT(h_.Files(".vlog"), IsEmpty());
  ExpectAll();
}

}  // namespace
}  // namespace nokv::engine
