#include "bench/workload/distribution.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>
#include <vector>

namespace nokv::bench {

namespace {

constexpr int kRounds = 4;

double Expected(double probability, double draws) {
  return -std::expm1(draws * std::log1p(-probability));
}

}  // namespace

Zipfian::Zipfian(uint64_t items, double theta) : items_(items), theta_(theta) {
  for (uint64_t i = 1; i <= items; ++i) zeta_ += std::pow(static_cast<double>(i), -theta);
  const double zeta2 = 1 + std::pow(2.0, -theta);
  const auto n = static_cast<double>(items);
  eta_ = items <= 2 ? 1 : (1 - std::pow(2 / n, 1 - theta)) / (1 - zeta2 / zeta_);
}

uint64_t Zipfian::Draw(base::Random& random) const {
  const double uniform = random.NextDouble();
  const double scaled = uniform * zeta_;
  if (scaled < 1 || items_ == 1) return 0;
  if (scaled < 1 + std::pow(0.5, theta_) || items_ == 2) return 1;
  // Gray's approximation of the inverse.
  const double share = std::pow(eta_ * uniform - eta_ + 1, 1 / (1 - theta_));
  return std::min(items_ - 1, static_cast<uint64_t>(static_cast<double>(items_) * share));
}

double Zipfian::Probability(uint64_t rank) const {
  return std::pow(static_cast<double>(rank + 1), -theta_) / zeta_;
}

double Zipfian::ExpectedDistinct(uint64_t draws) const {
  double sum = 0;
  for (uint64_t rank = 0; rank < items_; ++rank) {
    sum += Expected(Probability(rank), static_cast<double>(draws));
  }
  return sum;
}

Scrambler::Scrambler(uint64_t items) : items_(items) {
  const int bits = std::max(2, static_cast<int>(std::bit_width(items - 1)));
  half_bits_ = (bits + 1) / 2;
  half_mask_ = (uint64_t{1} << half_bits_) - 1;
}

// A Feistel network over the next even power of two: a permutation whatever its round function is.
uint64_t Scrambler::Round(uint64_t value) const {
  uint64_t left = value >> half_bits_;
  uint64_t right = value & half_mask_;
  for (uint64_t round = 0; round < kRounds; ++round) {
    const uint64_t mixed = base::MixSeed(right + (round << half_bits_)) & half_mask_;
    left = std::exchange(right, left ^ mixed);
  }
  return left << half_bits_ | right;
}

uint64_t Scrambler::ItemOf(uint64_t rank) const {
  // Walking on from what is not an item keeps it a permutation of the items.
  uint64_t item = Round(rank);
  while (item >= items_) item = Round(item);
  return item;
}

double ExpectedDistinctUniform(uint64_t items, uint64_t draws) {
  const auto n = static_cast<double>(items);
  return items <= 1 ? n : n * Expected(1 / n, static_cast<double>(draws));
}

double ExpectedDistinctLatest(const Zipfian& popularity, uint64_t draws, uint64_t inserts) {
  const uint64_t items = popularity.items();
  // below[r]: the sum of the probabilities of ranks below r.
  std::vector<double> below(items + 1, 0);
  for (uint64_t r = 0; r < items; ++r) below[r + 1] = below[r] + popularity.Probability(r);
  const double draws_per_state = static_cast<double>(draws) / static_cast<double>(inserts + 1);
  double sum = 0;
  for (uint64_t item = 0; item < items + inserts; ++item) {
    // While the newest item goes from items - 1 to items - 1 + inserts, this one has these ranks.
    const uint64_t first = item < items ? items - 1 - item : 0;
    const uint64_t end = std::min(items, items + inserts - item);
    if (first >= end) continue;
    sum += -std::expm1(-draws_per_state * (below[end] - below[first]));
  }
  return sum;
}

}  // namespace nokv::bench
