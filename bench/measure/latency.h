// Latency: what the histograms of several threads say together.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <vector>

#include "metrics/metrics.h"

namespace nokv::bench {

class Latency {
 public:
  void Add(metrics::HistogramSnapshot part) { parts_.push_back(std::move(part)); }

  uint64_t count() const;
  double mean() const;
  uint64_t max() const;
  // As metrics::HistogramSnapshot::Percentile.
  uint64_t Percentile(double percent) const;

 private:
  std::vector<metrics::HistogramSnapshot> parts_;
};

}  // namespace nokv::bench
