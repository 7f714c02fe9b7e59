// Planners: what should change so that leaders are spread and every region has its replicas. Pure:
// a view and a time go in, operators come out; a dry run is one whose operators nobody carries out.
// Planners remember nothing: each plans the next step from where things stand, so that it does not
// matter who planned the one before, or whether it was carried out.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coordinator/cluster_view.h"
#include "metaroot/event.h"
#include "nokv/status.h"

namespace nokv::coordinator {

enum class OperatorKind { kTransferLeader, kAddLearner, kPromoteLearner, kRemovePeer };
std::string_view NameOf(OperatorKind kind);

struct Operator {
  OperatorKind kind = OperatorKind::kTransferLeader;
  topology::RegionId region = topology::kNoId;
  topology::PeerId peer =
      topology::kNoId;  // moved to, promoted or removed; a new one has no id yet
  topology::StoreId store = topology::kNoId;     // of that peer
  topology::PeerId from_peer = topology::kNoId;  // the leader until now, of kTransferLeader
  std::string reason = {};
  bool operator==(const Operator&) const = default;
};

struct PlanLimits {
  size_t max_operators = 16;           // in one plan, with the transitions that are under way
  size_t max_operators_per_store = 4;  // that one store gives or takes at once
  size_t replicas = 3;                 // voters that a region shall have
  uint64_t leader_slack = 2;           // leaders by which stores may differ
};

// Leaders go from where most are to where fewest are, as far as the regions allow. Nothing leads on
// a store that drains, if another can.
std::vector<Operator> PlanLeaderBalance(const ClusterView& view, const PlanLimits& limits,
                                        uint64_t now_us);

// A region with a peer on a store that is down or drains, or with too few peers, gets another one:
// a learner is added, gets its vote when it has caught up, and the old peer goes. One step of each
// region at a time, those with the fewest good replicas first.
std::vector<Operator> PlanReplicaRepair(const ClusterView& view, const PlanLimits& limits,
                                        uint64_t now_us);

// The transition that carries out a change of peers; `new_peer` is an id that was given out for
// kAddLearner. kInvalidArgument for kTransferLeader, kAborted if the layout has changed.
Result<metaroot::TransitionPlanned> TransitionFor(const Operator& op, const metaroot::State& state,
                                                  topology::PeerId new_peer, uint64_t wall_ms);

}  // namespace nokv::coordinator
