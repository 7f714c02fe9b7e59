#include "sim/scenario_run.h"

#include <algorithm>

namespace nokv::sim {
namespace {

constexpr uint64_t kHealedSeconds = 8;

}  // namespace

Phases PhasesOf(const RunOptions& options, uint64_t quiet_seconds) {
  const uint64_t end_us = std::max(options.seconds, kHealedSeconds + 2) * kSecond;
  return {.heal_us = end_us - kHealedSeconds * kSecond,
          .quiet_us = end_us - quiet_seconds * kSecond,
          .end_us = end_us};
}

void RunPhases(Cluster& cluster, Nemesis& nemesis, const Phases& phases) {
  nemesis.Run(phases.heal_us);
  cluster.world().RunUntil(phases.heal_us);
  cluster.network().Heal();
  cluster.RestartAll();
  cluster.world().RunUntil(phases.end_us);
}

RunReport ReportOf(const World& world, const Nemesis& nemesis, uint64_t acknowledged,
                   uint64_t leaders) {
  RunReport report;
  report.trace_hash = world.trace_hash();
  report.acknowledged = acknowledged;
  report.leader_changes = leaders - std::min<uint64_t>(leaders, 1);
  report.faults = nemesis.Fired();
  report.counters["leaders"] = leaders;
  return report;
}

void NoteHealed(const Phases& phases, std::optional<uint64_t> answered_us, uint64_t patience_us,
                RunReport* report) {
  report->counters["healed after ms"] = answered_us ? (*answered_us - phases.heal_us) / 1000 : 0;
  if (answered_us && *answered_us <= phases.heal_us + patience_us) return;
  report->violations.push_back("nothing was answered within " + std::to_string(patience_us / 1000) +
                               " ms after everything was mended");
}

}  // namespace nokv::sim
