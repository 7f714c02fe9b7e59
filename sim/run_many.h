// RunMany: a scenario for a range of seeds, on several threads; seeds share nothing.
#pragma once

#include <cstdint>
#include <functional>

#include "sim/scenario.h"

namespace nokv::sim {

struct ManyOptions {
  uint64_t first_seed = 1;
  uint64_t last_seed = 1;  // included
  uint64_t jobs = 1;
  uint64_t seconds = 20;
};

struct ManyReport {
  uint64_t seeds = 0;
  uint64_t violations = 0;  // seeds with any
  uint64_t invalid = 0;     // seeds that do not count
  // Over the seeds: in how many each kind of fault fired, and the sums of all counters.
  std::map<std::string, uint64_t> faults;
  std::map<std::string, uint64_t> counters;
};

// `seen` is called after each seed, by one thread at a time, in the order in which they end.
ManyReport RunMany(const Scenario& scenario, const ManyOptions& options,
                   const std::function<void(uint64_t seed, const RunReport&)>& seen);

}  // namespace nokv::sim
