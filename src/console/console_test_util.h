// For tests: statistics with a different number in every field.
#pragma once

#include "console/stats_json.h"
#include "nokv/stats.h"

namespace nokv::console {

inline void AddDistributions(nokv::Stats* stats) {
  stats->write.bytes_put = 57;
  stats->write.stalls = {
      {.reason = "level 0 tables", .count = 58, .total_ms = 59.5, .max_ms = 30.25}};
  stats->value_log = {.segments = 60,
                      .gc_runs = 61,
                      .segments_removed = 62,
                      .gc_scheduled = 63,
                      .gc_skipped = 64,
                      .gc_rejected = 65,
                      .gc_active = 1,
                      .gc_parallelism = 2,
                      .order_runs = 71,
                      .order_bytes = 72,
                      .order_active = 1,
                      .pending_deletes = 66,
                      .head = ValueLogStats::Head{.segment = 21, .offset = 23}};
  stats->amplification = {.write = 1.5, .read = 0.75, .space = 1.25};
  stats->operations["get"] = {.count = 67,
                              .mean_us = 1.5,
                              .p50_us = 1.25,
                              .p90_us = 2.5,
                              .p99_us = 5,
                              .p999_us = 10,
                              .max_us = 68};
  stats->stages["sync"] = {.count = 69,
                           .mean_us = 100,
                           .p50_us = 90,
                           .p90_us = 120,
                           .p99_us = 150,
                           .p999_us = 200,
                           .max_us = 250};
  stats->background_errors = 1;
}

inline void AddFilters(nokv::Stats* stats) {
  stats->filter = {.point_checks = 1000,
                   .point_negatives = 900,
                   .range_checks = 80,
                   .range_negatives = 60,
                   .range_false_positives = 3};
}

inline nokv::Stats FullStats() {
  nokv::Stats stats;
  stats.entries = 9007199254740993;  // no double holds it
  stats.flush = {.pending = 1,
                 .queue_length = 2,
                 .active = 3,
                 .wait_ms = 4.5,
                 .last_wait_ms = 5.25,
                 .max_wait_ms = 6,
                 .build_ms = 7,
                 .last_build_ms = 8.125,
                 .max_build_ms = 9,
                 .release_ms = 10,
                 .last_release_ms = 11,
                 .max_release_ms = 12,
                 .completed = 13,
                 .bytes_written = 56};
  stats.compaction = {.backlog = 14,
                      .max_score = 1.755,
                      .last_duration_ms = 16,
                      .max_duration_ms = 17,
                      .runs = 18,
                      .value_weight = 0.5,
                      .bytes_read = 19,
                      .bytes_written = 20};
  stats.wal = {.active_segment = 21,
               .segment_count = 22,
               .active_size = 23,
               .segments_removed = 24,
               .entries = 25,
               .raft_entries = 0,
               .raft_states = 0,
               .raft_snapshots = 0,
               .other = 26,
               .bytes_written = 27};
  stats.write.queue_depth = 28;
  stats.write.queue_entries = 29;
  stats.write.queue_bytes = 30;
  stats.write.avg_batch_entries = 31;
  stats.write.avg_batch_bytes = 32;
  stats.write.avg_request_wait_ms = 33;
  stats.write.avg_apply_ms = 34;
  stats.write.avg_sync_ms = 35;
  stats.write.avg_sync_batch = 36;
  stats.write.sync_count = 37;
  stats.write.batches_total = 38;
  stats.write.throttle_active = true;
  stats.write.throttle_mode = "stop";
  stats.write.throttle_reason = "level 0 tables";
  stats.write.throttle_pressure_permille = 1000;
  stats.cache = {.block_hit_rate = 0.75,
                 .hits = 39,
                 .misses = 13,
                 .evictions = 40,
                 .charge_bytes = 41,
                 .capacity_bytes = 42};
  stats.levels = {
      {.level = 0, .tables = 2, .size_bytes = 4096, .value_bytes = 0, .stale_bytes = 0},
      {.level = 6, .tables = 43, .size_bytes = 8192, .value_bytes = 2048, .stale_bytes = 44}};
  stats.value_bytes_total = 2048;
  AddDistributions(&stats);
  AddFilters(&stats);
  stats.snapshots = 45;
  stats.last_sequence = 46;
  stats.open_generation = 47;
  stats.background_error = "table 000012: \"disk\" full";
  return stats;
}

inline GatewayStats FullGatewayStats() {
  return {.commands_total = 48,
          .errors_total = 1,
          .connections_active = 2,
          .connections_accepted = 50,
          .connections_rejected = 3,
          .keyspace_hits = 51,
          .keyspace_misses = 52,
          .expired_keys = 53,
          .input_bytes = 54,
          .output_bytes = 55,
          .commands_per_operation = {{"get", 40}, {"set", 6}},
          .errors_per_operation = {{"set", 1}}};
}

inline nokv::ManifestStats FullManifest() {
  nokv::ManifestStats manifest;
  manifest.log_segment = 7;
  manifest.log_offset = 4096;
  manifest.manifest_number = 8;
  manifest.format_version = 1;
  manifest.last_sequence = 9;
  manifest.open_generation = 2;
  manifest.levels = {
      {.level = 0, .file_count = 2, .total_bytes = 300, .value_bytes = 0, .file_ids = {11, 12}},
      {.level = 6, .file_count = 1, .total_bytes = 500, .value_bytes = 80, .file_ids = {10}}};
  manifest.value_logs = {{"00003.wal", 3, std::nullopt, 8000},
                         {"00021.vlog", 21, 0, 9000},
                         {"00022.vlog", 22, 0, 400},
                         {"00024.vlog", 24, 3, 500}};
  return manifest;
}

}  // namespace nokv::console
