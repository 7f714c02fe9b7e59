// Linearizability of registers and of key-value maps: is there an order of the operations, in which
// each takes effect at one moment between its call and its return, that explains every answer?
//
// The search is that of Wing and Gong with Lowe's memory of places that were visited. A map is
// checked key by key, which is the same (linearizability is local) and much less work. An operation
// whose outcome is unknown may take effect at any time after its call, or never.
//
// Thread safety: free functions.
#pragma once

#include <cstdint>
#include <string>

#include "sim/check/history.h"

namespace nokv::sim {

enum class Verdict {
  kLinearizable,
  kViolation,
  kTooMuchWork,  // not known: the bound was reached
};

struct LinearizabilityResult {
  Verdict verdict = Verdict::kLinearizable;
  uint64_t steps = 0;
  // Of a violation: the operation that nothing explains, and those around it, by lines.
  std::string explanation;
};

// One register, at first empty; the keys of the operations are ignored. At most `max_steps`
// operations are tried.
LinearizabilityResult CheckRegister(const History& history, uint64_t max_steps);

// A map, at first empty. `max_steps` is for each key.
LinearizabilityResult CheckMap(const History& history, uint64_t max_steps);

}  // namespace nokv::sim
