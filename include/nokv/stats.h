// Stats: one consistent look at what a database is doing. Field names and nesting are those of the
// JSON that `nokv stats --json` and /debug/vars print; times are milliseconds, sizes bytes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace nokv {

struct FlushStats {
  int64_t pending = 0, queue_length = 0, active = 0;
  double wait_ms = 0, last_wait_ms = 0, max_wait_ms = 0;
  double build_ms = 0, last_build_ms = 0, max_build_ms = 0;
  double release_ms = 0, last_release_ms = 0, max_release_ms = 0;
  int64_t completed = 0;
  uint64_t bytes_written = 0;
};

struct CompactionStats {
  int64_t backlog = 0;
  double max_score = 0;
  double last_duration_ms = 0, max_duration_ms = 0;
  uint64_t runs = 0;
  double value_weight = 0;
  uint64_t bytes_read = 0, bytes_written = 0;
};

struct LogStats {
  int64_t active_segment = 0, segment_count = 0, active_size = 0;
  uint64_t segments_removed = 0;
  uint64_t entries = 0, raft_entries = 0, raft_states = 0, raft_snapshots = 0, other = 0;
  uint64_t bytes_written = 0;
};

// Writes that had to wait for room, by what kept them.
struct StallStats {
  std::string reason;
  uint64_t count = 0;
  double total_ms = 0, max_ms = 0;
};

struct WriteStats {
  int64_t queue_depth = 0, queue_entries = 0, queue_bytes = 0;
  double avg_batch_entries = 0, avg_batch_bytes = 0;
  double avg_request_wait_ms = 0, avg_apply_ms = 0, avg_sync_ms = 0, avg_sync_batch = 0;
  int64_t sync_count = 0, batches_total = 0;
  bool throttle_active = false, slowdown_active = false;
  std::string throttle_mode = "none";
  // Why writes wait ("immutable memtables", "level 0 tables", "ingest"); empty if they do not.
  std::string throttle_reason;
  uint32_t throttle_pressure_permille = 0;
  uint64_t throttle_rate_bytes_per_sec = 0;
  uint64_t bytes_put = 0;          // of all batches: keys, values and what frames them
  std::vector<StallStats> stalls;  // by reason, in alphabetical order
};

struct CacheStats {
  double block_hit_rate = 0;
  uint64_t hits = 0, misses = 0, evictions = 0;
  uint64_t charge_bytes = 0, capacity_bytes = 0;
};

// How often tables were asked, and how often they knew without a look at a block.
struct FilterStats {
  uint64_t point_checks = 0;           // lookups of a key
  uint64_t point_negatives = 0;        // of them, what filter or key index spared
  uint64_t range_checks = 0;           // seeks with an end
  uint64_t range_negatives = 0;        // of them, what the range filter spared
  uint64_t range_false_positives = 0;  // of them, what it let pass though there was nothing
};

struct ValueLogStats {
  int64_t segments = 0;  // files outside tables that tables point into
  uint64_t gc_runs = 0;  // compactions for the sake of a file with much garbage
  uint64_t segments_removed = 0;
  uint64_t gc_scheduled = 0, gc_skipped = 0, gc_rejected = 0;
  uint64_t gc_throttled = 0;  // compactions that emptied only the worst file along
  int64_t gc_active = 0, gc_parallelism = 1;
  // Tables whose values were put into the order of their keys, and what was moved for that.
  uint64_t order_runs = 0, order_bytes = 0;
  int64_t order_active = 0;
  int64_t pending_deletes = 0;  // files that only readers keep
  // Where the next value goes, if values stay in the log.
  struct Head {
    int64_t segment = 0, offset = 0;
  };
  std::optional<Head> head;
};

// How much more than asked for is written, read and stored; 1 is ideal, 0 is unknown.
struct AmplificationStats {
  double write = 0;  // bytes that log, flushes and compactions wrote, per byte put
  double read = 0;   // tables asked per get
  double space = 0;  // bytes in tables and value files, per byte of the deepest level and of values
};

// How often something ran, and how long it took. Percentiles are at most 1/16 too large. Of gets,
// seeks and writes one in sixteen is timed.
struct DurationStats {
  uint64_t count = 0;
  double mean_us = 0, p50_us = 0, p90_us = 0, p99_us = 0, p999_us = 0, max_us = 0;
};

struct LevelStats {
  int level = 0;
  int64_t tables = 0, size_bytes = 0;
  int64_t value_bytes = 0;  // outside, that the tables point to
  int64_t stale_bytes = 0;  // that tombstones take, roughly
};

struct TableStats {
  uint64_t number = 0;
  int level = 0;
  uint64_t bytes = 0, entries = 0;
};

struct Stats {
  int64_t entries = 0;
  FlushStats flush;
  CompactionStats compaction;
  LogStats wal;
  WriteStats write;
  ValueLogStats value_log;
  CacheStats cache;
  FilterStats filter;
  std::vector<LevelStats> levels;
  AmplificationStats amplification;
  std::map<std::string, DurationStats> operations;  // get, seek, write
  std::map<std::string, DurationStats> stages;      // of writes and of background work
  int64_t value_bytes_total = 0;
  uint64_t snapshots = 0;
  uint64_t last_sequence = 0;
  uint64_t open_generation = 0;
  uint64_t background_errors = 0;
  // Empty while healthy; otherwise why the database is read-only and how to go on.
  std::string background_error;
};

// What the manifest of a directory says (`nokv manifest`).
struct ManifestStats {
  struct Level {
    int level = 0;
    uint64_t file_count = 0, total_bytes = 0, value_bytes = 0;
    std::vector<uint64_t> file_ids;
  };
  // A file that tables point into.
  struct ValueLog {
    std::string name;
    uint64_t number = 0;
    std::optional<uint64_t> bucket;  // of a value file; none: a segment of the log
    uint64_t end = 0;                // of its last value
  };
  uint64_t log_segment = 0, log_offset = 0;
  uint64_t manifest_number = 0, format_version = 0, last_sequence = 0, open_generation = 0;
  std::vector<Level> levels;  // only those with files
  std::vector<ValueLog> value_logs;
};

// The files with values of a directory (`nokv vlog`): log segments and value files.
struct ValueFilesStats {
  struct File {
    std::string name;
    uint64_t number = 0;
    bool segment = true;  // of the log; otherwise compaction wrote it
    // Of a value file that is in use: the bucket of its keys, and whether its values had been moved
    // before.
    std::optional<uint64_t> bucket;
    bool old = false;
    uint64_t file_bytes = 0;
    // That tables point to; and what neither they nor replay need.
    uint64_t live_bytes = 0, dead_bytes = 0;
    uint64_t tables = 0;  // that point into it
    // Why it is still there: "replay", "values", "readers". None: it goes with the next flush,
    // compaction or open for writing.
    std::vector<std::string> kept_for;
  };
  uint64_t active_segment = 0, active_offset = 0;  // where the log goes on
  std::vector<File> files;                         // by number, segments first
};

}  // namespace nokv
