#include "sim/control/coordinators.h"

#include <algorithm>
#include <utility>

#include "sim/control/control_clients.h"
#include "sim/control/control_cluster.h"
#include "sim/nemesis/nemesis.h"

namespace nokv::sim {
namespace {

constexpr uint64_t kSecond = 1'000'000;
// The last part of a run, in which nothing breaks; of it, the last without new requests.
constexpr uint64_t kHealedSeconds = 8;
constexpr uint64_t kQuietSeconds = 2;
// Beside the time of a lease, until there are numbers again.
constexpr uint64_t kPatienceMicros = 1'500'000;

Faults FaultsOf(Cluster& cluster) {
  Faults all;
  for (auto* part : {ProcessFaults, NetworkFaults, ClockFaults}) {
    for (auto& fault : part(cluster)) {
      // Clocks drift for good here; what stops in a sync has nothing to stop.
      if (fault->name() == "clock-drift" || fault->name() == "power-loss-in-sync") continue;
      all.push_back(std::move(fault));
    }
  }
  return all;
}

}  // namespace

RunReport RunCoordinators(const RunOptions& options) {
  World world(options.seed, options.trace);
  base::Random& random = world.random();
  const uint64_t end_us = std::max(options.seconds, kHealedSeconds + 2) * kSecond;
  const uint64_t heal_us = end_us - kHealedSeconds * kSecond;
  const ControlOptions control{.lease_ttl_ms = 500 + random.Uniform(2'000),
                               .id_window = 50 + random.Uniform(2'000),
                               .timestamp_window_ms = 200 + random.Uniform(2'000)};
  Network network(world);
  ControlCluster cluster(world, network, control);
  // Some pauses are longer than a lease.
  Nemesis nemesis(cluster, FaultsOf(cluster), {.duration_us = 3'000'000});
  ControlClients clients(world, cluster, 3 + random.Uniform(6));

  // Now and then somebody restarts the holder in good order.
  for (uint64_t at_us = kSecond; at_us < heal_us; at_us += kSecond + random.Uniform(6 * kSecond)) {
    world.After(at_us, [&cluster] {
      if (const auto holder = cluster.leader()) cluster.HandOver(*holder);
    });
  }

  cluster.Begin();
  clients.Run(end_us - kQuietSeconds * kSecond);
  nemesis.Run(heal_us);
  world.RunUntil(heal_us);
  network.Heal();
  cluster.RestartAll();
  world.RunUntil(end_us);

  RunReport report;
  report.trace_hash = world.trace_hash();
  report.drawn = "lease " + std::to_string(control.lease_ttl_ms) + " ms, windows of " +
                 std::to_string(control.id_window) + " ids and " +
                 std::to_string(control.timestamp_window_ms) + " ms";
  report.violations = CheckNumbers(clients.numbers());
  report.violations.insert(report.violations.end(), clients.violations().begin(),
                           clients.violations().end());
  report.acknowledged = clients.acknowledged();
  const uint64_t generations = cluster.root_state().lease.generation;
  report.leader_changes = generations - std::min<uint64_t>(generations, 1);
  report.faults = nemesis.Fired();
  report.counters["generations"] = generations;
  report.counters["answers with numbers"] = clients.numbers().size();
  report.counters["publications"] = clients.publishes();
  report.counters["strong routes"] = clients.routes();
  const auto first = clients.FirstNumbersSince(heal_us);
  report.counters["healed after ms"] = first ? (*first - heal_us) / 1000 : 0;
  if (!first || *first > heal_us + control.lease_ttl_ms * 1000 * 11 / 10 + kPatienceMicros) {
    report.violations.emplace_back("no numbers within a lease after everything was mended");
  }
  if (const std::string text = cluster.Divergence(); !text.empty()) {
    report.violations.push_back("copies differ from the root:" + text);
  }
  JudgeValidity(&report);
  return report;
}

}  // namespace nokv::sim
