// WriteThrottle: how fast writes may come, given how much is waiting behind them.
//
// What waits is judged by four loads: memtables that await their flush, tables of level 0, bytes
// that compaction is behind by, and free disk. Each is fine up to a point; from there to its limit
// the pressure rises from 0 to 1, and writes get a rate that falls with it, relative to how fast
// that kind of work was seen to be done: a little more than that at first, a part of it in the end.
// So writes settle where they come as fast as the work behind them goes. Stopping them is for the
// engine, at the limits themselves. Memtables get there with every flush that takes much longer
// than those before it, so in their case the rate falls to nearly nothing, and the time that the
// flush has taken so far counts, too.
//
// The rate is that of one token bucket for all writers. It is counted in time: every write moves on
// the moment when the bucket is even, and may go while that is not far ahead.
//
// Thread safety: engaged() may be called by any thread; the rest is thread-compatible.
#pragma once

#include <atomic>
#include <cstdint>

namespace nokv::engine {

struct ThrottleLimits {
  uint64_t memtable_bytes = 0;  // writes stop at this much
  uint64_t level0_trigger = 0;  // tables that compaction leaves there
  uint64_t level0_stop = 0;     // writes stop at as many
  uint64_t pending_bytes = 0;   // of compaction; pressure begins at a quarter of it
  uint64_t low_disk_bytes = 0;  // pressure begins when no more than this is free
};

struct ThrottleLoad {
  uint64_t memtable_bytes = 0;  // if any awaits its flush: of these and the active one
  // The flush that is due: what it flushes, as FlushDone will tell, and for how long; 0: none.
  uint64_t flush_bytes = 0;
  uint64_t flush_micros = 0;
  uint64_t level0_tables = 0;
  uint64_t pending_bytes = 0;
  uint64_t free_disk_bytes = UINT64_MAX;
};

class WriteThrottle {
 public:
  // A write waits until the bucket is even once it is this much ahead.
  static constexpr uint64_t kBurstMicros = 2000;
  // However large a batch is, those behind it wait no longer for it.
  static constexpr uint64_t kMaxDebtMicros = 40000;
  static constexpr uint64_t kMinRate = uint64_t{1} << 20;  // bytes per second

  explicit WriteThrottle(const ThrottleLimits& limits) : limits_(limits) {}

  // A flush of writes of `bytes` to tables of `table_bytes` is done, `micros` after it was due.
  // Sets the pace.
  void FlushDone(uint64_t bytes, uint64_t table_bytes, uint64_t micros);
  // A compaction of tables of `table_bytes` to a deeper level is done. Sets the pace.
  void CompactionDone(uint64_t table_bytes, uint64_t micros) {
    compaction_pace_.Add(table_bytes, micros);
  }
  // Sets the rate, now that the load is this.
  void Judge(const ThrottleLoad& load);

  // True if writes have to ask MayGo, and to be charged. Relaxed: a write that misses the change is
  // one of many.
  bool engaged() const { return rate_.load(std::memory_order_relaxed) != 0; }
  // True if a write may go now; otherwise ask again at DueAt.
  bool MayGo(uint64_t now_micros);
  uint64_t DueAt() const { return static_cast<uint64_t>(even_at_micros_) + 1; }
  // A write of `bytes` goes.
  void Charge(uint64_t bytes, uint64_t now_micros);

  // True if writes would be faster if compactions were: any of the loads but the memtables presses.
  bool awaits_compaction() const { return awaits_compaction_; }
  // True if compactions have come half of the way to where they slow writes down: then they should
  // leave undone what can wait.
  bool compaction_in_haste() const { return compaction_in_haste_; }
  // "immutable memtables", "level 0 tables", "compaction debt", "free disk"; "" if not engaged.
  const char* reason() const { return reason_; }
  uint64_t rate() const { return rate_.load(std::memory_order_relaxed); }  // bytes/s; 0: no limit
  uint32_t pressure_permille() const { return pressure_permille_; }

 private:
  // Bytes per second, as seen lately.
  class Pace {
   public:
    void Add(uint64_t bytes, uint64_t micros);
    double rate() const { return rate_; }
    // If work on `bytes` has already taken `micros`.
    double RateIf(uint64_t bytes, uint64_t micros) const;

   private:
    double rate_ = 64 << 20;  // until there is experience
    bool seen_ = false;
  };

  // The rate of writes, in shares of the pace: when pressure begins, and just before a stop.
  struct Shares {
    double at_first = 1.5;
    double at_last = 0.25;
  };
  // Takes the rate that `pressure` asks for if it is lower than the one so far. False if nothing
  // presses.
  bool Press(double pressure, double pace, const Shares& shares, const char* reason, double* rate);

  // Of compactions, in bytes of writes: where values stay in the log, tables have few of them.
  double CompactionRate() const { return compaction_pace_.rate() * written_per_table_byte_; }

  const ThrottleLimits limits_;
  Pace flush_pace_;
  Pace compaction_pace_;  // in bytes of tables
  double written_per_table_byte_ = 1;
  std::atomic<uint64_t> rate_{0};
  const char* reason_ = "";
  uint32_t pressure_permille_ = 0;
  bool awaits_compaction_ = false;
  bool compaction_in_haste_ = false;
  double even_at_micros_ = 0;  // with fractions: a short write takes few
  bool waiting_ = false;       // the burst is used up, and the bucket not even again
};

}  // namespace nokv::engine
