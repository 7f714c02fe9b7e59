#include "sim/scenario.h"

#include "sim/control/control_plane.h"
#include "sim/metaroot/meta_root.h"
#include "sim/replog/replicated_log.h"

namespace nokv::sim {

const std::vector<Scenario>& Scenarios() {
  static const std::vector<Scenario> kScenarios = {
      {.name = "replicated-log",
       .summary = "registers on a raft group of 3, 5 or 7 members that come and go",
       .run = RunReplicatedLog},
      {.name = "control-plane",
       .summary = "three nodes of the metadata root, three coordinators, and who asks them",
       .run = RunControlPlane},
      {.name = "meta-root",
       .summary = "three nodes of the metadata root, clients that change the layout and follow it",
       .run = RunMetaRoot}};
  return kScenarios;
}

const Scenario* FindScenario(const std::string& name) {
  for (const Scenario& scenario : Scenarios()) {
    if (scenario.name == name) return &scenario;
  }
  return nullptr;
}

void JudgeValidity(RunReport* report) {
  const auto judge = [&](const char* what, uint64_t is, uint64_t least) {
    if (!report->invalid.empty() || is >= least) return;
    report->invalid = std::to_string(is) + " " + what + " of at least " + std::to_string(least);
  };
  judge("acknowledged operations", report->acknowledged, kLeastAcknowledged);
  judge("kinds of fault", report->faults.size(), kLeastFaultKinds);
  judge("changes of the leader", report->leader_changes, kLeastLeaderChanges);
}

}  // namespace nokv::sim
