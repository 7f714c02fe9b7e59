// Files with values that nothing points to any more: emptied by compaction, then removed.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "engine/engine_test_util.h"

namespace nokv::engine {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr size_t kLong = 1000;
constexpr double kByHand = 1;

Options GcOptions(double ratio = kByHand) {
  Options options = SmallOptions();
  options.compression = {CompressionType::kNone};
  options.log_segment_bytes = 16 << 10;
  options.value_separation_threshold = kLong;
  options.value_log_gc_discard_ratio = ratio;
  return options;
}

std::string Key(int i) {
  return "k" + std::to_string(100 + i);
}
std::string Value(int i, int round) {
  return std::to_string(i) + "/" + std::to_string(round) + std::string(kLong, 'v');
}

class ValueGcTest : public testing::Test {
 protected:
  void SetUp() override { h_.Open(GcOptions()); }

  void Write(int step, int round) {
    for (int i = 0; i < 60; i += step) h_.Put(Key(i), Value(i, round));
  }
  void CompactAll() {
    const Status status = h_.db->CompactRange({}, {});
    ASSERT_TRUE(status.ok()) << status;
  }
  // 60 values of a thousand bytes, of which only every fifth is still there.
  void MakeGarbage() {
    Write(1, 0);
    ASSERT_TRUE(h_.db->Flush().ok());
    for (int i = 0; i < 60; i++) {
      if (i % 5 == 0) continue;
      ASSERT_TRUE(h_.db->Delete({}, Key(i)).ok());
    }
    CompactAll();
  }
  void Settle() {
    while (h_.runtime->RunOne()) {
    }
  }
  // Compacts everything while there is garbage, and it is too early for a collection.
  void CompactWithGarbage(Options options) {
    options.value_log_gc_discard_ratio = 0.5;
    options.value_log_gc_interval_ms = 3'600'000;
    h_.Open(options);
    MakeGarbage();
    h_.runtime->RunReady();
    ASSERT_GT(h_.db->Stats().value_log.gc_runs, 0U);
    MakeGarbage();
    h_.runtime->RunReady();
    CompactAll();
  }
  void ExpectEveryFifth(int round = 0) {
    for (int i = 0; i < 60; i++) {
      EXPECT_EQ(h_.Get(Key(i)), i % 5 == 0 ? Value(i, round) : "(none)") << i;
    }
  }
  uint64_t SpaceOf(const std::string& suffix) {
    uint64_t bytes = 0;
    for (const std::string& name : h_.Files(suffix)) bytes += *h_.disk->FileSize("/db/" + name);
    return bytes;
  }

  EngineHarness h_;
};

TEST_F(ValueGcTest, MovesWhatIsLeftAndRemovesTheSegments) {
  MakeGarbage();
  const size_t segments = h_.Files(".wal").size();
  ASSERT_GT(segments, 3U);
  const Status status = h_.db->RunValueLogGC(0.5);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_LE(h_.Files(".wal").size(), 2U);
  EXPECT_EQ(h_.Files(".vlog").size(), 1U);
  EXPECT_LT(SpaceOf(".vlog"), 12 * (kLong + 20));
  ExpectEveryFifth();
  h_.Crash(/*power_lost=*/true);
  h_.Open(GcOptions());
  ExpectEveryFifth();
  EXPECT_THAT(h_.Scan(), HasSubstr(Key(5) + "=" + Value(5, 0)));
}

TEST_F(ValueGcTest, TheReportSaysHowMuchIsInUseAndWhyFilesStay) {
  MakeGarbage();
  const auto it = h_.db->NewIterator({});
  ValueFilesStats before = *h_.db->ValueFiles();
  ASSERT_EQ(before.files.size(), h_.Files(".wal").size());
  EXPECT_EQ(before.files[0].name, "00001.wal");
  EXPECT_EQ(before.files[0].kept_for, std::vector<std::string>{"values"});
  EXPECT_GT(before.files[0].live_bytes, 2 * kLong);
  EXPECT_LT(before.files[0].live_bytes, before.files[0].file_bytes / 2);
  EXPECT_EQ(before.files[0].live_bytes + before.files[0].dead_bytes, before.files[0].file_bytes);
  EXPECT_EQ(before.files.back().kept_for.at(0), "replay");
  EXPECT_EQ(h_.db->Stats().value_log.gc_runs, 0U);
  ASSERT_TRUE(h_.db->RunValueLogGC(0.5).ok());
  EXPECT_GE(h_.db->Stats().value_log.gc_runs, 1U);
  const ValueFilesStats after = *h_.db->ValueFiles();
  EXPECT_EQ(after.files[0].kept_for, std::vector<std::string>{"readers"});
  EXPECT_EQ(after.files[0].live_bytes, 0U);
  EXPECT_FALSE(after.files.back().segment);
  EXPECT_EQ(after.files.back().dead_bytes, 32U) << "its header";
}

TEST_F(ValueGcTest, HappensByItselfWhenNothingMoreUrgentWaits) {
  h_.Open(GcOptions(/*ratio=*/0.5));
  MakeGarbage();
  CompactAll();
  EXPECT_LE(h_.Files(".wal").size(), 2U);
  EXPECT_THAT(h_.Files(".vlog"), Not(IsEmpty()));
  ExpectEveryFifth();
}

TEST_F(ValueGcTest, ValueFilesAreEmptiedTooAndGo) {
  MakeGarbage();
  ASSERT_TRUE(h_.db->RunValueLogGC(0.5).ok());
  const std::string first = h_.Files(".vlog").at(0);
  for (int i = 0; i < 60; i += 10) ASSERT_TRUE(h_.db->Delete({}, Key(i)).ok());
  CompactAll();
  EXPECT_THAT(h_.Files(".vlog"), Contains(first));
  ASSERT_TRUE(h_.db->RunValueLogGC(0.4).ok());
  EXPECT_THAT(h_.Files(".vlog"), Not(Contains(first)));
  EXPECT_EQ(h_.Get(Key(5)), Value(5, 0));
  for (int i = 5; i < 60; i += 10) ASSERT_TRUE(h_.db->Delete({}, Key(i)).ok());
  CompactAll();
  EXPECT_THAT(h_.Files(".vlog"), IsEmpty()) << "the last value went, and the file with it";
}

TEST_F(ValueGcTest, ValuesMoveIntoBucketsOldOnesApart) {
  Options options = GcOptions();
  options.value_log_buckets = 3;
  h_.Open(options);
  MakeGarbage();
  ASSERT_TRUE(h_.db->RunValueLogGC(0.5).ok());
  std::set<uint64_t> buckets;
  const ValueFilesStats report = *h_.db->ValueFiles();
  for (const auto& file : report.files) {
    if (file.segment) continue;
    EXPECT_FALSE(file.old) << file.name;
    buckets.insert(file.bucket.value_or(99));
  }
  EXPECT_THAT(buckets, ElementsAre(0, 1, 2));
  const auto logs = h_.db->Manifest().value_logs;
  EXPECT_EQ(std::count_if(logs.begin(), logs.end(), [](const auto& log) { return log.bucket; }), 3);

  // With another number of buckets what is there stays readable, and what moves again is old.
  options.value_log_buckets = 1;
  h_.Open(options);
  ExpectEveryFifth();
  for (int i = 0; i < 60; i += 10) ASSERT_TRUE(h_.db->Delete({}, Key(i)).ok());
  CompactAll();
  ASSERT_TRUE(h_.db->RunValueLogGC(0.2).ok());
  const auto files = h_.db->ValueFiles()->files;
  EXPECT_TRUE(files.back().old);
  EXPECT_EQ(files.back().bucket, 0U);
  EXPECT_EQ(h_.Get(Key(5)), Value(5, 0));
}

TEST_F(ValueGcTest, TheFurtherCompactionIsBehindTheLessItMovesAlong) {
  Options options = GcOptions();
  options.value_log_gc_skip_score = 0;
  CompactWithGarbage(options);
  EXPECT_GT(h_.db->Stats().value_log.gc_skipped, 0U);
  EXPECT_EQ(h_.db->Stats().value_log.gc_throttled, 0U);
  ExpectEveryFifth();

  options.value_log_gc_skip_score = 1000;
  options.value_log_gc_reduce_score = 0;
  CompactWithGarbage(options);
  EXPECT_EQ(h_.db->Stats().value_log.gc_skipped, 0U);
  EXPECT_GT(h_.db->Stats().value_log.gc_throttled, 0U);
  ExpectEveryFifth();
}

TEST_F(ValueGcTest, ACompactionForWhichWritesMaySoonWaitMovesNothingAlong) {
  for (const bool in_haste : {false, true}) {
    Options options = GcOptions(/*ratio=*/0.5);
    options.value_log_gc_interval_ms = 3'600'000;
    options.value_log_gc_reduce_score = options.value_log_gc_skip_score = 1000;
    options.level0_compaction_trigger = 2;
    if (in_haste) options.compaction_debt_bytes = 1024;
    h_.Open(options);
    for (int i = 0; i < 2; i++) {
      MakeGarbage();
      h_.runtime->RunReady();
    }
    const uint64_t before = SpaceOf(".vlog");
    for (int i = 0; i < 2; i++) {
      h_.Put("a", "before all of them");
      h_.Put("z", "behind all of them");
      ASSERT_TRUE(h_.db->Flush().ok());
    }
    h_.runtime->RunReady();
    ASSERT_GT(h_.db->Stats().compaction.runs, 0U);
    EXPECT_EQ(SpaceOf(".vlog") > before, !in_haste);
    ExpectEveryFifth();
  }
}

TEST_F(ValueGcTest, MergesWithinLevel0MoveNothingAlong) {
  Options options = GcOptions(/*ratio=*/0.5);
  options.value_log_gc_interval_ms = 3'600'000;
  options.value_log_gc_reduce_score = options.value_log_gc_skip_score = 1000;
  options.level0_compaction_trigger = 2;
  options.memtable_bytes = options.immutable_memtable_bytes = 64 << 20;
  options.table_bytes = 64 << 20;
  options.compaction_bytes_per_second = 4 << 20;
  h_.Open(options);
  // A compaction that goes on for seconds keeps the level below from all others.
  for (int i = 0; i < 2; i++) {
    for (int j = 0; j < 8000; j++) h_.Put("a" + std::to_string(j), std::string(kLong - 1, 'v'));
    h_.Put("z", "behind all of them");
    ASSERT_TRUE(h_.db->Flush().ok());
  }
  h_.runtime->RunReady();
  ASSERT_EQ(h_.db->Stats().compaction.runs, 0U);
  Write(1, 0);
  ASSERT_TRUE(h_.db->Flush().ok());
  for (int i = 0; i < 60; i++) {
    if (i % 5 == 0) continue;
    ASSERT_TRUE(h_.db->Delete({}, Key(i)).ok());
  }
  ASSERT_TRUE(h_.db->Flush().ok());
  h_.runtime->RunReady();
  ASSERT_EQ(h_.db->Stats().compaction.runs, 1U) << "four values of five are garbage now";
  h_.Put(Key(1), "merged with them");
  ASSERT_TRUE(h_.db->Flush().ok());
  h_.runtime->RunReady();
  ASSERT_EQ(h_.db->Stats().compaction.runs, 2U);
  EXPECT_EQ(SpaceOf(".vlog"), 0U);
  Settle();
  EXPECT_EQ(h_.Get(Key(5)), Value(5, 0));
}

TEST_F(ValueGcTest, CollectionsThatBeginByThemselvesKeepApart) {
  Options options = GcOptions(/*ratio=*/0.5);
  options.value_log_gc_interval_ms = 60'000;
  options.value_log_gc_skip_score = 0;
  h_.Open(options);
  const auto collect = [this] {
    MakeGarbage();
    h_.Put("other", "x");
    EXPECT_TRUE(h_.db->Flush().ok());
    h_.runtime->RunReady();
    return h_.db->Stats().value_log.gc_runs;
  };
  const uint64_t first = collect();
  EXPECT_GT(first, 0U);
  EXPECT_EQ(collect(), first);
  h_.runtime->Advance(60'000'000);
  EXPECT_GT(collect(), first);
}

TEST_F(ValueGcTest, WhatHasToWaitIsCollectedInTimeThoughNobodyWrites) {
  Options options = GcOptions(/*ratio=*/0.5);
  options.value_log_gc_interval_ms = 60'000;
  options.value_log_gc_skip_score = 0;
  h_.Open(options);
  const auto runs = [this] { return h_.db->Stats().value_log.gc_runs; };
  MakeGarbage();
  h_.runtime->RunReady();
  const uint64_t first = runs();
  ASSERT_GT(first, 0U);
  MakeGarbage();
  h_.runtime->RunReady();
  ASSERT_EQ(runs(), first) << "too early";
  h_.runtime->Advance(59'000'000);
  EXPECT_EQ(runs(), first);
  h_.runtime->Advance(2'000'000);
  EXPECT_GT(runs(), first);
  ExpectEveryFifth();
  MakeGarbage();
  h_.runtime->RunReady();
  ASSERT_TRUE(h_.db->Close().ok()) << "it does not wait for the timer";
}

TEST_F(ValueGcTest, AFileThatIsAllInUseIsNeverMoved) {
  h_.Open(GcOptions(/*ratio=*/0.01));
  // Short values have the most around them in a file: were that garbage, they would move for ever.
  Options options = GcOptions(/*ratio=*/0.01);
  options.value_separation_threshold = 1;
  h_.Open(options);
  for (int i = 0; i < 60; i++) h_.Put(Key(i), "x");
  CompactAll();
  h_.Put("other", "y");
  CompactAll();
  EXPECT_EQ(h_.db->RunValueLogGC(0.01).code(), StatusCode::kNotFound);
  EXPECT_EQ(h_.Get(Key(7)), "x");
}

TEST_F(ValueGcTest, SaysWhenThereIsNothingToDoOrTheRatioIsNone) {
  Write(1, 0);
  ASSERT_TRUE(h_.db->Flush().ok());
  EXPECT_TRUE(h_.db->RunValueLogGC(0.5).IsNotFound());
  for (const double ratio : {0.0, 1.0, -1.0, 2.0}) {
    EXPECT_EQ(h_.db->RunValueLogGC(ratio).code(), StatusCode::kInvalidArgument) << ratio;
  }
  ASSERT_TRUE(h_.db->Close().ok());
  EXPECT_EQ(h_.db->RunValueLogGC(0.5).error_number(), 1402);
}

TEST_F(ValueGcTest, AnIteratorReadsOnFromFilesThatWereEmptied) {
  MakeGarbage();
  const auto it = h_.db->NewIterator({});
  it->SeekToFirst();
  const size_t before = h_.Files(".wal").size();
  ASSERT_TRUE(h_.db->RunValueLogGC(0.5).ok());
  EXPECT_EQ(h_.Files(".wal").size(), before);
  int keys = 0;
  for (; it->Valid(); it->Next()) {
    EXPECT_EQ(it->value(), Value(5 * keys, 0));
    keys++;
  }
  EXPECT_TRUE(it->status().ok()) << it->status();
  EXPECT_EQ(keys, 12);
}

TEST_F(ValueGcTest, ADamagedValueStopsTheMoveAndNothingIsRemoved) {
  MakeGarbage();
  for (const std::string& name : h_.Files(".wal")) {
    std::string content = *h_.disk->ReadFile("/db/" + name, 1 << 30);
    const size_t at = content.find(Value(30, 0));
    if (at == std::string::npos) continue;
    content[at] = '!';
    ASSERT_TRUE(h_.disk->Overwrite("/db/" + name, content).ok());
  }
  const auto before = h_.Files(".wal");
  const Status status = h_.db->RunValueLogGC(0.5);
  EXPECT_THAT(status.ToString(), HasSubstr("checksum mismatch"));
  EXPECT_EQ(h_.Files(".wal"), before);
  EXPECT_THAT(h_.Files(".vlog"), IsEmpty());
  EXPECT_EQ(h_.Get(Key(5)), Value(5, 0));
}

TEST_F(ValueGcTest, ValuesOnASlowDiskAreAskedForBeforeTheyAreMoved) {
  Options options = GcOptions();
  options.mapped_reads = false;
  h_.Open(options);
  MakeGarbage();
  int asked = 0;
  int read = 0;
  h_.fs->SetObserver([&](const vfs::Operation& operation) {
    if (!operation.path.ends_with(".wal")) return vfs::Fault{};
    if (operation.op == vfs::Op::kPrefetch) asked++;
    if (operation.op == vfs::Op::kRead) {
      read++;
      h_.runtime->Advance(100);
    }
    return vfs::Fault{};
  });
  const Status status = h_.db->RunValueLogGC(0.5);
  h_.StopObserving();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(read, 12);
  EXPECT_EQ(asked, 3) << "all behind the first and the ninth, which are timed";
  ExpectEveryFifth();
}

TEST_F(ValueGcTest, AFullDiskInTheMiddleOfAMoveLosesNothing) {
  MakeGarbage();
  h_.fs->SetObserver([](const vfs::Operation& operation) {
    vfs::Fault fault;
    if (operation.op == vfs::Op::kAppend && operation.path.ends_with(".vlog")) {
      fault.error_number = ENOSPC;
    }
    return fault;
  });
  EXPECT_FALSE(h_.db->RunValueLogGC(0.5).ok());
  h_.StopObserving();
  ExpectEveryFifth();
  EXPECT_THAT(h_.Files(".vlog"), IsEmpty());
  h_.Open(GcOptions());
  ExpectEveryFifth();
  ASSERT_TRUE(h_.db->RunValueLogGC(0.5).ok());
  ExpectEveryFifth();
}

TEST_F(ValueGcTest, AValueFileThatACrashLeftIsRemovedByTheNextOpen) {
  ASSERT_TRUE(h_.db->Close().ok());
  ASSERT_TRUE(vfs::WriteFileAtomically(*h_.disk, "/db/00077.vlog", "half a file").ok());
  h_.Open(GcOptions());
  EXPECT_THAT(h_.Files(".vlog"), IsEmpty());
}

TEST_F(ValueGcTest, CompactionPutsLongValuesOfTablesApartAndShortOnesBack) {
  Options inside = GcOptions();
  inside.value_separation_threshold = SIZE_MAX;
  h_.Open(inside);
  Write(1, 0);
  CompactAll();
  EXPECT_GT(SpaceOf(".sst"), 60 * kLong);
  h_.Open(GcOptions());
  CompactAll();
  EXPECT_LT(SpaceOf(".sst"), 60 * kLong / 2);
  EXPECT_GT(SpaceOf(".vlog"), 60 * kLong);
  for (int i = 0; i < 60; i++) EXPECT_EQ(h_.Get(Key(i)), Value(i, 0));
}

TEST_F(ValueGcTest, PoliciesDecideByKey) {
  Options options = GcOptions();
  options.value_separation_policies = {{"in/", ValueSeparationPolicy::Strategy::kAlwaysInline, 0},
                                       {"\xff", ValueSeparationPolicy::Strategy::kAlwaysApart, 0},
                                       {"at5/", ValueSeparationPolicy::Strategy::kThreshold, 5}};
  h_.Open(options);
  h_.Put("in/a", std::string(5000, 'i'));
  ASSERT_TRUE(h_.db->Flush().ok());
  EXPECT_GT(SpaceOf(".sst"), 5000U);
  h_.Put("\xff\x01", "x");
  h_.Put("at5/four", "4444");
  h_.Put("at5/five", "55555");
  ASSERT_TRUE(h_.db->Flush().ok());
  std::string segment = *h_.disk->ReadFile("/db/" + h_.Files(".wal").at(0), 1 << 30);
  segment[segment.find("55555")] = '!';
  ASSERT_TRUE(h_.disk->Overwrite("/db/" + h_.Files(".wal").at(0), segment).ok());
  EXPECT_THAT(h_.Get("at5/five"), HasSubstr("checksum mismatch"));
  EXPECT_EQ(h_.Get("at5/four"), "4444");
  EXPECT_EQ(h_.Get("in/a"), std::string(5000, 'i'));
  options.value_separation_policies = {{"", ValueSeparationPolicy::Strategy::kThreshold, 0}};
  EXPECT_EQ(h_.TryOpen(options).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace nokv::engine
