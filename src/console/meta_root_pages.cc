#include "console/meta_root_pages.h"

#include <nlohmann/json.hpp>

namespace nokv::console {

namespace {

using Json = nlohmann::ordered_json;

double Real(uint64_t number) {
  return static_cast<double>(number);
}

}  // namespace

std::string MetaRootToJson(const metaroot::NodeStatus& status, const std::string& address) {
  const metaroot::StateHead& head = status.head;
  Json members = Json::array();
  for (const auto& [node, transport] : status.members) {
    members.push_back({{"node_id", node}, {"transport_addr", transport}});
  }
  const Json json = {{"addr", address},
                     {"node_id", status.node},
                     {"cluster_id", std::to_string(head.cluster_id)},
                     {"revision", head.revision},
                     {"cluster_epoch", head.layout_epoch},
                     {"membership_epoch", head.membership_epoch},
                     {"id_fence", head.id_fence},
                     {"tso_fence", head.timestamp_fence},
                     {"last_committed", {{"term", status.term}, {"index", status.committed_index}}},
                     {"applied_index", status.applied_index},
                     {"descriptor_count", status.regions},
                     {"store_count", status.stores},
                     {"pending_peer_changes", status.pending_peer_changes},
                     {"pending_range_changes", status.pending_range_changes},
                     {"is_leader", status.leader == status.node},
                     {"leader_id", status.leader},
                     {"lease",
                      {{"holder", head.lease.holder},
                       {"generation", head.lease.generation},
                       {"in_force", head.lease.in_force},
                       {"remaining_ms", status.lease_remaining_ms}}},
                     {"watchers", status.watchers},
                     {"waits_for", status.waits_for},
                     {"members", members}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void WriteMetaRoot(metrics::TextWriter& out, const metaroot::NodeStatus& status) {
  out.Gauge("nokv_meta_root_leader", "1 if this node leads.", status.leader == status.node ? 1 : 0);
  out.Gauge("nokv_meta_root_has_leader", "1 if this node knows of a leader.",
            status.leader != 0 ? 1 : 0);
  out.Gauge("nokv_meta_root_term", "Of raft.", Real(status.term));
  out.Gauge("nokv_meta_root_committed_index", "The last entry that is committed.",
            Real(status.committed_index));
  out.Gauge("nokv_meta_root_applied_index", "The last entry that is applied.",
            Real(status.applied_index));
  out.Gauge("nokv_meta_root_revision", "Events that took effect.", Real(status.head.revision));
  out.Gauge("nokv_meta_root_stores", "Stores of the cluster.", Real(status.stores));
  out.Gauge("nokv_meta_root_regions", "Regions of the cluster.", Real(status.regions));
  out.Gauge("nokv_meta_root_pending_transitions", "Changes of the layout under way.",
            Real(status.pending_peer_changes), {{"kind", "peer_change"}});
  out.Gauge("nokv_meta_root_pending_transitions", "Changes of the layout under way.",
            Real(status.pending_range_changes), {{"kind", "range_change"}});
  out.Gauge("nokv_meta_root_lease_remaining_seconds",
            "Of the lease of coordinators, on the clock of this node.",
            Real(status.lease_remaining_ms) / 1e3);
  out.Gauge("nokv_meta_root_watchers", "Who follows this node.", Real(status.watchers));
}

}  // namespace nokv::console
