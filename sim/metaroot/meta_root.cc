#include "sim/metaroot/meta_root.h"

#include "sim/metaroot/root_clients.h"
#include "sim/metaroot/root_cluster.h"
#include "sim/scenario_run.h"

namespace nokv::sim {
namespace {

constexpr uint64_t kQuietSeconds = 3;
// Within so much after the mending something must be answered.
constexpr uint64_t kHealMicros = 4 * kSecond;

}  // namespace

RunReport RunMetaRoot(const RunOptions& options) {
  World world(options.seed, options.trace);
  base::Random& random = world.random();
  const Phases phases = PhasesOf(options, kQuietSeconds);

  RootClusterOptions cluster_options;
  cluster_options.snapshot_entries = 20 + random.Uniform(150);
  cluster_options.kept_entries = random.Uniform(40);
  const size_t client_count = 3 + random.Uniform(3);
  Network network(world);
  RootCluster cluster(world, network, cluster_options);
  RootHistory history([&cluster](const std::string& what) { cluster.Violated(what); });
  Nemesis nemesis(cluster, AllFaults(cluster), {});
  RootClients clients(world, cluster, history, client_count);

  cluster.Begin();
  clients.Run(phases.quiet_us);
  RunPhases(cluster, nemesis, phases);

  RunReport report = ReportOf(world, nemesis, clients.acknowledged(), cluster.leaders());
  report.drawn = std::to_string(client_count) + " clients, entries per snapshot " +
                 std::to_string(cluster_options.snapshot_entries) + ", entries kept " +
                 std::to_string(cluster_options.kept_entries);
  report.counters["failed processes"] = cluster.failures();
  report.counters["refused"] = clients.refused();
  report.counters["unknown"] = clients.unknown();
  report.counters["reloads"] = clients.reloads();
  report.counters["revisions"] = history.newest();
  report.violations = cluster.violations();
  if (!report.violations.empty()) return report;
  NoteHealed(phases, clients.FirstAnswerSince(phases.heal_us), kHealMicros, &report);
  const auto state = cluster.AgreedState();
  if (!state.has_value()) {
    report.violations.emplace_back("the nodes are not in one state in the end");
  } else if (const std::string text = clients.Divergence(*state); !text.empty()) {
    report.violations.push_back("not everybody was told everything: " + text);
  }
  JudgeValidity(&report);
  return report;
}

}  // namespace nokv::sim
