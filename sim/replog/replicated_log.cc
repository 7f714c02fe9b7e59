#include "sim/replog/replicated_log.h"

#include "sim/check/linearizability.h"
#include "sim/replog/log_cluster.h"
#include "sim/replog/operator.h"
#include "sim/scenario_run.h"
#include "sim/workload/clients.h"

namespace nokv::sim {
namespace {

constexpr uint64_t kQuietSeconds = 2;
// Within so many election timeouts after the mending a request must be answered.
constexpr uint64_t kHealTimeouts = 15;
constexpr uint64_t kMaxCheckSteps = 500'000;
constexpr size_t kSpares = 2;

MemberOptions DrawMember(base::Random* random) {
  MemberOptions options;
  raft::Config& raft = options.raft;
  raft.election_ticks = 10;
  raft.heartbeat_ticks = 1 + static_cast<int>(random->Uniform(3));
  raft.pre_vote = !random->OneIn(4);
  raft.check_quorum = !random->OneIn(4);
  raft.step_down_on_removal = random->OneIn(2);
  if (raft.check_quorum && random->OneIn(2)) raft.read_mode = raft::ReadMode::kLeaseBased;
  raft.max_message_bytes = random->OneIn(2) ? 256 : 64 << 10;
  raft.max_inflight_messages = 1 + random->Uniform(16);
  raft.max_inflight_bytes = random->OneIn(2) ? raft.max_message_bytes : raft::kNoLimit;
  raft.max_committed_bytes_per_ready = random->OneIn(2) ? 300 : 0;
  raft.max_uncommitted_bytes = random->OneIn(2) ? 2000 : raft::kNoLimit;
  options.log.segment_bytes = (16 + random->Uniform(64)) << 10;
  options.log.cache_bytes = random->OneIn(2) ? 2000 : 1 << 20;
  options.log.salt_seed = random->Next();
  options.checkpoint_entries = 20 + random->Uniform(150);
  options.kept_entries = random->Uniform(40);
  options.apply_later = random->OneIn(2);
  options.tells_commits = random->OneIn(2);
  return options;
}

std::string Describe(const MemberOptions& options) {
  const raft::Config& raft = options.raft;
  std::string text = options.apply_later ? "entries applied later" : "entries applied at once";
  text += raft.read_mode == raft::ReadMode::kLeaseBased ? ", lease reads" : ", safe reads";
  if (options.tells_commits) text += ", commits told at once";
  if (raft.pre_vote) text += ", pre-vote";
  if (raft.check_quorum) text += ", check-quorum";
  if (raft.step_down_on_removal) text += ", step-down on removal";
  const auto number = [&](const char* name, uint64_t value) {
    text += std::string(", ") + name + " " +
            (value == raft::kNoLimit ? std::string("unlimited") : std::to_string(value));
  };
  number("heartbeat ticks", static_cast<uint64_t>(raft.heartbeat_ticks));
  number("message bytes", raft.max_message_bytes);
  number("inflight messages", raft.max_inflight_messages);
  number("inflight bytes", raft.max_inflight_bytes);
  number("committed bytes", raft.max_committed_bytes_per_ready);
  number("uncommitted bytes", raft.max_uncommitted_bytes);
  number("segment bytes", options.log.segment_bytes);
  number("cache bytes", options.log.cache_bytes);
  number("entries per checkpoint", options.checkpoint_entries);
  number("entries kept", options.kept_entries);
  return text;
}

void CheckHistory(const History& history, bool is_register, RunReport* report) {
  const LinearizabilityResult result =
      is_register ? CheckRegister(history, kMaxCheckSteps) : CheckMap(history, kMaxCheckSteps);
  report->counters["checker steps"] = result.steps;
  if (result.verdict == Verdict::kViolation) {
    report->violations.push_back("not linearizable: " + result.explanation);
  } else if (result.verdict == Verdict::kTooMuchWork) {
    report->invalid = "the history was too much work to check";
  }
}

}  // namespace

RunReport RunReplicatedLog(const RunOptions& options) {
  World world(options.seed, options.trace);
  base::Random& random = world.random();
  const Phases phases = PhasesOf(options, kQuietSeconds);

  constexpr size_t kSizes[] = {3, 5, 7};
  const size_t size = kSizes[random.Uniform(3)];
  const MemberOptions member = DrawMember(&random);
  Network network(world);
  LogCluster cluster(world, network, size, kSpares, member);
  const bool disks_rot = random.OneIn(2);
  Faults faults = AllFaults(cluster);
  if (disks_rot) AddFaults(RotFaults(cluster), &faults);
  Nemesis nemesis(cluster, std::move(faults), {});
  // A group that may lose a member for ever must have three.
  Operator operating(cluster, {.voters = size, .least_voters = disks_rot ? 3U : 2U});
  const bool is_register = random.OneIn(3);
  Clients clients(world, network, cluster,
                  {.clients = 3 + random.Uniform(4),
                   .keys = is_register ? 1 : 2 + random.Uniform(8),
                   .max_padding_bytes = random.OneIn(2) ? 600U : 0U});

  cluster.Begin();
  clients.Run(phases.quiet_us);
  operating.Run(phases.heal_us, phases.end_us - kSecond);
  RunPhases(cluster, nemesis, phases);

  RunReport report = ReportOf(world, nemesis, clients.acknowledged(), cluster.leaders());
  report.drawn = std::to_string(size) + " members, " + Describe(member);
  report.violations = cluster.violations();
  report.counters["members"] = size;
  report.counters["configurations"] = operating.changes();
  report.counters["transfers"] = operating.transfers();
  report.counters["snapshots"] = cluster.snapshots();
  report.counters["lost members"] = cluster.lost() != raft::kNoNode;
  report.counters["failed processes"] = cluster.failures();
  report.counters["operations"] = clients.history().size();
  // What broke before makes everything after it meaningless.
  if (!report.violations.empty()) return report;
  CheckHistory(clients.history(), is_register, &report);
  const uint64_t election_us =
      2 * member.tick_us * static_cast<uint64_t>(member.raft.election_ticks);
  NoteHealed(phases, clients.FirstAnswerSince(phases.heal_us), kHealTimeouts * election_us,
             &report);
  if (const std::string text = cluster.Divergence(); !text.empty()) {
    report.violations.push_back("not everybody has caught up: " + text);
  }
  JudgeValidity(&report);
  return report;
}

}  // namespace nokv::sim
