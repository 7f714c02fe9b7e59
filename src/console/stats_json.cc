#include "console/stats_json.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

namespace nokv::console {

namespace {

// Keeps keys in the documented order.
using Json = nlohmann::ordered_json;

Json FlushJson(const FlushStats& flush) {
  return {{"pending", flush.pending},
          {"queue_length", flush.queue_length},
          {"active", flush.active},
          {"wait_ms", flush.wait_ms},
          {"last_wait_ms", flush.last_wait_ms},
          {"max_wait_ms", flush.max_wait_ms},
          {"build_ms", flush.build_ms},
          {"last_build_ms", flush.last_build_ms},
          {"max_build_ms", flush.max_build_ms},
          {"release_ms", flush.release_ms},
          {"last_release_ms", flush.last_release_ms},
          {"max_release_ms", flush.max_release_ms},
          {"completed", flush.completed},
          {"bytes_written", flush.bytes_written}};
}

Json CompactionJson(const CompactionStats& compaction) {
  return {{"backlog", compaction.backlog},
          {"max_score", compaction.max_score},
          {"last_duration_ms", compaction.last_duration_ms},
          {"max_duration_ms", compaction.max_duration_ms},
          {"runs", compaction.runs},
          {"ingest_runs", 0},
          {"ingest_merge_runs", 0},
          {"ingest_ms", 0.0},
          {"ingest_merge_ms", 0.0},
          {"ingest_tables", 0},
          {"ingest_merge_tables", 0},
          {"value_weight", compaction.value_weight},
          {"bytes_read", compaction.bytes_read},
          {"bytes_written", compaction.bytes_written}};
}

Json ValueLogJson(const ValueLogStats& values) {
  // Dead bytes are derived from the tables, so nothing about them is ever queued.
  Json json = {{"segments", values.segments},
               {"pending_deletes", values.pending_deletes},
               {"discard_queue", 0}};
  // The log is the one place to which new values go: bucket 0.
  if (values.head.has_value()) {
    json["heads"] = {{"0",
                      {{"Len", 0},
                       {"Offset", values.head->offset},
                       {"Fid", values.head->segment},
                       {"Bucket", 0}}}};
  }
  json["gc"] = {{"gc_runs", values.gc_runs},
                {"segments_removed", values.segments_removed},
                {"head_updates", 0},
                {"gc_active", values.gc_active},
                {"gc_scheduled", values.gc_scheduled},
                {"gc_throttled", values.gc_throttled},
                {"gc_skipped", values.gc_skipped},
                {"gc_rejected", values.gc_rejected},
                {"gc_parallelism", values.gc_parallelism}};
  json["order"] = {{"order_runs", values.order_runs},
                   {"order_bytes", values.order_bytes},
                   {"order_active", values.order_active}};
  return json;
}

double RaftRecordShare(const LogStats& wal) {
  const uint64_t raft = wal.raft_entries + wal.raft_states + wal.raft_snapshots;
  const uint64_t all = raft + wal.entries + wal.other;
  return all == 0 ? 0 : static_cast<double>(raft) / static_cast<double>(all);
}

Json WalJson(const LogStats& wal) {
  return {{"active_segment", wal.active_segment},
          {"segment_count", wal.segment_count},
          {"active_size", wal.active_size},
          {"segments_removed", wal.segments_removed},
          {"record_counts",
           {{"entries", wal.entries},
            {"raft_entries", wal.raft_entries},
            {"raft_states", wal.raft_states},
            {"raft_snapshots", wal.raft_snapshots},
            {"other", wal.other}}},
          {"segments_with_raft_records", 0},
          {"removable_raft_segments", 0},
          {"typed_record_ratio", RaftRecordShare(wal)},
          {"typed_record_warning", false},
          {"auto_gc_runs", 0},
          {"auto_gc_removed", 0},
          {"auto_gc_last_unix", 0},
          {"bytes_written", wal.bytes_written}};
}

Json RaftJson() {
  return {{"group_count", 0},     {"lagging_groups", 0},   {"min_log_segment", 0},
          {"max_log_segment", 0}, {"max_lag_segments", 0}, {"lag_warn_threshold", 0},
          {"lag_warning", false}};
}

Json StallsJson(const std::vector<StallStats>& stalls) {
  Json json = Json::array();
  for (const StallStats& stall : stalls) {
    json.push_back({{"reason", stall.reason},
                    {"count", stall.count},
                    {"total_ms", stall.total_ms},
                    {"max_ms", stall.max_ms}});
  }
  return json;
}

Json DurationsJson(const std::map<std::string, DurationStats>& durations) {
  Json json = Json::object();
  for (const auto& [name, stats] : durations) {
    json[name] = {{"count", stats.count},   {"mean_us", stats.mean_us}, {"p50_us", stats.p50_us},
                  {"p90_us", stats.p90_us}, {"p99_us", stats.p99_us},   {"p999_us", stats.p999_us},
                  {"max_us", stats.max_us}};
  }
  return json;
}

Json WriteJson(const WriteStats& write) {
  return {{"queue_depth", write.queue_depth},
          {"queue_entries", write.queue_entries},
          {"queue_bytes", write.queue_bytes},
          {"avg_batch_entries", write.avg_batch_entries},
          {"avg_batch_bytes", write.avg_batch_bytes},
          {"avg_request_wait_ms", write.avg_request_wait_ms},
          {"avg_vlog_ms", 0.0},
          {"avg_apply_ms", write.avg_apply_ms},
          {"avg_sync_ms", write.avg_sync_ms},
          {"avg_sync_batch", write.avg_sync_batch},
          {"sync_count", write.sync_count},
          {"batches_total", write.batches_total},
          {"throttle_active", write.throttle_active},
          {"slowdown_active", write.slowdown_active},
          {"throttle_mode", write.throttle_mode},
          {"throttle_pressure_permille", write.throttle_pressure_permille},
          {"throttle_rate_bytes_per_sec", write.throttle_rate_bytes_per_sec},
          {"hot_key_limited", 0},
          {"throttle_reason", write.throttle_reason},
          {"bytes_put", write.bytes_put},
          {"stalls", StallsJson(write.stalls)}};
}

Json RegionJson() {
  return {{"total", 0},    {"new", 0},       {"running", 0},
          {"removing", 0}, {"tombstone", 0}, {"other", 0}};
}

Json CacheJson(const CacheStats& cache) {
  // One cache serves the blocks of all levels. Index blocks do not pass through it.
  return {{"block_l0_hit_rate", cache.block_hit_rate},
          {"block_l1_hit_rate", cache.block_hit_rate},
          {"index_hit_rate", 0.0},
          {"iterator_reused", 0},
          {"hits", cache.hits},
          {"misses", cache.misses},
          {"evictions", cache.evictions},
          {"charge_bytes", cache.charge_bytes},
          {"capacity_bytes", cache.capacity_bytes}};
}

Json LevelJson(const LevelStats& level) {
  const double density = level.size_bytes == 0 ? 0
                                               : static_cast<double>(level.value_bytes) /
                                                     static_cast<double>(level.size_bytes);
  return {{"level", level.level},
          {"tables", level.tables},
          {"size_bytes", level.size_bytes},
          {"value_bytes", level.value_bytes},
          {"stale_bytes", level.stale_bytes},
          {"ingest_tables", 0},
          {"ingest_size_bytes", 0},
          {"ingest_value_bytes", 0},
          {"value_density", density},
          {"ingest_value_density", 0.0},
          {"ingest_runs", 0},
          {"ingest_ms", 0.0},
          {"ingest_tables_compacted", 0},
          {"ingest_merge_runs", 0},
          {"ingest_merge_ms", 0.0},
          {"ingest_merge_tables", 0}};
}

Json LsmJson(const nokv::Stats& stats) {
  Json lsm = Json::object();
  double max_density = 0;
  if (!stats.levels.empty()) {
    Json& levels = lsm["levels"] = Json::array();
    for (const LevelStats& level : stats.levels) {
      levels.push_back(LevelJson(level));
      max_density = std::max(max_density, levels.back()["value_density"].get<double>());
    }
  }
  lsm["value_bytes_total"] = stats.value_bytes_total;
  lsm["value_density_max"] = max_density;
  lsm["value_density_alert"] = false;
  lsm["range_filter"] = {{"point_candidates", stats.filter.point_checks},
                         {"point_pruned", stats.filter.point_negatives},
                         {"bounded_candidates", stats.filter.range_checks},
                         {"bounded_pruned", stats.filter.range_negatives},
                         {"fallbacks", stats.filter.range_false_positives}};
  return lsm;
}

Json TransportJson() {
  return {{"DialsTotal", 0},
          {"DialFailures", 0},
          {"SendAttempts", 0},
          {"SendSuccesses", 0},
          {"SendFailures", 0},
          {"Retries", 0},
          {"RetryExhausted", 0},
          {"BlockedPeers", 0},
          {"LastFailureUnix", 0},
          {"WatchdogActive", false},
          {"WatchdogConsecutiveFails", 0},
          {"WatchdogThreshold", 0},
          {"WatchdogReason", ""}};
}

Json RedisJson(const GatewayStats& gateway) {
  const auto by_name = [](const std::map<std::string, uint64_t>& counts) {
    Json json = Json::object();
    for (const auto& [name, count] : counts) json[name] = count;
    return json;
  };
  return {{"commands_total", gateway.commands_total},
          {"errors_total", gateway.errors_total},
          {"connections_active", gateway.connections_active},
          {"connections_accepted", gateway.connections_accepted},
          {"commands_per_operation", by_name(gateway.commands_per_operation)},
          {"errors_per_operation", by_name(gateway.errors_per_operation)},
          {"connections_rejected", gateway.connections_rejected},
          {"keyspace_hits", gateway.keyspace_hits},
          {"keyspace_misses", gateway.keyspace_misses},
          {"expired_keys", gateway.expired_keys},
          {"input_bytes", gateway.input_bytes},
          {"output_bytes", gateway.output_bytes}};
}

Json SnapshotJson(const nokv::Stats& stats, const GatewayStats& gateway) {
  return {{"entries", stats.entries},
          {"flush", FlushJson(stats.flush)},
          {"compaction", CompactionJson(stats.compaction)},
          {"value_log", ValueLogJson(stats.value_log)},
          {"wal", WalJson(stats.wal)},
          {"raft", RaftJson()},
          {"write", WriteJson(stats.write)},
          {"region", RegionJson()},
          {"hot", Json::object()},
          {"cache", CacheJson(stats.cache)},
          {"lsm", LsmJson(stats)},
          {"transport", TransportJson()},
          {"redis", RedisJson(gateway)},
          {"snapshots", stats.snapshots},
          {"last_sequence", stats.last_sequence},
          {"open_generation", stats.open_generation},
          {"background_error", stats.background_error},
          {"background_errors", stats.background_errors},
          {"operations", DurationsJson(stats.operations)},
          {"stages", DurationsJson(stats.stages)},
          {"amplification",
           {{"write", stats.amplification.write},
            {"read", stats.amplification.read},
            {"space", stats.amplification.space}}}};
}

std::string Print(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string StatsToJson(const nokv::Stats& stats, const GatewayStats& gateway) {
  return Print(SnapshotJson(stats, gateway));
}

std::string VarsToJson(const nokv::Stats& stats, const GatewayStats& gateway,
                       const std::vector<std::string>& command_line) {
  return Print({{"NoKV.Stats", SnapshotJson(stats, gateway)}, {"cmdline", command_line}});
}

namespace {

// A segment of the log has no bucket.
Json FileJson(const nokv::ManifestStats::ValueLog& file) {
  return {{"bucket", file.bucket.has_value() ? Json(*file.bucket) : Json()},
          {"fid", file.number},
          {"file", file.name},
          {"offset", file.end},
          {"valid", true}};
}

// The newest file of each bucket.
Json ValueLogHeads(const nokv::ManifestStats& manifest) {
  std::map<uint64_t, const nokv::ManifestStats::ValueLog*> newest;
  for (const auto& file : manifest.value_logs) {
    if (!file.bucket.has_value()) continue;
    auto& head = newest[*file.bucket];
    if (head == nullptr || head->number < file.number) head = &file;
  }
  Json heads = Json::array();
  for (const auto& [bucket, file] : newest) heads.push_back(FileJson(*file));
  return heads;
}

}  // namespace

std::string ManifestToJson(const nokv::ManifestStats& manifest) {
  // Sorted keys, as this document always had; null is what it says when there is no value log.
  Json levels = Json::array();
  for (const auto& level : manifest.levels) {
    levels.push_back({{"file_count", level.file_count},
                      {"file_ids", level.file_ids},
                      {"level", level.level},
                      {"total_bytes", level.total_bytes},
                      {"value_bytes", level.value_bytes}});
  }
  Json value_logs;
  for (const auto& file : manifest.value_logs) value_logs.push_back(FileJson(file));
  return Print(
      {{"format_version", manifest.format_version},
       {"last_sequence", manifest.last_sequence},
       {"levels", std::move(levels)},
       {"log_pointer", {{"offset", manifest.log_offset}, {"segment", manifest.log_segment}}},
       {"manifest_number", manifest.manifest_number},
       {"open_generation", manifest.open_generation},
       {"value_log_heads", ValueLogHeads(manifest)},
       {"value_logs", std::move(value_logs)}});
}

std::string ValueFilesToJson(const nokv::ValueFilesStats& values) {
  Json files = Json::array();
  uint64_t live = 0;
  uint64_t dead = 0;
  for (const auto& file : values.files) {
    live += file.live_bytes;
    dead += file.dead_bytes;
    files.push_back({{"bucket", file.bucket.has_value() ? Json(*file.bucket) : Json()},
                     {"dead_bytes", file.dead_bytes},
                     {"fid", file.number},
                     {"file", file.name},
                     {"file_bytes", file.file_bytes},
                     {"kept_for", file.kept_for},
                     {"kind", file.segment ? "log" : "values"},
                     {"live_bytes", file.live_bytes},
                     {"old", file.old},
                     {"tables", file.tables}});
  }
  return Print({{"active_fid", values.active_segment},
                {"dead_bytes", dead},
                {"head", {{"fid", values.active_segment}, {"offset", values.active_offset}}},
                {"live_bytes", live},
                {"segments", std::move(files)}});
}

std::string BuildInfoToJson(const BuildInfo& info) {
  return Print({{"version", info.version},
                {"commit", info.commit},
                {"compiler", info.compiler},
                {"build_type", info.build_type},
                {"features", info.features},
                {"formats", info.formats}});
}

Result<std::string> ExtractSnapshot(std::string_view document) {
  Json json = Json::parse(document, nullptr, false);
  if (json.is_discarded()) return Status::InvalidArgument("the answer is not JSON");
  if (!json.is_object()) return Status::InvalidArgument("the answer is not a JSON object");
  if (const auto vars = json.find("NoKV.Stats"); vars != json.end()) {
    if (!vars->is_object()) return Status::InvalidArgument("NoKV.Stats is not a JSON object");
    return Print(*vars);
  }
  if (!json.contains("entries")) {
    return Status::InvalidArgument("the answer holds neither NoKV.Stats nor a snapshot")
        .WithHint("name a server started with --metrics-addr");
  }
  return Print(json);
}

}  // namespace nokv::console
