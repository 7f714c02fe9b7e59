// What the runs of all scenarios over a cluster have in common: first things break; then everything
// is mended, and things must go on; and for a while before the end nobody asks anything any more,
// so that everybody can catch up.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/nemesis/nemesis.h"
#include "sim/scenario.h"

namespace nokv::sim {

inline constexpr uint64_t kSecond = 1'000'000;

// Times of a run.
struct Phases {
  uint64_t heal_us = 0;
  uint64_t quiet_us = 0;
  uint64_t end_us = 0;
};
// `quiet_seconds`: how long before the end nobody asks any more.
Phases PhasesOf(const RunOptions& options, uint64_t quiet_seconds);

// Breaks the cluster, mends it, and runs it to the end.
void RunPhases(Cluster& cluster, Nemesis& nemesis, const Phases& phases);

// What every report has. `leaders`: how many there were.
RunReport ReportOf(const World& world, const Nemesis& nemesis, uint64_t acknowledged,
                   uint64_t leaders);
// Notes when the first question after the mending was answered; a violation if none was within
// `patience_us`.
void NoteHealed(const Phases& phases, std::optional<uint64_t> answered_us, uint64_t patience_us,
                RunReport* report);

}  // namespace nokv::sim
