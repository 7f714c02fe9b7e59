#include "sim/replog/replicated_log.h"

#include <algorithm>
#include <utility>

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

// Everything so small that it runs full, or so large that it does not.
StreamOptions DrawStreams(const raft::Config& raft, base::Random* random) {
  StreamOptions streams;
  transport::TransportOptions& options = streams.transport;
  if (random->OneIn(2)) options.max_queued_messages = 4 + random->Uniform(28);
  // There must be room for the longest message, or it never leaves.
  if (random->OneIn(2)) options.max_queued_bytes = 4 * raft.max_message_bytes + (4 << 10);
  if (random->OneIn(2)) options.max_batch_bytes = 512;
  // Of so many chunks that a snapshot takes its time, in which something breaks.
  if (random->OneIn(2)) options.snapshot_chunk_bytes = 1 + random->Uniform(9);
  options.snapshot_part_bytes = 5 + random->Uniform(100);
  if (random->OneIn(2)) options.max_partial_bytes = 100 + random->Uniform(2000);
  options.partial_kept_ms = 200 + random->Uniform(3000);
  options.max_queued_snapshots = 1 + random->Uniform(4);
  options.max_incoming_snapshots = 1 + random->Uniform(3);
  options.min_backoff_ms = 5 + random->Uniform(50);
  options.max_backoff_ms = options.min_backoff_ms + random->Uniform(400);
  if (!random->OneIn(4)) streams.window_bytes = 20 + random->Uniform(1000);
  if (random->OneIn(2)) streams.read_ahead_bytes = 1;
  streams.moves = random->OneIn(3);
  return streams;
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

std::string Describe(const StreamOptions& streams) {
  const transport::TransportOptions& options = streams.transport;
  return ", queued messages " + std::to_string(options.max_queued_messages) + ", queued bytes " +
         std::to_string(options.max_queued_bytes) + ", batch bytes " +
         std::to_string(options.max_batch_bytes) + ", chunk bytes " +
         std::to_string(options.snapshot_chunk_bytes) + ", part bytes " +
         std::to_string(options.snapshot_part_bytes) + ", incoming snapshots " +
         std::to_string(options.max_incoming_snapshots) + ", backoff ms " +
         std::to_string(options.min_backoff_ms) + " to " + std::to_string(options.max_backoff_ms) +
         ", window bytes " + std::to_string(streams.window_bytes) + ", read ahead " +
         std::to_string(streams.read_ahead_bytes) + (streams.moves ? ", addresses change" : "");
}

// Nothing, of a run without streams.
void CountStreams(metrics::Registry& registry, RunReport* report) {
  const auto count = [&](const char* name, const metrics::Labels& labels = {}) {
    return registry.GetCounter(name, "", labels).value();
  };
  report->counters["broken streams"] = count("nokv_transport_dial_failures_total");
  report->counters["broken snapshots"] = count("nokv_transport_snapshots_failed_total");
  report->counters["resumed snapshots"] = count("nokv_transport_snapshots_resumed_total");
  report->counters["messages per hundred batches"] =
      100 * count("nokv_transport_sent_messages_total") /
      std::max<uint64_t>(1, count("nokv_transport_sent_batches_total"));
  report->counters["messages of full queues"] =
      count("nokv_transport_dropped_messages_total", {{"reason", "queue_full"}});
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
  std::optional<StreamOptions> streams;
  if (random.OneIn(2)) streams = DrawStreams(member.raft, &random);
  Network network(world);
  LogCluster cluster(world, network, size, kSpares, member, streams);
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
  report.drawn = std::to_string(size) + " members, " + (streams ? "streams, " : "raw messages, ") +
                 Describe(member) + (streams ? Describe(*streams) : "");
  report.violations = cluster.violations();
  report.counters["members"] = size;
  report.counters["configurations"] = operating.changes();
  report.counters["transfers"] = operating.transfers();
  report.counters["snapshots"] = cluster.snapshots();
  report.counters["lost members"] = cluster.lost() != raft::kNoNode;
  report.counters["failed processes"] = cluster.failures();
  CountStreams(cluster.wires().registry(), &report);
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
