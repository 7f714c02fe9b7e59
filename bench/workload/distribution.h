// Distributions of keys, after "Benchmarking Cloud Serving Systems with YCSB" (Cooper and others,
// 2010) and "Quickly Generating Billion-Record Synthetic Databases" (Gray and others, 1994).
//
// Everything here speaks of ranks and items: rank 0 is the most popular. How many distinct items a
// number of draws should touch follows from the distribution, and the benchmarks check it: a
// generator with a fault makes the hot set smaller, and every engine look better than it is.
//
// Thread safety: immutable; each thread draws with a Random of its own.
#pragma once

#include <cstdint>

#include "base/random.h"

namespace nokv::bench {

// Rank r has a probability proportional to 1 / (r + 1)^theta.
class Zipfian {
 public:
  // The skew that YCSB uses.
  static constexpr double kTheta = 0.99;

  // `items` > 0. Takes time proportional to `items`.
  explicit Zipfian(uint64_t items, double theta = kTheta);

  // A rank below `items`.
  uint64_t Draw(base::Random& random) const;
  double Probability(uint64_t rank) const;
  // How many distinct ranks `draws` independent draws touch, on average.
  double ExpectedDistinct(uint64_t draws) const;
  uint64_t items() const { return items_; }

 private:
  const uint64_t items_;
  const double theta_;
  double zeta_ = 0;  // the sum of 1 / (r + 1)^theta
  double eta_ = 0;
};

// A fixed permutation of [0, items), so that popular ranks are spread over all items. (YCSB hashes,
// which lets several ranks fall on one item and leaves others out.)
class Scrambler {
 public:
  // `items` > 0.
  explicit Scrambler(uint64_t items);
  uint64_t ItemOf(uint64_t rank) const;

 private:
  uint64_t Round(uint64_t value) const;

  const uint64_t items_;
  int half_bits_;
  uint64_t half_mask_;
};

// How many distinct items `draws` uniform draws from `items` touch, on average.
double ExpectedDistinctUniform(uint64_t items, uint64_t draws);

// As above for reads of the latest items: the number of items grows from popularity.items() by
// `inserts`, evenly spread over `draws` reads, each of which takes the newest item less a rank.
double ExpectedDistinctLatest(const Zipfian& popularity, uint64_t draws, uint64_t inserts);

}  // namespace nokv::bench
