#include "engine/write_throttle.h"

#include <algorithm>
#include <limits>

namespace nokv::engine {

namespace {

// Work that took no longer than this says nothing of the pace.
constexpr uint64_t kShortestMicros = 1000;
// What the newest experience counts.
constexpr double kNewest = 0.3;

// How far `value` is from `begin` to `end`: below 0 in front of it.
double Progress(uint64_t value, uint64_t begin, uint64_t end) {
  if (end <= begin) return value >= end ? 1 : -1;
  return (static_cast<double>(value) - static_cast<double>(begin)) /
         static_cast<double>(end - begin);
}

}  // namespace

void WriteThrottle::Pace::Add(uint64_t bytes, uint64_t micros) {
  if (bytes == 0 || micros < kShortestMicros) return;
  const double rate = static_cast<double>(bytes) * 1e6 / static_cast<double>(micros);
  rate_ = seen_ ? rate_ + kNewest * (rate - rate_) : rate;
  seen_ = true;
}

double WriteThrottle::Pace::RateIf(uint64_t bytes, uint64_t micros) const {
  if (micros < kShortestMicros) return rate_;
  return std::min(rate_, static_cast<double>(bytes) * 1e6 / static_cast<double>(micros));
}

void WriteThrottle::FlushDone(uint64_t bytes, uint64_t table_bytes, uint64_t micros) {
  flush_pace_.Add(bytes, micros);
  if (bytes == 0 || table_bytes == 0) return;
  const double ratio = static_cast<double>(bytes) / static_cast<double>(table_bytes);
  written_per_table_byte_ += kNewest * (ratio - written_per_table_byte_);
}

bool WriteThrottle::Press(double pressure, double pace, const Shares& shares, const char* reason,
                          double* rate) {
  if (pressure <= 0) return false;
  pressure = std::min(pressure, 1.0);
  const double mine =
      std::max(pace * (shares.at_first - (shares.at_first - shares.at_last) * pressure),
               static_cast<double>(kMinRate));
  if (mine >= *rate) return true;
  *rate = mine;
  reason_ = reason;
  pressure_permille_ = static_cast<uint32_t>(pressure * 1000);
  return true;
}

void WriteThrottle::Judge(const ThrottleLoad& load) {
  reason_ = "";
  pressure_permille_ = 0;
  double rate = std::numeric_limits<double>::infinity();
  Press(Progress(load.memtable_bytes, limits_.memtable_bytes / 2, limits_.memtable_bytes),
        flush_pace_.RateIf(load.flush_bytes, load.flush_micros), {.at_first = 2, .at_last = 0},
        "immutable memtables", &rate);
  const auto level0 = [&](uint64_t share) {
    const uint64_t begin =
        limits_.level0_trigger + (limits_.level0_stop - limits_.level0_trigger) / share;
    return Progress(load.level0_tables, begin, limits_.level0_stop);
  };
  const auto debt = [&](uint64_t share) {
    return Progress(load.pending_bytes, limits_.pending_bytes / share, limits_.pending_bytes);
  };
  // A third of the way to the stop is for bursts.
  awaits_compaction_ = Press(level0(3), CompactionRate(), {}, "level 0 tables", &rate);
  awaits_compaction_ |= Press(debt(4), CompactionRate(), {}, "compaction debt", &rate);
  // A disk that is nearly full needs what moving values gives back.
  const bool disk_low = load.free_disk_bytes < limits_.low_disk_bytes;
  compaction_in_haste_ = !disk_low && (level0(6) > 0 || debt(8) > 0);
  if (disk_low) {
    awaits_compaction_ |=
        Press(Progress(limits_.low_disk_bytes - load.free_disk_bytes, 0, limits_.low_disk_bytes),
              flush_pace_.rate(), {}, "free disk", &rate);
  }
  rate_.store(reason_[0] == '\0' ? 0 : static_cast<uint64_t>(rate), std::memory_order_relaxed);
}

bool WriteThrottle::MayGo(uint64_t now_micros) {
  if (rate() == 0 || even_at_micros_ <= static_cast<double>(now_micros)) waiting_ = false;
  return !waiting_;
}

void WriteThrottle::Charge(uint64_t bytes, uint64_t now_micros) {
  const uint64_t rate = this->rate();
  if (rate == 0) return;
  const auto now = static_cast<double>(now_micros);
  const double micros = static_cast<double>(bytes) * 1e6 / static_cast<double>(rate);
  even_at_micros_ = std::min(std::max(even_at_micros_, now) + micros, now + kMaxDebtMicros);
  waiting_ = even_at_micros_ > now + kBurstMicros;
}

}  // namespace nokv::engine
