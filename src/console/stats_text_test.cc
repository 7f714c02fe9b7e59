#include "console/stats_text.h"

#include <gtest/gtest.h>

#include <string>

#include "console/testing_stats.h"

namespace nokv::console {
namespace {

TEST(StatsTextTest, IsTheGoldenTextForThisVersion) {
  auto text = StatsText(StatsToJson(FullStats(), FullGatewayStats()));
  ASSERT_TRUE(text.ok()) << text.status();
  ExpectGolden("stats.txt", *text);
}

TEST(StatsTextTest, IsTheGoldenTextForAnEmptyDatabase) {
  auto text = StatsText(StatsToJson({}, {}));
  ASSERT_TRUE(text.ok()) << text.status();
  ExpectGolden("stats_empty.txt", *text);
}

// A server of another version may have every optional part.
TEST(StatsTextTest, PrintsEveryOptionalLineInTheDocumentedOrder) {
  auto text = StatsText(R"({
    "compaction": {"value_weight": 1, "value_weight_suggested": 1.25},
    "value_log": {"gc": {"gc_runs": 2, "gc_parallelism": 4},
                  "heads": {"0": {"Len": 0, "Offset": 0, "Fid": 0},
                            "1": {"Len": 3, "Offset": 2, "Fid": 1, "Bucket": 1}}},
    "hot": {"write_keys": [{"key": "a\"\u00e9", "count": 7}],
            "write_ring": {"buckets": 8, "nodes": 9, "load_factor": 1.125, "window_slots": 4,
                           "window_slot_duration": 250000000, "decay_interval": 1000000000,
                           "decay_shift": 1}},
    "wal": {"typed_record_warning": true, "typed_record_reason": "raft holds segments",
            "auto_gc_runs": 1, "auto_gc_last_unix": 1700000000},
    "raft": {"group_count": 3, "lagging_groups": 1, "max_lag_segments": 9,
             "lag_warn_threshold": 8, "lag_warning": true},
    "lsm": {"value_density_alert": true,
            "levels": [{"level": 1, "tables": 2, "ingest_tables": 3, "ingest_size_bytes": 4}]},
    "transport": {"SendAttempts": 5, "WatchdogActive": true}})");
  ASSERT_TRUE(text.ok()) << text.status();
  ExpectGolden("stats_optional.txt", *text);
}

TEST(StatsTextTest, NamesAValueOfAnUnknownType) {
  const Status status = StatsText(R"({"entries": "many"})").status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("entries"), std::string::npos);
  EXPECT_FALSE(StatsText(R"({"lsm": {"levels": [{"level": []}]}})").ok());
  EXPECT_FALSE(StatsText("[]").ok());
}

TEST(StatsTextTest, ManifestIsTheGoldenText) {
  ExpectGolden("manifest.txt", ManifestText(FullManifest()));
}

}  // namespace
}  // namespace nokv::console
