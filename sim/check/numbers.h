// What must hold of ids and timestamps that coordinators gave out, whatever broke meanwhile.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nokv::sim {

// An answer: `count` numbers from `first`, under a generation of the lease.
struct GivenNumbers {
  bool timestamps = false;  // else ids
  uint64_t first = 0;
  uint64_t count = 0;
  uint64_t generation = 0;
  uint64_t holder = 0;  // the process that gave them; 0: it is not known
  uint64_t invoked_us = 0;
  uint64_t returned_us = 0;
};

// No number came twice; timestamps of a request that began after another was answered are higher;
// one process acted per generation. What was broken, at most one sentence of each kind.
std::vector<std::string> CheckNumbers(std::vector<GivenNumbers> given);

}  // namespace nokv::sim
