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

}  // namespace
}  // namespace nokv::engine
