// EngineTimings: the sums and extremes behind Stats. Times are in microseconds.
//
// Thread safety: plain values; the engine's mutex guards them.
#pragma once

#include <algorithm>
#include <cstdint>

namespace nokv::engine {

struct Timing {
  uint64_t count = 0;
  uint64_t sum_micros = 0;
  uint64_t last_micros = 0;
  uint64_t max_micros = 0;

  void Add(uint64_t micros) {
    count++;
    sum_micros += micros;
    last_micros = micros;
    max_micros = std::max(max_micros, micros);
  }
  double mean_ms() const {
    return count == 0 ? 0 : static_cast<double>(sum_micros) / static_cast<double>(count) / 1000;
  }
  double last_ms() const { return static_cast<double>(last_micros) / 1000; }
  double max_ms() const { return static_cast<double>(max_micros) / 1000; }
};

struct EngineTimings {
  Timing flush_wait;
  Timing flush_build;
  Timing flush_release;
  Timing compaction;
  Timing sync;
  uint64_t synced_writes = 0;
  uint64_t batches = 0;
  uint64_t batch_entries = 0;
  uint64_t batch_bytes = 0;
  uint64_t compaction_bytes_read = 0;
  uint64_t compaction_bytes_written = 0;
  uint64_t value_gc_runs = 0;
  uint64_t value_gc_rejected = 0;
  uint64_t value_files_removed = 0;
};

}  // namespace nokv::engine
