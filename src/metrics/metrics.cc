#include "metrics/metrics.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "base/atomic_max.h"

namespace nokv::metrics {

namespace {
constexpr int kSubBucketBits = 4;
constexpr uint64_t kSubBuckets = uint64_t{1} << kSubBucketBits;
}  // namespace

size_t Histogram::BucketOf(uint64_t value) {
  // Buckets include their upper bound, as Prometheus has it; so they are cut at value - 1.
  const uint64_t x = value == 0 ? 0 : value - 1;
  const int shift = std::max(0, static_cast<int>(std::bit_width(x)) - (kSubBucketBits + 1));
  return static_cast<size_t>(shift) * kSubBuckets + static_cast<size_t>(x >> shift);
}

uint64_t Histogram::BucketUpperBound(size_t bucket) {
  if (bucket < 2 * kSubBuckets) return bucket + 1;
  const uint64_t shift = bucket / kSubBuckets - 1;
  const uint64_t next = kSubBuckets + bucket % kSubBuckets + 1;
  // The last bucket ends at 2^64, which does not fit.
  if (std::bit_width(next) + shift > 64) return std::numeric_limits<uint64_t>::max();
  return next << shift;
}

void Histogram::Record(uint64_t value) {
  buckets_[BucketOf(value)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
  base::AtomicMax(&max_, value);
}

HistogramSnapshot Histogram::Snapshot() const {
  HistogramSnapshot snapshot;
  snapshot.buckets_.resize(kBuckets);
  for (size_t i = 0; i < kBuckets; i++) {
    snapshot.buckets_[i] = buckets_[i].load(std::memory_order_relaxed);
    snapshot.count_ += snapshot.buckets_[i];
  }
  snapshot.sum_ = sum_.load(std::memory_order_relaxed);
  snapshot.max_ = max_.load(std::memory_order_relaxed);
  return snapshot;
}

double HistogramSnapshot::mean() const {
  return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_);
}

uint64_t HistogramSnapshot::Percentile(double percent) const {
  if (count_ == 0) return 0;
  const double share = std::clamp(percent, 0.0, 100.0) / 100 * static_cast<double>(count_);
  const uint64_t rank = std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(share)));
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); i++) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(Histogram::BucketUpperBound(i), max_);
  }
  return max_;
}

uint64_t HistogramSnapshot::CountUpTo(uint64_t bound) const {
  uint64_t seen = 0;
  for (size_t i = 0; i < buckets_.size() && Histogram::BucketUpperBound(i) <= bound; i++) {
    seen += buckets_[i];
  }
  return seen;
}

}  // namespace nokv::metrics
