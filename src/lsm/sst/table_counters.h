// TableReadCounters: how often tables were asked for a key or a range, and how often they knew
// without a look at a block.
//
// Thread safety: thread-safe; the sums may be those of slightly different moments.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/striped_counters.h"

namespace nokv::lsm {

struct TableReadStats {
  uint64_t filter_checks = 0;          // reads of a key that filter or key index were asked about
  uint64_t filter_negatives = 0;       // of them, what they spared
  uint64_t range_checks = 0;           // seeks with an end that the range filter was asked about
  uint64_t range_negatives = 0;        // of them, what it spared
  uint64_t range_false_positives = 0;  // of them, what it let pass though there was nothing
};

class TableReadCounters {
 public:
  void CountFilter(bool spared) {
    counters_.Add(kFilterChecks);
    if (spared) counters_.Add(kFilterNegatives);
  }
  void CountRange(bool spared) {
    counters_.Add(kRangeChecks);
    if (spared) counters_.Add(kRangeNegatives);
  }
  void CountFalseRange() { counters_.Add(kRangeFalsePositives); }

  TableReadStats Sum() const {
    return {.filter_checks = counters_.Sum(kFilterChecks),
            .filter_negatives = counters_.Sum(kFilterNegatives),
            .range_checks = counters_.Sum(kRangeChecks),
            .range_negatives = counters_.Sum(kRangeNegatives),
            .range_false_positives = counters_.Sum(kRangeFalsePositives)};
  }

 private:
  enum Counter : size_t {
    kFilterChecks,
    kFilterNegatives,
    kRangeChecks,
    kRangeNegatives,
    kRangeFalsePositives,
    kCounters
  };

  base::StripedCounters<kCounters> counters_;
};

}  // namespace nokv::lsm
