#include "console/prometheus.h"

#include <string>

namespace nokv::console {

namespace {

using metrics::TextWriter;

double Real(int64_t value) {
  return static_cast<double>(value);
}
double Real(uint64_t value) {
  return static_cast<double>(value);
}
uint64_t Count(int64_t value) {
  return value < 0 ? 0 : static_cast<uint64_t>(value);
}

void WriteEngine(TextWriter& out, const nokv::Stats& stats) {
  out.Gauge("nokv_engine_entries", "Entries in memtables and tables, all versions.",
            Real(stats.entries));
  out.Gauge("nokv_engine_snapshots", "Snapshots that are held.", Real(stats.snapshots));
  out.Gauge("nokv_engine_last_sequence", "Sequence number of the last write.",
            Real(stats.last_sequence));
  out.Gauge("nokv_engine_read_only", "1 after a background error; writes are refused then.",
            stats.background_error.empty() ? 0 : 1);
}

void WriteBackgroundWork(TextWriter& out, const FlushStats& flush, const CompactionStats& merge) {
  out.Gauge("nokv_flush_pending", "Memtables not yet flushed.", Real(flush.pending));
  out.Counter("nokv_flush_completed_total", "Flushes that ended.", Count(flush.completed));
  out.Gauge("nokv_flush_wait_max_seconds", "Longest wait for a flush.", flush.max_wait_ms / 1e3);
  out.Gauge("nokv_flush_build_max_seconds", "Longest flush.", flush.max_build_ms / 1e3);
  out.Gauge("nokv_compaction_backlog", "Compactions that are due.", Real(merge.backlog));
  out.Gauge("nokv_compaction_max_score", "Highest score of a level; due from 1.", merge.max_score);
  out.Counter("nokv_compaction_runs_total", "Compactions that ended.", merge.runs);
  out.Counter("nokv_compaction_read_bytes_total", "Bytes read by compactions.", merge.bytes_read);
  out.Counter("nokv_compaction_written_bytes_total", "Bytes written by compactions.",
              merge.bytes_written);
}

void WriteLog(TextWriter& out, const LogStats& wal) {
  out.Gauge("nokv_wal_segments", "Log segments on disk.", Real(wal.segment_count));
  out.Gauge("nokv_wal_active_segment", "Number of the segment that is written.",
            Real(wal.active_segment));
  out.Gauge("nokv_wal_active_bytes", "Size of the segment that is written.", Real(wal.active_size));
  out.Counter("nokv_wal_segments_removed_total", "Segments removed since the open.",
              wal.segments_removed);
  out.Counter("nokv_wal_written_bytes_total", "Bytes appended to the log.", wal.bytes_written);
  const std::string name = "nokv_wal_records_total";
  const std::string help = "Records appended to the log.";
  out.Counter(name, help, wal.entries, {{"kind", "entries"}});
  out.Counter(name, help, wal.raft_entries, {{"kind", "raft_entries"}});
  out.Counter(name, help, wal.raft_states, {{"kind", "raft_states"}});
  out.Counter(name, help, wal.raft_snapshots, {{"kind", "raft_snapshots"}});
  out.Counter(name, help, wal.other, {{"kind", "other"}});
}

void WriteWrites(TextWriter& out, const WriteStats& write) {
  out.Gauge("nokv_write_queue_depth", "Write requests that wait.", Real(write.queue_depth));
  out.Gauge("nokv_write_queue_bytes", "Bytes of the write requests that wait.",
            Real(write.queue_bytes));
  out.Counter("nokv_write_batches_total", "Batches written.", Count(write.batches_total));
  out.Counter("nokv_write_syncs_total", "Syncs of the log.", Count(write.sync_count));
  out.Gauge("nokv_write_sync_mean_seconds", "Mean duration of a sync.", write.avg_sync_ms / 1e3);
  const std::string name = "nokv_write_throttle";
  const std::string help = "1 for the mode that is in force.";
  for (const char* mode : {"none", "slowdown", "stop"}) {
    out.Gauge(name, help, write.throttle_mode == mode ? 1 : 0, {{"mode", mode}});
  }
  out.Gauge("nokv_write_throttle_pressure_ratio", "How far writes are throttled; 1 is stopped.",
            write.throttle_pressure_permille / 1e3);
}

void WriteTables(TextWriter& out, const nokv::Stats& stats) {
  const CacheStats& cache = stats.cache;
  out.Counter("nokv_cache_hits_total", "Block reads that the cache served.", cache.hits);
  out.Counter("nokv_cache_misses_total", "Block reads that went to disk.", cache.misses);
  out.Counter("nokv_cache_evictions_total", "Blocks dropped for others.", cache.evictions);
  out.Gauge("nokv_cache_used_bytes", "Bytes in the block cache.", Real(cache.charge_bytes));
  out.Gauge("nokv_cache_capacity_bytes", "Budget of the block cache.", Real(cache.capacity_bytes));
  for (const LevelStats& level : stats.levels) {
    out.Gauge("nokv_lsm_level_tables", "Tables of a level.", Real(level.tables),
              {{"level", std::to_string(level.level)}});
  }
  for (const LevelStats& level : stats.levels) {
    out.Gauge("nokv_lsm_level_bytes", "Size of a level's tables.", Real(level.size_bytes),
              {{"level", std::to_string(level.level)}});
  }
}

void WriteGateway(TextWriter& out, const GatewayStats& gateway) {
  out.Counter("nokv_redis_commands_total", "Commands served.", gateway.commands_total);
  for (const auto& [command, count] : gateway.commands_per_operation) {
    out.Counter("nokv_redis_command_calls_total", "Commands served, by name.", count,
                {{"command", command}});
  }
  out.Counter("nokv_redis_errors_total", "Commands answered with an error.", gateway.errors_total);
  out.Gauge("nokv_redis_connections", "Open connections.", Real(gateway.connections_active));
  out.Counter("nokv_redis_connections_accepted_total", "Connections accepted.",
              gateway.connections_accepted);
}

}  // namespace

void WritePrometheus(TextWriter& writer, const nokv::Stats& stats, const GatewayStats* gateway) {
  WriteEngine(writer, stats);
  WriteBackgroundWork(writer, stats.flush, stats.compaction);
  WriteLog(writer, stats.wal);
  WriteWrites(writer, stats.write);
  WriteTables(writer, stats);
  if (gateway != nullptr) WriteGateway(writer, *gateway);
}

}  // namespace nokv::console
