// EngineTimings: the sums, extremes and distributions behind Stats, of what is rare or happens
// under the engine's mutex anyway (operation_times.h has the rest). Times are in microseconds.
//
// Thread safety: plain values; the engine's mutex guards them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "metrics/metrics.h"

namespace nokv::engine {

struct Timing {
  uint64_t count = 0;
  uint64_t sum_micros = 0;
  uint64_t last_micros = 0;
  uint64_t max_micros = 0;
  metrics::Histogram distribution;

  void Add(uint64_t micros) {
    count++;
    sum_micros += micros;
    last_micros = micros;
    max_micros = std::max(max_micros, micros);
    distribution.Record(micros);
  }
  double mean_ms() const {
    return count == 0 ? 0 : static_cast<double>(sum_micros) / static_cast<double>(count) / 1000;
  }
  double last_ms() const { return static_cast<double>(last_micros) / 1000; }
  double max_ms() const { return static_cast<double>(max_micros) / 1000; }
};

// How long writes have waited for room, by what kept them.
class StallTimes {
 public:
  struct Total {
    uint64_t count = 0;
    uint64_t sum_micros = 0;
    uint64_t max_micros = 0;
  };

  // Writes wait because of `reason` from `now` on; nothing happens if they do already.
  void Begin(const char* reason, uint64_t now) {
    if (reason_ == reason) return;
    End(now);
    reason_ = reason;
    since_ = now;
  }
  // None waits any more.
  void End(uint64_t now) {
    if (reason_.empty()) return;
    Total& total = totals_[std::exchange(reason_, {})];
    total.count++;
    total.sum_micros += now - since_;
    total.max_micros = std::max(total.max_micros, now - since_);
  }

  // Why writes wait; empty if they do not.
  const std::string& reason() const { return reason_; }
  // With the stall that lasts, as of `now`.
  std::map<std::string, Total> Totals(uint64_t now) const {
    StallTimes ended = *this;
    ended.End(now);
    return ended.totals_;
  }

 private:
  std::string reason_;
  uint64_t since_ = 0;
  std::map<std::string, Total> totals_;
};

struct EngineTimings {
  // A memtable waits, is written and installed, and what it makes useless is removed.
  Timing flush_wait;
  Timing flush_build;
  Timing flush_release;
  Timing compaction;
  Timing sync;
  Timing write_room;  // of writes that had to wait for room
  StallTimes stalls;
  uint64_t synced_writes = 0;
  uint64_t batches = 0;
  uint64_t batch_entries = 0;
  uint64_t batch_bytes = 0;
  uint64_t flush_bytes_written = 0;
  uint64_t compaction_bytes_read = 0;
  uint64_t compaction_bytes_written = 0;
  uint64_t value_gc_scheduled = 0;
  uint64_t value_gc_runs = 0;
  uint64_t value_gc_skipped = 0;
  uint64_t value_gc_throttled = 0;
  uint64_t value_gc_rejected = 0;
  uint64_t value_files_removed = 0;
  uint64_t value_order_runs = 0;
  uint64_t value_order_bytes = 0;
  uint64_t background_errors = 0;
};

}  // namespace nokv::engine
