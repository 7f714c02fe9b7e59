#include "sim/metaroot/meta_root.h"

#include <algorithm>

#include "sim/metaroot/root_clients.h"
#include "sim/metaroot/root_cluster.h"
#include "sim/nemesis/nemesis.h"

namespace nokv::sim {
namespace {

constexpr uint64_t kSecond = 1'000'000;
// The last part of a run, in which nothing breaks.
constexpr uint64_t kHealedSeconds = 8;
// Of these, the last without new questions, so that everybody catches up.
constexpr uint64_t kQuietSeconds = 3;
// Within so much after the mending something must be answered.
constexpr uint64_t kHealMicros = 4 * kSecond;

Faults AllFaults(Cluster& cluster) {
  Faults all;
  for (auto* part : {ProcessFaults, NetworkFaults, DiskFaults, ClockFaults}) {
    for (auto& fault : part(cluster)) all.push_back(std::move(fault));
  }
  return all;
}

}  // namespace

RunReport RunMetaRoot(const RunOptions& options) {
  World world(options.seed, options.trace);
  base::Random& random = world.random();
  const uint64_t end_us = std::max(options.seconds, kHealedSeconds + 2) * kSecond;
  const uint64_t heal_us = end_us - kHealedSeconds * kSecond;

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
  clients.Run(end_us - kQuietSeconds * kSecond);
  nemesis.Run(heal_us);
  world.RunUntil(heal_us);
  network.Heal();
  cluster.RestartAll();
  world.RunUntil(end_us);

  RunReport report;
  report.trace_hash = world.trace_hash();
  report.drawn = std::to_string(client_count) + " clients, entries per snapshot " +
                 std::to_string(cluster_options.snapshot_entries) + ", entries kept " +
                 std::to_string(cluster_options.kept_entries);
  report.acknowledged = clients.acknowledged();
  report.leader_changes = cluster.leaders() - std::min<uint64_t>(cluster.leaders(), 1);
  report.faults = nemesis.Fired();
  report.counters["leaders"] = cluster.leaders();
  report.counters["failed processes"] = cluster.failures();
  report.counters["refused"] = clients.refused();
  report.counters["unknown"] = clients.unknown();
  report.counters["reloads"] = clients.reloads();
  report.counters["revisions"] = history.newest();
  report.violations = cluster.violations();
  if (!report.violations.empty()) return report;
  const auto answer = clients.FirstAnswerSince(heal_us);
  report.counters["healed after ms"] = answer ? (*answer - heal_us) / 1000 : 0;
  if (!answer || *answer > heal_us + kHealMicros) {
    report.violations.emplace_back("nothing was answered for long after everything was mended");
  }
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
