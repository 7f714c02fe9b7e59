// CommandStats: how often each command ran, how long it took and how it ended, and which errors
// were answered.
//
// Thread safety: owned by the gateway's loop; of(), refusals() and error_count() may be called by
// any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/metrics.h"
#include "redis/commands/table.h"

namespace nokv::redis {

class CommandStats {
 public:
  struct Totals {
    uint64_t calls = 0;
    uint64_t microseconds = 0;
    uint64_t rejected = 0;  // refused before it ran
    uint64_t failed = 0;    // its reply was an error
  };

  // `table` is borrowed.
  explicit CommandStats(const CommandTable& table)
      : table_(table), entries_(table.every().size()) {}

  void Ran(const CommandSpec& spec, uint64_t microseconds, bool failed);
  // A command was refused before it ran; null: there is no such command.
  void Refused(const CommandSpec* spec);
  // `error` begins with its code: "ERR syntax error".
  void Answered(std::string_view error);

  Totals of(const CommandSpec& spec) const;
  // Commands that were refused, those that do not exist too.
  uint64_t refusals() const { return refused_.load(std::memory_order_relaxed); }
  // Errors: the sum of errors().
  uint64_t error_count() const { return answered_.load(std::memory_order_relaxed); }
  // In microseconds; empty if it never ran.
  metrics::HistogramSnapshot Latency(const CommandSpec& spec) const;
  // Codes of errors, and how often each was answered. Beyond 128 codes the others are one, "OTHER".
  const std::map<std::string, uint64_t, std::less<>>& errors() const { return errors_; }

  void Reset();

 private:
  using Counter = std::atomic<uint64_t>;
  struct Entry {
    Counter calls{0}, microseconds{0}, rejected{0}, failed{0};
    std::unique_ptr<metrics::Histogram> latency;  // made when it first runs: it takes 8 KB
  };
  // Only the loop writes; relaxed, because each number stands alone.
  static void Add(Counter& counter, uint64_t count) {
    counter.store(counter.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }

  const CommandTable& table_;
  std::vector<Entry> entries_;  // by CommandTable::IndexOf
  std::map<std::string, uint64_t, std::less<>> errors_;
  Counter refused_{0}, answered_{0};
};

}  // namespace nokv::redis
