// The documented recovery scenarios that an engine shows. With RECOVERY_TRACE_METRICS set they
// print what they saw, one `RECOVERY_METRIC NAME=JSON` per line.
#include <gmock/gmock.h>

#include "engine/engine_test_util.h"
#include "testing/recovery_metric.h"

namespace nokv::engine {
namespace {

using nokv::testing::PrintRecoveryMetric;

std::string Quoted(const std::string& text) {
  return "\"" + text + "\"";
}

// One table with a key in it, and the database closed.
std::string CloseWithATable(EngineHarness* h) {
  h->Open();
  h->Put("key", "value");
  EXPECT_TRUE(h->db->Flush().ok());
  EXPECT_TRUE(h->db->Close().ok());
  h->db.reset();
  return h->Files(".sst").at(0);
}

TEST(Recovery, WALReplayRestoresData) {
  EngineHarness h;
  h.Open();
  h.Put("wal-replay", "restored");
  h.Crash(/*power_lost=*/false);
  h.Open();
  EXPECT_EQ(h.Get("wal-replay"), "restored");
  PrintRecoveryMetric("wal_replay",
                      R"({"key":"wal-replay","value_base64":"cmVzdG9yZWQ=","wal_dir":"/db",)"
                      R"("recovered_len":)" +
                          std::to_string(h.Get("wal-replay").size()) + "}");
}

TEST(Recovery, FailsOnMissingSST) {
  EngineHarness h;
  const std::string table = CloseWithATable(&h);
  ASSERT_TRUE(h.disk->Remove("/db/" + table).ok());
  const Status opened = h.TryOpen().status();
  EXPECT_THAT(opened.ToString(), ::testing::HasSubstr("missing sstable"));
  PrintRecoveryMetric("sst_missing_startup_failure",
                      "{\"removed_path\":" + Quoted("/db/" + table) +
                          ",\"open_error\":" + Quoted(std::string(opened.message())) + "}");
}

TEST(Recovery, FailsOnCorruptSST) {
  EngineHarness h;
  const std::string table = CloseWithATable(&h);
  ASSERT_TRUE(h.disk->Overwrite("/db/" + table, "bad-sst").ok());
  const Status opened = h.TryOpen().status();
  EXPECT_THAT(opened.ToString(), ::testing::HasSubstr("open sstable"));
  PrintRecoveryMetric("sst_corrupt_startup_failure",
                      "{\"corrupt_path\":" + Quoted("/db/" + table) +
                          ",\"open_error\":" + Quoted(std::string(opened.message())) + "}");
}

TEST(Recovery, ManifestRewriteCrash) {
  EngineHarness h;
  CloseWithATable(&h);
  const std::string current = *h.disk->ReadFile("/db/CURRENT", 1 << 10);
  ASSERT_TRUE(vfs::WriteFileAtomically(*h.disk, "/db/CURRENT.tmp", "MANIFEST-999999\n").ok());
  h.Open();
  EXPECT_EQ(h.Get("key"), "value");
  EXPECT_NE(h.disk->ReadFile("/db/CURRENT", 1 << 10)->find("MANIFEST"), std::string::npos);
  EXPECT_EQ(h.disk->ReadFile("/db/CURRENT", 1 << 10)->find("999999"), std::string::npos);
  PrintRecoveryMetric("manifest_rewrite",
                      "{\"current_manifest\":" + Quoted(current.substr(0, current.find('\n'))) +
                          ",\"current_path\":\"/db/CURRENT\",\"tmp_path\":\"/db/CURRENT.tmp\","
                          "\"tmp_exists\":" +
                          (*h.disk->Exists("/db/CURRENT.tmp") ? "true" : "false") + "}");
}

constexpr size_t kLong = 512;

Options ValuesApart() {
  Options options = SmallOptions();
  options.log_segment_bytes = 16 << 10;
  options.value_separation_threshold = kLong;
  options.value_log_gc_discard_ratio = 1;  // only when a test asks for it
  return options;
}

std::string LongValue(int i) {
  return std::to_string(i) + std::string(kLong, 'v');
}

// 48 values in log segments, every fourth of them still there, and tables that point to them.
void FillWithLongValues(EngineHarness* h) {
  for (int i = 0; i < 48; i++) h->Put("k" + std::to_string(100 + i), LongValue(i));
  ASSERT_TRUE(h->db->Flush().ok());
  for (int i = 0; i < 48; i++) {
    if (i % 4 == 0) continue;
    ASSERT_TRUE(h->db->Delete({}, "k" + std::to_string(100 + i)).ok());
  }
  ASSERT_TRUE(h->db->CompactRange({}, {}).ok());
}

void ExpectEveryFourth(EngineHarness* h) {
  for (int i = 0; i < 48; i++) {
    EXPECT_EQ(h->Get("k" + std::to_string(100 + i)), i % 4 == 0 ? LongValue(i) : "(none)") << i;
  }
}

TEST(Recovery, RemovesStaleValueLogSegment) {
  EngineHarness h;
  h.Open(ValuesApart());
  FillWithLongValues(&h);
  const std::string stale = h.Files(".wal").at(0);
  // The segments are emptied, but the process dies before any of them is removed.
  h.fs->SetObserver([](const vfs::Operation& operation) {
    return vfs::Fault{.error_number = operation.op == vfs::Op::kRemove ? EIO : 0};
  });
  ASSERT_TRUE(h.db->RunValueLogGC(0.5).ok());
  ASSERT_TRUE(*h.disk->Exists("/db/" + stale));
  h.Crash(/*power_lost=*/true);
  h.Open(ValuesApart());
  EXPECT_FALSE(*h.disk->Exists("/db/" + stale));
  const ValueFilesStats known = *h.db->ValueFiles();
  bool has_entry = false;
  for (const auto& file : known.files) has_entry |= file.name == stale;
  EXPECT_FALSE(has_entry);
  ExpectEveryFourth(&h);
  PrintRecoveryMetric("value_log_gc", "{\"stale_fid\":1,\"stale_path\":" + Quoted("/db/" + stale) +
                                          ",\"file_removed\":true,\"status_has_entry\":" +
                                          (has_entry ? "true" : "false") + "}");
}

TEST(Recovery, RemovesOrphanValueLogSegment) {
  EngineHarness h;
  h.Open(ValuesApart());
  FillWithLongValues(&h);
  ASSERT_TRUE(h.db->RunValueLogGC(0.5).ok());
  const std::vector<std::string> tracked = h.Files(".vlog");
  ASSERT_TRUE(h.db->Close().ok());
  const std::string orphan = "/db/00123.vlog";
  ASSERT_TRUE(vfs::WriteFileAtomically(*h.disk, orphan, "garbage").ok());
  h.Open(ValuesApart());
  EXPECT_EQ(h.Files(".vlog"), tracked);
  ExpectEveryFourth(&h);
  PrintRecoveryMetric("value_log_orphan_cleanup",
                      R"({"orphan_fid":123,"orphan_path":"/db/00123.vlog","fids_remaining":)" +
                          std::to_string(h.Files(".vlog").size()) + "}");
}

TEST(Recovery, SkipsValueLogReplay) {
  // A whole value file of another database, with nothing here that points into it.
  EngineHarness other;
  other.Open(ValuesApart());
  FillWithLongValues(&other);
  ASSERT_TRUE(other.db->RunValueLogGC(0.5).ok());
  const std::string file = "/db/" + other.Files(".vlog").at(0);
  EngineHarness h;
  h.Open(ValuesApart());
  h.Put("key", "value");
  ASSERT_TRUE(h.db->Close().ok());
  ASSERT_TRUE(vfs::WriteFileAtomically(*h.disk, file, *other.disk->ReadFile(file, 1 << 20)).ok());
  h.Open(ValuesApart());
  EXPECT_EQ(h.Scan(), "key=value");
}

TEST(Recovery, VlogPointerRoundTripAfterReopen) {
  EngineHarness h;
  Options options = ValuesApart();
  options.value_separation_threshold = 0;
  h.Open(options);
  const std::string first(1024, 'a'), second(1536, 'b');
  h.Put("first", first);
  h.Put("second", second);
  ASSERT_TRUE(h.db->Flush().ok());
  h.Open(options);
  EXPECT_EQ(h.Get("first"), first);
  EXPECT_EQ(h.Get("second"), second);
  IteratorOptions key_only;
  key_only.key_only = true;
  const auto keys = h.db->NewIterator(key_only);
  for (keys->SeekToFirst(); keys->Valid(); keys->Next()) {
    EXPECT_EQ(h.Get(std::string(keys->key())), keys->key() == "first" ? first : second);
  }
  EXPECT_EQ(h.Scan(), "first=" + first + " second=" + second);
}

// Batches, a range that is deleted, and what came after it.
void WriteMixedBatches(DB* db) {
  WriteBatch first;
  for (const char* key : {"a", "b", "c"}) first.Put(key, "old");
  ASSERT_TRUE(db->Write({}, std::move(first)).ok());
  ASSERT_TRUE(db->DeleteRange({}, "b", "d").ok());
  ASSERT_TRUE(db->Put({}, "c", "new").ok());
  ASSERT_TRUE(db->Delete({}, "a").ok());
  WriteBatch last;
  for (const char* key : {"d", "e"}) last.Put(key, "last");
  ASSERT_TRUE(db->Write({}, std::move(last)).ok());
}

TEST(Recovery, WALReplayMixedBatchDeleteAndRangeDelete) {
  EngineHarness h;
  h.Open();
  WriteMixedBatches(h.db.get());
  h.Crash(/*power_lost=*/false);
  h.Open();
  EXPECT_EQ(h.Scan(), "c=new d=last e=last");
}

TEST(Recovery, WALReplayIdempotentAcrossRepeatedReopen) {
  EngineHarness h;
  h.Open();
  WriteMixedBatches(h.db.get());
  for (int i = 0; i < 2; i++) {
    h.Crash(/*power_lost=*/false);
    h.Open();
    EXPECT_EQ(h.Scan(), "c=new d=last e=last") << i;
  }
}

// Writes a key and a batch of three, and leaves a log whose last batch lacks its end.
void TearLastBatch(EngineHarness* h) {
  h->Open();
  h->Put("intact", "1");
  const std::string log = "/db/" + h->Files(".wal").back();
  WriteBatch batch;
  for (const char* key : {"x", "y", "z"}) batch.Put(key, "torn-value");
  ASSERT_TRUE(h->db->Write({}, std::move(batch)).ok());
  h->Crash(/*power_lost=*/false);
  std::string content = *h->disk->ReadFile(log, 1 << 30);
  const size_t last = content.rfind("torn-value");
  ASSERT_NE(last, std::string::npos);
  content.resize(last + 5);
  ASSERT_TRUE(h->disk->Overwrite(log, content).ok());
}

TEST(Recovery, WALReplayTruncatedTailBatchIsNotPartiallyApplied) {
  EngineHarness h;
  TearLastBatch(&h);
  h.Open();
  EXPECT_EQ(h.Scan(), "intact=1");
}

TEST(Recovery, TruncateFailureThenSucceedsWithHealthyFS) {
  // Whichever change of the disk fails that an open behind a torn tail makes.
  bool failed = true;
  for (int nth = 0; failed; nth++) {
    EngineHarness h;
    TearLastBatch(&h);
    int changes = 0;
    h.fs->SetObserver([&](const vfs::Operation& operation) {
      const bool fails = vfs::ChangesDisk(operation.op) && changes++ == nth;
      return vfs::Fault{.error_number = fails ? EIO : 0};
    });
    const Status opened = h.TryOpen().status();
    failed = changes > nth;
    EXPECT_TRUE(nth > 0 || !opened.ok());
    h.StopObserving();
    h.Open();
    EXPECT_EQ(h.Scan(), "intact=1") << nth;
  }
}

}  // namespace
}  // namespace nokv::engine
