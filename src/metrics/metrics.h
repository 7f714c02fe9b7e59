// Counter, Gauge and Histogram: numbers that hot paths may update.
//
// Updates are one or two relaxed atomic operations and never wait. Reads see each number whole, but
// a set of numbers is no consistent cut.
//
// Thread safety: every method may be called by any thread at any time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace nokv::metrics {

// Only goes up.
class Counter {
 public:
  void Add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Goes up and down.
class Gauge {
 public:
  void Set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void Add(int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// What a histogram held when it was asked.
class HistogramSnapshot {
 public:
  uint64_t count() const { return count_; }
  uint64_t sum() const { return sum_; }
  uint64_t max() const { return max_; }
  double mean() const;
  // The value that `percent` (0 to 100) of the recorded values do not exceed, at most 1/16 too
  // large and never over max(); 0 if nothing was recorded.
  uint64_t Percentile(double percent) const;
  // How many recorded values are at most `bound`; exact for powers of two.
  uint64_t CountUpTo(uint64_t bound) const;

 private:
  friend class Histogram;
  uint64_t count_ = 0, sum_ = 0, max_ = 0;
  std::vector<uint64_t> buckets_;
};

// The distribution of non-negative integers (microseconds, bytes, …) in buckets that grow with the
// value: 16 to each power of two, so that percentiles are right to 1/16 over the whole 64-bit range
// in 8 KB.
class Histogram {
 public:
  void Record(uint64_t value);
  HistogramSnapshot Snapshot() const;

  // Bucket i holds the values in (BucketUpperBound(i - 1), BucketUpperBound(i)].
  static size_t BucketOf(uint64_t value);
  static uint64_t BucketUpperBound(size_t bucket);

 private:
  static constexpr size_t kBuckets = 976;

  std::array<std::atomic<uint64_t>, kBuckets> buckets_{};
  std::atomic<uint64_t> sum_{0};
  std::atomic<uint64_t> max_{0};
};

}  // namespace nokv::metrics
