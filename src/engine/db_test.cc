// What the public API promises, on the memory disk.
#include <gmock/gmock.h>

#include <map>
#include <thread>

#include "engine/engine_test_util.h"
#include "keys/keys.h"

namespace nokv::engine {
namespace {

using testing::HasSubstr;

class DBTest : public testing::Test {
 protected:
  void SetUp() override { h_.Open(); }
  EngineHarness h_;
};

TEST_F(DBTest, ReadsWhatWasWrittenAndNothingElse) {
  h_.Put("a", "1");
  h_.Put("", "empty key");
  h_.Put("b", "");
  EXPECT_EQ(h_.Get("a"), "1");
  EXPECT_EQ(h_.Get(""), "empty key");
  EXPECT_EQ(h_.Get("b"), "");
  EXPECT_EQ(h_.Get("c"), "(none)");
  ASSERT_TRUE(h_.db->Delete({}, "a").ok());
  ASSERT_TRUE(h_.db->Delete({}, "never there").ok());
  EXPECT_EQ(h_.Get("a"), "(none)");
}

TEST_F(DBTest, APinnedValueStaysWhereItLies) {
  const std::string apart(600, 'a');
  Options options = SmallOptions();
  options.value_separation_threshold = 512;
  h_.Open(options);
  const uint64_t now = h_.runtime->clock().WallMillis();
  ASSERT_TRUE(h_.db->Put({}, "table", "in a table", {now + 5000, 9}).ok());
  h_.Put("apart", apart);
  ASSERT_TRUE(h_.db->Flush().ok());
  h_.Put("memtable", "in a memtable");
  const auto in_table = *h_.db->GetPinned({}, "table");
  const auto in_file = *h_.db->GetPinned({}, "apart");
  const auto in_memtable = *h_.db->GetPinned({}, "memtable");
  ASSERT_TRUE(in_table.has_value() && in_file.has_value() && in_memtable.has_value());
  EXPECT_FALSE(h_.db->GetPinned({}, "none")->has_value());
  EXPECT_EQ(in_table->expiry_ms, now + 5000);
  EXPECT_EQ(in_table->user_meta, 9);
  for (const char* key : {"table", "apart", "memtable"}) {
    ASSERT_TRUE(h_.db->Delete({}, key).ok());
  }
  ASSERT_TRUE(h_.db->CompactRange({}, {}).ok());
  ASSERT_TRUE(h_.db->Close().ok());
  EXPECT_EQ(h_.db->GetPinned({}, "table").status().code(), StatusCode::kFailedPrecondition);
  h_.db.reset();
  EXPECT_EQ(in_table->data, "in a table");
  EXPECT_EQ(in_file->data, apart);
  EXPECT_EQ(in_memtable->data, "in a memtable");
}

TEST_F(DBTest, KeepsExpiryAndUserMetaThroughFlushAndReopen) {
  const uint64_t now = h_.runtime->clock().WallMillis();
  ASSERT_TRUE(h_.db->Put({}, "k", "v", {now + 5000, 9}).ok());
  ASSERT_TRUE(h_.db->Flush().ok());
  h_.Open();
  const auto value = h_.db->Get({}, "k");
  ASSERT_TRUE(value.ok() && value->has_value());
  EXPECT_EQ((*value)->expiry_ms, now + 5000);
  EXPECT_EQ((*value)->user_meta, 9);
}

TEST_F(DBTest, ExpiredEntriesAreMissingToGetsAndScansToTheMillisecond) {
  const uint64_t now = h_.runtime->clock().WallMillis();
  ASSERT_TRUE(h_.db->Put({}, "k", "old").ok());
  ASSERT_TRUE(h_.db->Put({}, "k", "v", {now + 1, 0}).ok());
  EXPECT_EQ(h_.Get("k"), "v");
  h_.runtime->Advance(1000);
  EXPECT_EQ(h_.Get("k"), "(none)") << "the older value must not come back";
  EXPECT_EQ(h_.Scan(), "");
}

TEST_F(DBTest, LastChangeOfABatchWinsAndTheBatchIsOne) {
  WriteBatch batch;
  batch.Put("a", "1");
  batch.Put("a", "2");
  batch.Put("b", "1");
  batch.Delete("b");
  batch.Put("c", "1");
  batch.DeleteRange("c", "d");
  batch.Put("c", "after the range");
  EXPECT_EQ(batch.Count(), 7U);
  ASSERT_TRUE(h_.db->Write({}, std::move(batch)).ok());
  EXPECT_EQ(h_.Scan(), "a=2 c=after the range");
}

TEST_F(DBTest, DeleteRangeIsHalfOpenAndLaterWritesShowThrough) {
  for (const char* key : {"a", "b", "c", "d"}) h_.Put(key, "1");
  ASSERT_TRUE(h_.db->DeleteRange({}, "b", "d").ok());
  h_.Put("c", "2");
  EXPECT_EQ(h_.Scan(), "a=1 c=2 d=1");
  ASSERT_TRUE(h_.db->Flush().ok());
  EXPECT_EQ(h_.Scan(), "a=1 c=2 d=1");
  EXPECT_EQ(h_.db->DeleteRange({}, "d", "b").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(h_.db->DeleteRange({}, "b", "b").code(), StatusCode::kInvalidArgument);
}

TEST_F(DBTest, KeysAtTheLimitAreKeptWholeAndLongerOnesRefused) {
  const std::string longest(keys::kMaxUserKeyBytes, 'x');
  h_.Put(longest, "v");
  ASSERT_TRUE(h_.db->Flush().ok());
  EXPECT_EQ(h_.Get(longest), "v");
  EXPECT_EQ(h_.Get(longest.substr(1)), "(none)");
  const Status status = h_.db->Put({}, longest + "x", "v");
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("limit of 1048576"));
}

TEST_F(DBTest, KeysAroundTheReservedByteKeepTheirOrderAndRanges) {
  const std::vector<std::string> keys = {"\xfe", "\xff", std::string("\xff\x00", 2), "\xff\x01z",
                                         "\xff\xff"};
  for (const auto& key : keys) h_.Put(key, "v");
  const auto it = h_.db->NewIterator();
  size_t i = 0;
  for (it->SeekToFirst(); it->Valid(); it->Next()) EXPECT_EQ(it->key(), keys[i++]);
  EXPECT_EQ(i, keys.size());
  for (it->SeekToLast(); it->Valid(); it->Prev()) EXPECT_EQ(it->key(), keys[--i]);
  EXPECT_EQ(i, 0U);
  ASSERT_TRUE(h_.db->DeleteRange({}, "\xfe", "\xff\x01").ok());
  EXPECT_EQ(h_.Get("\xff"), "(none)");
  EXPECT_EQ(h_.Get("\xff\x01z"), "v");
}

TEST_F(DBTest, MultiGetAnswersInOrderFromOneState) {
  h_.Put("a", "1");
  h_.Put("b", "2");
  const std::string_view wanted[] = {"b", "x", "a"};
  const auto values = h_.db->MultiGet({}, wanted);
  ASSERT_TRUE(values.ok());
  EXPECT_EQ((*values)[0]->data, "2");
  EXPECT_FALSE((*values)[1].has_value());
  EXPECT_EQ((*values)[2]->data, "1");
}

class IteratorTest : public DBTest {
 protected:
  void SetUp() override {
    DBTest::SetUp();
    for (const char* key : {"b", "d", "f", "h"}) h_.Put(key, key);
    ASSERT_TRUE(h_.db->Flush().ok());
    h_.Put("c", "gone");
    ASSERT_TRUE(h_.db->Delete({}, "c").ok());
    h_.Put("d", "new");
  }
};

TEST_F(IteratorTest, SeeksBothWaysFromEveryPosition) {
  const auto it = h_.db->NewIterator();
  it->Seek("c");
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->key(), "d");
  EXPECT_EQ(it->value(), "new");
  it->SeekForPrev("d");
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->key(), "d") << "SeekForPrev includes its target";
  it->SeekForPrev("c");
  EXPECT_EQ(it->key(), "b");
  it->SeekForPrev("a");
  EXPECT_FALSE(it->Valid());
  it->Seek("i");
  EXPECT_FALSE(it->Valid());
  EXPECT_TRUE(it->status().ok());
}

TEST_F(IteratorTest, TurnsAroundAnywhere) {
  const auto it = h_.db->NewIterator();
  it->Seek("d");
  it->Next();
  EXPECT_EQ(it->key(), "f");
  it->Prev();
  EXPECT_EQ(it->key(), "d");
  EXPECT_EQ(it->value(), "new");
  it->Prev();
  EXPECT_EQ(it->key(), "b");
  it->Next();
  EXPECT_EQ(it->key(), "d");
  it->Next();
  it->Next();
  EXPECT_EQ(it->key(), "h");
  it->Next();
  EXPECT_FALSE(it->Valid());
}

TEST_F(IteratorTest, StaysInsideItsBounds) {
  IteratorOptions options;
  options.lower_bound = "c";
  options.upper_bound = "h";
  EXPECT_EQ(h_.Scan(options), "d=new f=f");
  EXPECT_EQ(h_.Scan(options, /*forward=*/false), "f=f d=new");
  const auto it = h_.db->NewIterator(options);
  it->Seek("a");
  EXPECT_EQ(it->key(), "d");
  it->SeekForPrev("z");
  EXPECT_EQ(it->key(), "f");
  it->Seek("h");
  EXPECT_FALSE(it->Valid());
  it->SeekForPrev("b");
  EXPECT_FALSE(it->Valid());
}

TEST_F(IteratorTest, KeyOnlyLeavesValuesOut) {
  IteratorOptions options;
  options.key_only = true;
  EXPECT_EQ(h_.Scan(options), "b= d= f= h=");
}

TEST_F(IteratorTest, SeesOneStateHoweverMuchIsWrittenMeanwhile) {
  const auto it = h_.db->NewIterator();
  const auto snapshot = h_.db->GetSnapshot();
  h_.Put("a", "later");
  ASSERT_TRUE(h_.db->DeleteRange({}, "b", "z").ok());
  ASSERT_TRUE(h_.db->Flush().ok());
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  std::string seen;
  for (it->SeekToFirst(); it->Valid(); it->Next()) seen += it->key();
  EXPECT_EQ(seen, "bdfh");
  IteratorOptions options;
  options.snapshot = snapshot.get();
  EXPECT_EQ(h_.Scan(options), "b=b d=new f=f h=h");
  EXPECT_EQ(h_.Scan(), "a=later");
}

TEST_F(DBTest, EverythingAfterCloseAnswersClosed) {
  h_.Put("a", "1");
  const auto it = h_.db->NewIterator();
  it->SeekToFirst();
  ASSERT_TRUE(it->Valid());
  ASSERT_TRUE(h_.db->Close().ok());
  ASSERT_TRUE(h_.db->Close().ok());
  const auto is_closed = [](const Status& status) {
    return status.code() == StatusCode::kFailedPrecondition && status.message().ends_with("closed");
  };
  EXPECT_FALSE(it->Valid());
  EXPECT_TRUE(is_closed(it->status()));
  EXPECT_TRUE(is_closed(h_.db->Get({}, "a").status()));
  EXPECT_TRUE(is_closed(h_.db->MultiGet({}, {}).status()) || h_.db->MultiGet({}, {}).ok());
  EXPECT_TRUE(is_closed(h_.db->Put({}, "a", "1")));
  EXPECT_TRUE(is_closed(h_.db->DeleteRange({}, "a", "b")));
  EXPECT_TRUE(is_closed(h_.db->SyncLog()));
  EXPECT_TRUE(is_closed(h_.db->Flush()));
  EXPECT_TRUE(is_closed(h_.db->CompactRange("", "")));
  EXPECT_TRUE(is_closed(h_.db->NewIterator()->status()));
  bool called = false;
  h_.db->WriteAsync({}, WriteBatch(), [&](const Status& status) { called = is_closed(status); });
  EXPECT_TRUE(called);
  EXPECT_EQ(h_.db->Stats().last_sequence, 1U);
  EXPECT_NE(h_.db->GetSnapshot(), nullptr);
}

TEST(DBThreadsTest, EverySyncedWriteIsAnsweredWhicheverThreadAppliesLast) {
  const auto runtime = runtime::NewThreadRuntime({});
  const auto disk = vfs::NewMemoryFileSystem();
  const auto db = OpenDB(SmallOptions(), "/db", {*disk, *runtime, base::NullLogger()});
  ASSERT_TRUE(db.ok()) << db.status();
  // A synced write may be applied before the unsynced one in front of it, which then has to see
  // that a sync is due. Nobody comes after the last ones to do it for them.
  constexpr int kThreads = 4;
  for (int round = 0; round < 100; round++) {
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; thread++) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 10; i++) {
          const Status status = (*db)->Put({.sync = (thread + i) % 3 == 0}, "k", "v");
          EXPECT_TRUE(status.ok()) << status;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

TEST_F(DBTest, StatsCountWhatHappened) {
  for (int i = 0; i < 10; i++) h_.Put("k" + std::to_string(i), "v", /*sync=*/true);
  ASSERT_TRUE(h_.db->Flush().ok());
  (void)h_.Get("k1");
  (void)h_.Get("k1");
  const Stats stats = h_.db->Stats();
  EXPECT_EQ(stats.entries, 10);
  EXPECT_EQ(stats.flush.completed, 1);
  EXPECT_EQ(stats.write.batches_total, 10);
  EXPECT_EQ(stats.write.sync_count, 10);
  ASSERT_EQ(stats.levels.size(), 1U);
  EXPECT_EQ(stats.levels[0].tables, 1);
  EXPECT_GT(stats.cache.hits, 0U);
  EXPECT_EQ(stats.open_generation, 1U);
}

TEST_F(DBTest, MoreKeysBetweenWholeOnesMakeTablesSmallerAndReadTheSame) {
  std::map<int, uint64_t> bytes;
  std::string first_scan;
  for (const int interval : {1, 8, 1024}) {
    EngineHarness h;
    Options options = SmallOptions();
    options.restart_interval = interval;
    options.compression = {CompressionType::kNone};
    options.memtable_bytes = 1 << 20;
    h.Open(options);
    for (int i = 100; i < 600; ++i) h.Put("a long prefix of all keys " + std::to_string(i), "v");
    ASSERT_TRUE(h.db->Flush().ok());
    const std::vector<std::string> tables = h.Files(".sst");
    ASSERT_EQ(tables.size(), 1U);
    bytes[interval] = *h.disk->FileSize("/db/" + tables[0]);
    EXPECT_EQ(h.Get("a long prefix of all keys 599"), "v");
    const std::string scan = h.Scan();
    if (first_scan.empty()) first_scan = scan;
    EXPECT_EQ(scan, first_scan);
  }
  EXPECT_GT(bytes[1], bytes[8] * 3 / 2);
  EXPECT_GT(bytes[8], bytes[1024]);
}

TEST_F(DBTest, AnOptionOutOfItsRangeIsRefusedByName) {
  for (const int interval : {0, 1025}) {
    Options options = SmallOptions();
    options.restart_interval = interval;
    h_.db.reset();
    const Status status = h_.TryOpen(options).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr("restart_interval is not between 1 and 1024"));
  }
}

}  // namespace
}  // namespace nokv::engine
