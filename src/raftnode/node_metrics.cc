#include "raftnode/node_metrics.h"

#include <iterator>

namespace nokv::raftnode {
namespace {

constexpr const char* kDrops[] = {"queue_full", "unknown_group", "stopped", "refused"};
constexpr const char* kRefusals[] = {"none",  "not_leader", "busy", "no_group", "stopped",
                                     "unfit", "no_quorum",  "lost", "unknown"};

}  // namespace

NodeMetrics::NodeMetrics(metrics::Registry& registry)
    : passes(registry.GetCounter("nokv_raft_passes_total", "Passes over the raft groups.")),
      appends(registry.GetCounter("nokv_raft_appends_total",
                                  "Records that were appended to the raft log.")),
      proposals(registry.GetCounter("nokv_raft_proposals_total", "Proposals that were taken.")),
      reads(
          registry.GetCounter("nokv_raft_reads_total", "Linearizable reads that were asked for.")),
      applied(registry.GetCounter("nokv_raft_applied_entries_total",
                                  "Entries that were handed to state machines.")),
      sent(registry.GetCounter("nokv_raft_messages_sent_total", "Raft messages sent.")),
      received(registry.GetCounter("nokv_raft_messages_received_total", "Raft messages taken in.")),
      groups(registry.GetGauge("nokv_raft_groups", "Raft groups with a member here.")),
      stopped_groups(registry.GetGauge("nokv_raft_stopped_groups",
                                       "Those of them that have stopped, by an error most often.")),
      sync_us(registry.GetHistogram("nokv_raft_log_sync_seconds", "Syncs of the raft log.", 1e-6)) {
  for (size_t i = 0; i < std::size(kDrops); i++) {
    dropped_[i] = &registry.GetCounter("nokv_raft_messages_dropped_total",
                                       "Raft messages of other members that went nowhere.",
                                       {{"reason", kDrops[i]}});
  }
  for (size_t i = 0; i < std::size(kRefusals); i++) {
    refused_[i] = &registry.GetCounter("nokv_raft_refused_total",
                                       "Proposals and reads that were not answered as asked.",
                                       {{"reason", kRefusals[i]}});
  }
}

}  // namespace nokv::raftnode
