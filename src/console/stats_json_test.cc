#include "console/stats_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "console/testing_stats.h"

namespace nokv::console {
namespace {

using Json = nlohmann::ordered_json;

const Json* Find(const Json& root, std::string_view path) {
  const Json* node = &root;
  while (!path.empty()) {
    const size_t dot = path.find('.');
    const auto child = node->find(std::string(path.substr(0, dot)));
    if (child == node->end()) return nullptr;
    node = child->is_array() ? &child->at(0) : &*child;
    path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
  }
  return node;
}

// Every key of the documented schema that is always there: i integer, f number, b bool, s string.
const std::vector<std::pair<char, std::vector<std::string>>>& Schema() {
  static const std::vector<std::pair<char, std::vector<std::string>>> schema = {
      {'i',
       {"entries",
        "flush.pending",
        "flush.queue_length",
        "flush.active",
        "flush.completed",
        "compaction.backlog",
        "compaction.runs",
        "compaction.ingest_runs",
        "compaction.ingest_merge_runs",
        "compaction.ingest_tables",
        "compaction.ingest_merge_tables",
        "value_log.segments",
        "value_log.pending_deletes",
        "value_log.discard_queue",
        "value_log.gc.gc_runs",
        "value_log.gc.segments_removed",
        "value_log.gc.head_updates",
        "value_log.gc.gc_active",
        "value_log.gc.gc_scheduled",
        "value_log.gc.gc_throttled",
        "value_log.gc.gc_skipped",
        "value_log.gc.gc_rejected",
        "value_log.gc.gc_parallelism",
        "wal.active_segment",
        "wal.segment_count",
        "wal.active_size",
        "wal.segments_removed",
        "wal.record_counts.entries",
        "wal.record_counts.raft_entries",
        "wal.record_counts.raft_states",
        "wal.record_counts.raft_snapshots",
        "wal.record_counts.other",
        "wal.segments_with_raft_records",
        "wal.removable_raft_segments",
        "wal.auto_gc_runs",
        "wal.auto_gc_removed",
        "wal.auto_gc_last_unix",
        "raft.group_count",
        "raft.lagging_groups",
        "raft.min_log_segment",
        "raft.max_log_segment",
        "raft.max_lag_segments",
        "raft.lag_warn_threshold",
        "write.queue_depth",
        "write.queue_entries",
        "write.queue_bytes",
        "write.sync_count",
        "write.batches_total",
        "write.throttle_pressure_permille",
        "write.throttle_rate_bytes_per_sec",
        "write.hot_key_limited",
        "region.total",
        "region.new",
        "region.running",
        "region.removing",
        "region.tombstone",
        "region.other",
        "cache.iterator_reused",
        "lsm.levels.level",
        "lsm.levels.tables",
        "lsm.levels.size_bytes",
        "lsm.levels.value_bytes",
        "lsm.levels.stale_bytes",
        "lsm.levels.ingest_tables",
        "lsm.levels.ingest_size_bytes",
        "lsm.levels.ingest_value_bytes",
        "lsm.levels.ingest_runs",
        "lsm.levels.ingest_tables_compacted",
        "lsm.levels.ingest_merge_runs",
        "lsm.levels.ingest_merge_tables",
        "lsm.value_bytes_total",
        "lsm.range_filter.point_candidates",
        "lsm.range_filter.point_pruned",
        "lsm.range_filter.bounded_candidates",
        "lsm.range_filter.bounded_pruned",
        "lsm.range_filter.fallbacks",
        "transport.DialsTotal",
        "transport.DialFailures",
        "transport.SendAttempts",
        "transport.SendSuccesses",
        "transport.SendFailures",
        "transport.Retries",
        "transport.RetryExhausted",
        "transport.BlockedPeers",
        "transport.LastFailureUnix",
        "transport.WatchdogConsecutiveFails",
        "transport.WatchdogThreshold",
        "redis.commands_total",
        "redis.errors_total",
        "redis.connections_active",
        "redis.connections_accepted",
        "redis.commands_per_operation.get"}},
      {'f',
       {"flush.wait_ms",
        "flush.last_wait_ms",
        "flush.max_wait_ms",
        "flush.build_ms",
        "flush.last_build_ms",
        "flush.max_build_ms",
        "flush.release_ms",
        "flush.last_release_ms",
        "flush.max_release_ms",
        "compaction.max_score",
        "compaction.last_duration_ms",
        "compaction.max_duration_ms",
        "compaction.ingest_ms",
        "compaction.ingest_merge_ms",
        "compaction.value_weight",
        "wal.typed_record_ratio",
        "write.avg_batch_entries",
        "write.avg_batch_bytes",
        "write.avg_request_wait_ms",
        "write.avg_vlog_ms",
        "write.avg_apply_ms",
        "write.avg_sync_ms",
        "write.avg_sync_batch",
        "cache.block_l0_hit_rate",
        "cache.block_l1_hit_rate",
        "cache.index_hit_rate",
        "lsm.levels.value_density",
        "lsm.levels.ingest_value_density",
        "lsm.levels.ingest_ms",
        "lsm.levels.ingest_merge_ms",
        "lsm.value_density_max"}},
      {'b',
       {"wal.typed_record_warning", "raft.lag_warning", "write.throttle_active",
        "write.slowdown_active", "lsm.value_density_alert", "transport.WatchdogActive"}},
      {'s', {"write.throttle_mode", "transport.WatchdogReason"}}};
  return schema;
}

TEST(StatsJsonTest, HasEveryDocumentedKeyWithItsType) {
  const Json json = Json::parse(StatsToJson(FullStats(), FullGatewayStats()));
  for (const auto& [type, paths] : Schema()) {
    for (const std::string& path : paths) {
      const Json* node = Find(json, path);
      ASSERT_NE(node, nullptr) << path;
      const bool right = (type == 'i' && node->is_number_integer()) ||
                         (type == 'f' && node->is_number_float()) ||
                         (type == 'b' && node->is_boolean()) || (type == 's' && node->is_string());
      EXPECT_TRUE(right) << path << " is " << node->dump();
    }
  }
}

TEST(StatsJsonTest, LeavesOptionalKeysOutWhenEmpty) {
  const Json json = Json::parse(StatsToJson({}, {}));
  for (const char* path : {"lsm.levels", "hot.write_keys", "hot.write_ring", "value_log.heads",
                           "compaction.value_weight_suggested", "wal.typed_record_reason"}) {
    EXPECT_EQ(Find(json, path), nullptr) << path;
  }
}

TEST(StatsJsonTest, IsTheGoldenDocument) {
  ExpectGolden("stats.json", StatsToJson(FullStats(), FullGatewayStats()) + "\n");
}

TEST(StatsJsonTest, ManifestIsTheGoldenDocument) {
  ExpectGolden("manifest.json", ManifestToJson(FullManifest()) + "\n");
}

TEST(StatsJsonTest, SurvivesBytesThatAreNotUtf8) {
  nokv::Stats stats;
  stats.background_error = "file \xff\xfe: gone";
  EXPECT_FALSE(Json::parse(StatsToJson(stats, {}))["background_error"].get<std::string>().empty());
}

TEST(ExtractSnapshotTest, AcceptsVarsAndBareSnapshots) {
  const std::string snapshot = StatsToJson(FullStats(), FullGatewayStats());
  auto from_vars = ExtractSnapshot(VarsToJson(FullStats(), FullGatewayStats(), {"nokv-redis"}));
  ASSERT_TRUE(from_vars.ok()) << from_vars.status();
  EXPECT_EQ(*from_vars, snapshot);
  auto from_bare = ExtractSnapshot(snapshot);
  ASSERT_TRUE(from_bare.ok()) << from_bare.status();
  EXPECT_EQ(*from_bare, snapshot);
}

TEST(ExtractSnapshotTest, RefusesWhatIsNeither) {
  for (const char* bad :
       {"", "<html>", "[1]", "7", "{}", R"({"NoKV.Stats": 3})", R"({"cmdline": ["x"]})"}) {
    EXPECT_EQ(ExtractSnapshot(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace nokv::console
