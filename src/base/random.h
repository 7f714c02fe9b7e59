// Random: the only source of randomness. The generator is xoshiro256** (Blackman and Vigna, 2018),
// seeded through splitmix64, so a seed gives the same sequence on every machine.
//
// Thread safety: thread-compatible; one owner each.
#pragma once

#include <cstdint>

namespace nokv::base {

class Random {
 public:
  explicit Random(uint64_t seed);

  uint64_t Next();
  // Uniform in [0, bound); `bound` > 0.
  uint64_t Uniform(uint64_t bound);
  // True once in `n` calls on average; `n` > 0.
  bool OneIn(uint64_t n) { return Uniform(n) == 0; }
  // Uniform in [0, 1).
  double NextDouble() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  // A generator whose sequence is independent of this one's later output.
  Random Fork() { return Random(Next()); }

 private:
  uint64_t state_[4];
};

// One splitmix64 step: turns neighbouring seeds into unrelated ones.
uint64_t MixSeed(uint64_t seed);

// Seed from the operating system, for production use.
uint64_t SystemSeed();

}  // namespace nokv::base
