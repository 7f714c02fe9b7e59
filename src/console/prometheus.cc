#include "console/prometheus.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>

#include "vfs/vfs.h"

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
  out.Counter("nokv_engine_background_errors_total", "Errors that stopped the writes.",
              stats.background_errors);
  out.Gauge("nokv_engine_read_only", "1 after a background error; writes are refused then.",
            stats.background_error.empty() ? 0 : 1);
}

void WriteAmplification(TextWriter& out, const AmplificationStats& amplification) {
  out.Gauge("nokv_engine_write_amplification_ratio", "Bytes written to disk per byte put.",
            amplification.write);
  out.Gauge("nokv_engine_read_amplification_ratio", "Tables asked per get.", amplification.read);
  out.Gauge("nokv_engine_space_amplification_ratio",
            "Bytes in tables and value files per byte of the deepest level and of values.",
            amplification.space);
}

// Counts, and the distribution as quantiles: the engine keeps it, the document has its outline.
void WriteDurations(TextWriter& out, const std::string& subsystem, const std::string& label,
                    const std::map<std::string, DurationStats>& durations) {
  for (const auto& [name, stats] : durations) {
    out.Counter("nokv_" + subsystem + "_total", "How often it ran.", stats.count, {{label, name}});
  }
  for (const auto& [name, stats] : durations) {
    const std::string& operation = name;
    const auto quantile = [&](const char* which, double micros) {
      out.Gauge("nokv_" + subsystem + "_duration_seconds",
                "How long it took; quantile 1 is the most.", micros / 1e6,
                {{label, operation}, {"quantile", which}});
    };
    quantile("0.5", stats.p50_us);
    quantile("0.9", stats.p90_us);
    quantile("0.99", stats.p99_us);
    quantile("0.999", stats.p999_us);
    quantile("1", stats.max_us);
  }
}

void WriteStalls(TextWriter& out, const std::vector<StallStats>& stalls) {
  for (const StallStats& stall : stalls) {
    out.Counter("nokv_write_stalls_total", "Stalls of writes, by what kept them.", stall.count,
                {{"reason", stall.reason}});
  }
  for (const StallStats& stall : stalls) {
    out.RealCounter("nokv_write_stalled_seconds_total", "Time in which writes waited for room.",
                    stall.total_ms / 1e3, {{"reason", stall.reason}});
  }
}

void WriteBackgroundWork(TextWriter& out, const FlushStats& flush, const CompactionStats& merge) {
  out.Gauge("nokv_flush_pending", "Memtables not yet flushed.", Real(flush.pending));
  out.Counter("nokv_flush_completed_total", "Flushes that ended.", Count(flush.completed));
  out.Counter("nokv_flush_written_bytes_total", "Bytes written by flushes.", flush.bytes_written);
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
  out.Counter("nokv_write_put_bytes_total", "Bytes of the batches written.", write.bytes_put);
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

void WriteCommands(TextWriter& out, const GatewayStats& gateway) {
  const std::string name = "nokv_redis_commands_total";
  const std::string help = "Commands served, by name and result; other: unknown or refused.";
  uint64_t others = gateway.commands_total;
  for (const auto& [command, calls] : gateway.commands_per_operation) {
    const auto failed = gateway.errors_per_operation.find(command);
    const uint64_t errors = failed == gateway.errors_per_operation.end() ? 0 : failed->second;
    // The counters are read one after the other, while commands run.
    out.Counter(name, help, calls - std::min(calls, errors), {{"cmd", command}, {"result", "ok"}});
    out.Counter(name, help, errors, {{"cmd", command}, {"result", "error"}});
    others -= std::min(others, calls);
  }
  out.Counter(name, help, others, {{"cmd", "other"}, {"result", "error"}});
}

void WriteGateway(TextWriter& out, const GatewayStats& gateway) {
  WriteCommands(out, gateway);
  out.Counter("nokv_redis_errors_total", "Requests answered with an error.", gateway.errors_total);
  out.Gauge("nokv_redis_connections", "Open connections.", Real(gateway.connections_active));
  out.Counter("nokv_redis_connections_accepted_total", "Connections accepted.",
              gateway.connections_accepted);
  out.Counter("nokv_redis_connections_rejected_total", "Connections turned away.",
              gateway.connections_rejected);
  out.Counter("nokv_redis_keyspace_hits_total", "Lookups that found their key.",
              gateway.keyspace_hits);
  out.Counter("nokv_redis_keyspace_misses_total", "Lookups that found no key.",
              gateway.keyspace_misses);
  out.Counter("nokv_redis_expired_keys_total", "Keys removed because they expired.",
              gateway.expired_keys);
  out.Counter("nokv_redis_input_bytes_total", "Bytes received from clients.", gateway.input_bytes);
  out.Counter("nokv_redis_output_bytes_total", "Bytes sent to clients.", gateway.output_bytes);
}

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

void WriteProcess(TextWriter& writer, const BuildInfo& build) {
  writer.Gauge("nokv_build_info", "What the server was built from; always 1.", 1,
               {{"version", build.version}, {"commit", build.commit}});
  rusage usage = {};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    writer.RealCounter("process_cpu_seconds_total",
                       "Processor time of the process, user and system.",
                       Seconds(usage.ru_utime) + Seconds(usage.ru_stime));
  }
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    writer.Gauge("process_max_fds", "How many files and sockets may be open.",
                 static_cast<double>(files.rlim_cur));
  }
  vfs::FileSystem& fs = vfs::PosixFileSystem();
  if (const auto open = fs.List("/proc/self/fd"); open.ok()) {
    writer.Gauge("process_open_fds", "Open files and sockets.", Real(open->size()));
  }
  // The second number is the resident pages.
  if (const auto pages = fs.ReadFile("/proc/self/statm", 4096); pages.ok()) {
    const size_t begin = pages->find(' ') + 1;
    uint64_t resident = 0;
    std::from_chars(pages->data() + begin, pages->data() + pages->size(), resident);
    writer.Gauge("process_resident_memory_bytes", "Resident memory.",
                 Real(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)));
  }
}

void WritePrometheus(TextWriter& writer, const nokv::Stats& stats, const GatewayStats* gateway) {
  WriteEngine(writer, stats);
  WriteAmplification(writer, stats.amplification);
  WriteDurations(writer, "operation", "op", stats.operations);
  WriteDurations(writer, "stage", "stage", stats.stages);
  WriteStalls(writer, stats.write.stalls);
  WriteBackgroundWork(writer, stats.flush, stats.compaction);
  WriteLog(writer, stats.wal);
  WriteWrites(writer, stats.write);
  WriteTables(writer, stats);
  if (gateway != nullptr) WriteGateway(writer, *gateway);
}

}  // namespace nokv::console
