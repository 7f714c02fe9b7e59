#include "coordinator/planner.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace nokv::coordinator {

namespace {

using topology::Peer;
using topology::PeerRole;
using topology::Region;
using topology::StoreId;

// Counts what a plan asks of each store, and says when it is enough.
class Budget {
 public:
  Budget(const ClusterView& view, const PlanLimits& limits)
      : limits_(limits), used_(view.root().transitions.size()) {}

  bool Allows(StoreId a, StoreId b) const {
    return used_ < limits_.max_operators && Of(a) < limits_.max_operators_per_store &&
           Of(b) < limits_.max_operators_per_store;
  }
  void Take(StoreId a, StoreId b) {
    used_++;
    per_store_[a]++;
    if (a != b) per_store_[b]++;
  }

 private:
  size_t Of(StoreId store) const {
    const auto it = per_store_.find(store);
    return it == per_store_.end() ? 0 : it->second;
  }

  const PlanLimits& limits_;
  size_t used_;
  std::map<StoreId, size_t> per_store_;
};

const Peer* FindPeer(const Region& region, topology::PeerId id) {
  const auto it = std::find_if(region.peers.begin(), region.peers.end(),
                               [id](const Peer& peer) { return peer.peer == id; });
  return it == region.peers.end() ? nullptr : &*it;
}

bool IsBehind(const RegionHeartbeat& heard, topology::PeerId peer) {
  return std::find(heard.behind.begin(), heard.behind.end(), peer) != heard.behind.end();
}

// --- leaders ---

// Moves one leader at a time, in the head, until stores differ by no more than they may.
class LeaderBalancer {
 public:
  LeaderBalancer(const ClusterView& view, const PlanLimits& limits, uint64_t now_us)
      : view_(view), limits_(limits), budget_(view, limits) {
    for (const auto& [store, record] : view.root().stores) {
      const StoreState state = view.StateOf(store, now_us);
      if (state == StoreState::kUp) leaders_[store] = 0;
      if (state == StoreState::kOffline) draining_[store] = 0;
    }
    for (const auto& [start, record] : view.root().regions) {
      const Peer* leader = LeaderOf(record.region);
      if (leader == nullptr) continue;
      if (leaders_.contains(leader->store)) leaders_[leader->store]++;
      regions_.push_back(&record.region);
    }
  }

  std::vector<Operator> Plan() {
    std::vector<Operator> plan;
    for (const Region* region : regions_) {
      if (const auto op = MoveOff(*region); op.has_value()) plan.push_back(*op);
    }
    return plan;
  }

 private:
  const Peer* LeaderOf(const Region& region) const {
    const RegionHeartbeat* heard = view_.RegionOf(region.id);
    return heard == nullptr ? nullptr : FindPeer(region, heard->leader);
  }

  std::optional<Operator> MoveOff(const Region& region) {
    const Peer from = *LeaderOf(region);
    const bool drains = draining_.contains(from.store);
    if (!drains && !leaders_.contains(from.store)) return std::nullopt;
    const Peer* to = BestOf(region, from);
    if (to == nullptr || !budget_.Allows(from.store, to->store)) return std::nullopt;
    const uint64_t there = leaders_[to->store];
    const uint64_t here = drains ? 0 : leaders_[from.store];
    // Moving one narrows the difference by two.
    if (!drains && here < there + std::max<uint64_t>(limits_.leader_slack, 2)) return std::nullopt;
    budget_.Take(from.store, to->store);
    leaders_[to->store]++;
    if (!drains) leaders_[from.store]--;
    const std::string reason = drains ? "store " + std::to_string(from.store) + " drains"
                                      : "store " + std::to_string(from.store) + " leads " +
                                            std::to_string(here) + " regions, store " +
                                            std::to_string(to->store) + " " + std::to_string(there);
    return Operator{.kind = OperatorKind::kTransferLeader,
                    .region = region.id,
                    .peer = to->peer,
                    .store = to->store,
                    .from_peer = from.peer,
                    .reason = reason};
  }

  // The voter that can lead on the store with the fewest leaders; null: none.
  const Peer* BestOf(const Region& region, const Peer& from) const {
    const RegionHeartbeat& heard = *view_.RegionOf(region.id);
    const Peer* best = nullptr;
    for (const Peer& peer : region.peers) {
      const bool can = peer.store != from.store && peer.role == PeerRole::kVoter &&
                       leaders_.contains(peer.store) && !IsBehind(heard, peer.peer);
      if (can && (best == nullptr || leaders_.at(peer.store) < leaders_.at(best->store))) {
        best = &peer;
      }
    }
    return best;
  }

  const ClusterView& view_;
  const PlanLimits& limits_;
  Budget budget_;
  std::map<StoreId, uint64_t> leaders_;   // of the stores that can take some
  std::map<StoreId, uint64_t> draining_;  // that should have none
  std::vector<const Region*> regions_;    // whose leader is known
};

// --- replicas ---

// How a region stands.
struct Replicas {
  const Region* region = nullptr;
  std::vector<Peer> good_voters = {};
  std::vector<Peer> learners = {};  // on stores that serve
  std::vector<Peer> bad = {};       // on stores that are down, drain or are gone
};

class Repairer {
 public:
  Repairer(const ClusterView& view, const PlanLimits& limits, uint64_t now_us)
      : view_(view), limits_(limits), now_us_(now_us), budget_(view, limits) {
    for (const auto& [start, record] : view.root().regions) {
      for (const Peer& peer : record.region.peers) peers_on_[peer.store]++;
    }
  }

  std::vector<Operator> Plan() {
    std::vector<Replicas> all;
    for (const auto& [start, record] : view_.root().regions) {
      // Whoever is under way is looked at again when it has arrived; and nothing can be changed
      // where nobody leads.
      const bool busy = metaroot::TransitionOf(view_.root(), record.region.id) != nullptr;
      if (!busy && view_.RegionOf(record.region.id) != nullptr) all.push_back(Look(record.region));
    }
    std::stable_sort(all.begin(), all.end(), [](const Replicas& a, const Replicas& b) {
      return a.good_voters.size() < b.good_voters.size();
    });
    std::vector<Operator> plan;
    for (const Replicas& replicas : all) {
      if (auto op = NextStep(replicas); op.has_value()) plan.push_back(std::move(*op));
    }
    return plan;
  }

 private:
  Replicas Look(const Region& region) const {
    Replicas replicas = {.region = &region};
    for (const Peer& peer : region.peers) {
      const StoreState state = view_.StateOf(peer.store, now_us_);
      if (state != StoreState::kUp && state != StoreState::kDisconnected) {
        replicas.bad.push_back(peer);
      } else if (peer.role == PeerRole::kLearner) {
        replicas.learners.push_back(peer);
      } else {
        replicas.good_voters.push_back(peer);
      }
    }
    return replicas;
  }

  std::optional<Operator> NextStep(const Replicas& replicas) {
    const RegionHeartbeat& heard = *view_.RegionOf(replicas.region->id);
    const size_t voters = replicas.good_voters.size();
    if (voters < limits_.replicas) {
      if (replicas.learners.empty()) return Add(replicas);
      const Peer& learner = replicas.learners[0];
      if (IsBehind(heard, learner.peer)) return std::nullopt;
      return Do(OperatorKind::kPromoteLearner, replicas, learner,
                "it has caught up, and the region has " + std::to_string(voters) +
                    " good voters of " + std::to_string(limits_.replicas));
    }
    if (!replicas.bad.empty()) {
      const Peer& peer = replicas.bad[0];
      // Its leader goes elsewhere first.
      if (peer.peer == heard.leader) return std::nullopt;
      return Do(OperatorKind::kRemovePeer, replicas, peer,
                "store " + std::to_string(peer.store) + " is " +
                    std::string(NameOf(view_.StateOf(peer.store, now_us_))));
    }
    if (!replicas.learners.empty()) {
      return Do(OperatorKind::kRemovePeer, replicas, replicas.learners[0],
                "the region has its voters without it");
    }
    return std::nullopt;
  }

  std::optional<Operator> Add(const Replicas& replicas) {
    const Region& region = *replicas.region;
    std::optional<StoreId> best;
    for (const auto& [store, record] : view_.root().stores) {
      const bool has_peer = std::any_of(region.peers.begin(), region.peers.end(),
                                        [&](const Peer& peer) { return peer.store == store; });
      if (has_peer || view_.StateOf(store, now_us_) != StoreState::kUp) continue;
      if (!budget_.Allows(store, store)) continue;
      if (!best.has_value() || Weight(store) < Weight(*best)) best = store;
    }
    if (!best.has_value()) return std::nullopt;
    peers_on_[*best]++;
    return Do(OperatorKind::kAddLearner, replicas, {.store = *best},
              "the region has " + std::to_string(replicas.good_voters.size()) + " good voters of " +
                  std::to_string(limits_.replicas));
  }

  // Few peers first; those that are full last.
  std::tuple<bool, uint64_t> Weight(StoreId store) const {
    const StoreHeartbeat* heard = view_.StoreOf(store);
    const bool full = heard != nullptr && heard->capacity_bytes > 0 &&
                      heard->available_bytes < heard->capacity_bytes / 10;
    const auto peers = peers_on_.find(store);
    return {full, peers == peers_on_.end() ? 0 : peers->second};
  }

  std::optional<Operator> Do(OperatorKind kind, const Replicas& replicas, const Peer& peer,
                             std::string reason) {
    if (!budget_.Allows(peer.store, peer.store)) return std::nullopt;
    budget_.Take(peer.store, peer.store);
    return Operator{.kind = kind,
                    .region = replicas.region->id,
                    .peer = peer.peer,
                    .store = peer.store,
                    .reason = std::move(reason)};
  }

  const ClusterView& view_;
  const PlanLimits& limits_;
  const uint64_t now_us_;
  Budget budget_;
  std::map<StoreId, uint64_t> peers_on_;
};

}  // namespace

std::string_view NameOf(OperatorKind kind) {
  constexpr std::string_view kNames[] = {"transfer_leader", "add_learner", "promote_learner",
                                         "remove_peer"};
  return kNames[static_cast<size_t>(kind)];
}

std::vector<Operator> PlanLeaderBalance(const ClusterView& view, const PlanLimits& limits,
                                        uint64_t now_us) {
  return LeaderBalancer(view, limits, now_us).Plan();
}

std::vector<Operator> PlanReplicaRepair(const ClusterView& view, const PlanLimits& limits,
                                        uint64_t now_us) {
  return Repairer(view, limits, now_us).Plan();
}

Result<metaroot::TransitionPlanned> TransitionFor(const Operator& op, const metaroot::State& state,
                                                  topology::PeerId new_peer, uint64_t wall_ms) {
  if (op.kind == OperatorKind::kTransferLeader) {
    return Status::InvalidArgument("a change of the leader does not change the layout");
  }
  const metaroot::RegionRecord* record = metaroot::FindRegion(state, op.region);
  const Status gone = Status::Aborted(topology::NameOf(op.region) + " has changed since the plan");
  if (record == nullptr) return gone;
  const Region& from = record->region;
  Region to = from;
  to.epoch.conf_version++;
  if (op.kind == OperatorKind::kAddLearner) {
    to.peers.push_back({.store = op.store, .peer = new_peer, .role = PeerRole::kLearner});
  } else {
    const auto peer = std::find_if(to.peers.begin(), to.peers.end(),
                                   [&](const Peer& each) { return each.peer == op.peer; });
    if (peer == to.peers.end()) return gone;
    if (op.kind == OperatorKind::kRemovePeer) {
      to.peers.erase(peer);
    } else {
      peer->role = PeerRole::kVoter;
    }
  }
  return metaroot::TransitionPlanned{
      .kind = metaroot::TransitionKind::kPeerChange,
      .from = {from},
      .to = {to},
      .waits_for = "the leader of " + topology::NameOf(op.region) + " to propose the change",
      .at_ms = wall_ms};
}

}  // namespace nokv::coordinator
