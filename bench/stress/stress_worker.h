// The worker of the stress mode: opens a database with options drawn from a seed, compares all of
// it with the oracle, and works on it with several threads until its time is over or it is killed.
// Every thread owns a range of the keys, knows what it holds, and checks every answer.
#pragma once

#include <cstdint>
#include <string>

#include "nokv/options.h"
#include "nokv/status.h"

namespace nokv::bench {

struct StressWork {
  std::string directory;  // of the database
  std::string oracle;     // its file
  uint64_t keys = 20'000;
  uint64_t threads = 4;
  uint64_t seed = 1;
  uint64_t millis = 0;  // 0: only compare
};

// Options that make small amounts of data go all ways, the same for the same seed.
Options StressOptions(uint64_t seed);

// kDataLoss with key and versions for what is not as it should be.
Status RunStressWork(const StressWork& work);

}  // namespace nokv::bench
