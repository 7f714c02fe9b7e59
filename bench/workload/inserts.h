// Inserts: hands out the numbers of new records, and says up to which all have arrived, so that a
// read of the latest records never asks for one that is still on its way.
//
// Thread safety: thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace nokv::bench {

class Inserts {
 public:
  // Records below `records` are there.
  explicit Inserts(uint64_t records);

  // The number of a record to insert. Waits while the oldest one on its way is very old.
  uint64_t Begin();
  // It has arrived.
  void End(uint64_t record);
  // Records below this have all arrived.
  uint64_t arrived() const { return arrived_.load(std::memory_order_acquire); }

 private:
  // Inserts on their way at once, at most.
  static constexpr uint64_t kWindow = uint64_t{1} << 14;

  std::atomic<uint64_t> next_;
  std::atomic<uint64_t> arrived_;
  // done_[record % kWindow] is record + 1 once it has arrived.
  std::vector<std::atomic<uint64_t>> done_;
};

// A set of record numbers below a bound.
//
// Thread safety: thread-safe.
class TouchedRecords {
 public:
  explicit TouchedRecords(uint64_t bound) : words_((bound + 63) / 64) {}
  void Add(uint64_t record);
  uint64_t Count() const;

 private:
  std::vector<std::atomic<uint64_t>> words_;
};

}  // namespace nokv::bench
