// The switch of the planted bugs: at most one is on. Only the test of planted bugs has it; the
// sources with the bugs in them are made from bugs.txt by scripts/dev/plant_switches.py.
//
// Thread safety: the switch is turned while nothing else runs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace nokv::sim {

inline constexpr size_t kNoBug = SIZE_MAX;
inline size_t planted_bug = kNoBug;  // its number

inline bool IsPlanted(size_t bug) {
  return bug == planted_bug;
}

}  // namespace nokv::sim
