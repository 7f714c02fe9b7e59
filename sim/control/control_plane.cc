#include "sim/control/control_plane.h"

#include <algorithm>

#include "sim/control/control_clients.h"
#include "sim/control/control_cluster.h"
#include "sim/control/tidier.h"
#include "sim/scenario_run.h"

namespace nokv::sim {
namespace {

constexpr uint64_t kQuietSeconds = 3;
// Beside the time of a lease, until there are numbers again.
constexpr uint64_t kPatienceMicros = 3 * kSecond;
// Everybody has the same within so much after the end.
constexpr uint64_t kAgreeMicros = kSecond;
constexpr uint64_t kStepMicros = 10'000;
constexpr size_t kLeastKinds = 7;

Faults FaultsOf(ControlCluster& cluster) {
  Faults all = ProcessFaults(cluster);
  AddFaults(NetworkFaults(cluster), &all);
  AddFaults(DiskFaults(cluster.roots()), &all);
  AddFaults(ClockFaults(cluster, kMostDriftPermille), &all);
  AddFaults(LossFaults(cluster), &all);
  // Clocks drift for good here, and a stream neither repeats nor reorders.
  std::erase_if(all, [](const auto& fault) {
    return fault->name() == "clock-drift" || fault->name() == "duplication" ||
           fault->name() == "reordering";
  });
  return all;
}

ControlOptions Draw(base::Random* random) {
  ControlOptions options;
  options.root.tick_us = 30'000 + random->Uniform(40'000);
  options.root.snapshot_entries = 20 + random->Uniform(150);
  options.root.kept_entries = random->Uniform(40);
  options.lease_ttl_ms = 500 + random->Uniform(2'000);
  options.id_window = 50 + random->Uniform(2'000);
  options.timestamp_window_ms = 200 + random->Uniform(2'000);
  options.may_lose_a_root = random->OneIn(4);
  return options;
}

// Why there is somebody who does not have what the others have; empty: everybody does, at one
// moment at least.
std::string WaitUntilAllAgree(World& world, ControlCluster& cluster) {
  const uint64_t until_us = world.now_us() + kAgreeMicros;
  std::string divergence = cluster.Divergence();
  while (!divergence.empty() && world.now_us() < until_us) {
    world.RunUntil(world.now_us() + kStepMicros);
    divergence = cluster.Divergence();
  }
  return divergence;
}

}  // namespace

RunReport RunControlPlane(const RunOptions& options) {
  World world(options.seed, options.trace);
  base::Random& random = world.random();
  const Phases phases = PhasesOf(options, kQuietSeconds);
  const ControlOptions control = Draw(&random);
  Network network(world);
  ControlCluster cluster(world, network, control);
  // Some pauses are longer than a lease.
  Nemesis nemesis(cluster, FaultsOf(cluster),
                  {.duration_us = 3 * kSecond, .least_kinds = kLeastKinds});
  ControlClients clients(world, cluster, 3 + random.Uniform(6));
  Tidier tidier(world, cluster);

  // Now and then somebody restarts the holder in good order.
  for (uint64_t at_us = kSecond; at_us < phases.heal_us;
       at_us += kSecond + random.Uniform(6 * kSecond)) {
    world.After(at_us, [&cluster] { cluster.HandOver(); });
  }
  cluster.Begin();
  clients.Run(phases.quiet_us);
  tidier.Run(phases.quiet_us);
  RunPhases(cluster, nemesis, phases);
  const std::string divergence = WaitUntilAllAgree(world, cluster);
  clients.CheckRoutes();

  const uint64_t generations = cluster.CatchUp().state().lease.generation;
  // Of the root, and of the numbers.
  RunReport report = ReportOf(world, nemesis, clients.acknowledged(),
                              cluster.roots().leaders() + std::max<uint64_t>(generations, 1) - 1);
  report.drawn = "lease " + std::to_string(control.lease_ttl_ms) + " ms, windows of " +
                 std::to_string(control.id_window) + " ids and " +
                 std::to_string(control.timestamp_window_ms) + " ms, entries per snapshot " +
                 std::to_string(control.root.snapshot_entries) + ", entries kept " +
                 std::to_string(control.root.kept_entries);
  report.counters["leaders"] = cluster.roots().leaders();
  report.counters["generations"] = generations;
  report.counters["revisions"] = cluster.CatchUp().state().revision;
  report.counters["failed processes"] = cluster.roots().failures();
  for (const auto& [name, count] : clients.counts()) report.counters[name] = count;
  report.violations = cluster.roots().violations();
  for (std::string& violation : CheckNumbers(clients.numbers())) {
    report.violations.push_back(std::move(violation));
  }
  if (!report.violations.empty()) return report;
  NoteHealed(phases, clients.FirstNumbersSince(phases.heal_us),
             control.lease_ttl_ms * 1100 + kPatienceMicros, &report);
  if (!divergence.empty()) report.violations.push_back("in the end, " + divergence);
  if (clients.under_way() > 0) {
    report.violations.push_back(std::to_string(clients.under_way()) + " requests never ended");
  }
  JudgeValidity(&report);
  return report;
}

}  // namespace nokv::sim
