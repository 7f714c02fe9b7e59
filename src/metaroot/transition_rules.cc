#include "metaroot/transition_rules.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/macros.h"

namespace nokv::metaroot {

namespace {

using topology::NameOf;
using topology::Peer;
using topology::Region;

Status Malformed(const std::string& what) {
  return Status::InvalidArgument("the plan: " + what);
}

// How many peers are in `a` but not, or not like this, in `b`.
size_t CountWithout(const Region& a, const Region& b) {
  return static_cast<size_t>(std::count_if(a.peers.begin(), a.peers.end(), [&](const Peer& peer) {
    return std::find(b.peers.begin(), b.peers.end(), peer) == b.peers.end();
  }));
}

std::set<topology::StoreId> StoresOf(const Region& region) {
  std::set<topology::StoreId> stores;
  for (const Peer& peer : region.peers) stores.insert(peer.store);
  return stores;
}

Status CheckPeerChange(const Region& from, const Region& to) {
  if (from.id != to.id || from.range != to.range) {
    return Malformed("a change of peers leaves id and range as they are");
  }
  const size_t added = CountWithout(to, from);
  const size_t removed = CountWithout(from, to);
  const bool one = added + removed == 1;
  // The same peer with another role.
  const bool changed = added == 1 && removed == 1 && from.peers.size() == to.peers.size() &&
                       StoresOf(from) == StoresOf(to);
  if (!one && !changed) return Malformed("a change of peers is one of one peer");
  if (to.epoch.version != from.epoch.version || to.epoch.conf_version <= from.epoch.conf_version) {
    return Malformed("a change of peers raises conf_version and leaves version");
  }
  return Status::Ok();
}

Status CheckSplit(const Region& from, const std::vector<Region>& to) {
  if (to[0].range.start != from.range.start || to[1].range.end != from.range.end ||
      to[0].range.end != to[1].range.start || to[1].range.start.empty()) {
    return Malformed("a split has the keys of " + NameOf(from.id) + " in two parts");
  }
  if ((to[0].id == from.id) == (to[1].id == from.id)) {
    return Malformed("one part of a split keeps the id of " + NameOf(from.id));
  }
  for (const Region& part : to) {
    if (StoresOf(part) != StoresOf(from)) return Malformed("a split leaves the stores as they are");
    if (part.epoch.version <= from.epoch.version ||
        part.epoch.conf_version != from.epoch.conf_version) {
      return Malformed("a split raises version and leaves conf_version");
    }
    if (part.id == from.id && !topology::SamePeers(part, from)) {
      return Malformed("the part that keeps the id keeps the peers");
    }
  }
  return Status::Ok();
}

Status CheckMerge(const std::vector<Region>& from, const Region& to) {
  if (from[0].range.end.empty() || from[0].range.end != from[1].range.start ||
      to.range.start != from[0].range.start || to.range.end != from[1].range.end) {
    return Malformed("a merge has the keys of two neighbours");
  }
  const bool first = to.id == from[0].id;
  if (!first && to.id != from[1].id) return Malformed("a merge keeps one of the two ids");
  if (StoresOf(from[0]) != StoresOf(from[1])) {
    return Malformed("regions that merge are on the same stores");
  }
  const Region& kept = from[first ? 0 : 1];
  if (!topology::SamePeers(to, kept))
    return Malformed("a merge keeps the peers of the id it keeps");
  if (to.epoch.version <= std::max(from[0].epoch.version, from[1].epoch.version) ||
      to.epoch.conf_version != kept.epoch.conf_version) {
    return Malformed("a merge raises version and leaves conf_version");
  }
  return Status::Ok();
}

Status CheckCounts(const TransitionPlanned& plan) {
  const size_t from = plan.kind == TransitionKind::kMerge ? 2 : 1;
  const size_t to = plan.kind == TransitionKind::kSplit ? 2 : 1;
  if (plan.from.size() == from && plan.to.size() == to) return Status::Ok();
  return Malformed(std::string(NameOf(plan.kind)) + " is of " + std::to_string(from) +
                   " regions into " + std::to_string(to));
}

// The ids that a plan brings along.
struct Newcomers {
  std::set<topology::RegionId> regions;
  std::map<topology::PeerId, Peer> peers;
};

Newcomers NewcomersOf(const TransitionPlanned& plan) {
  Newcomers all;
  for (const Region& region : plan.to) {
    all.regions.insert(region.id);
    for (const Peer& peer : region.peers) all.peers.emplace(peer.peer, peer);
  }
  for (const Region& region : plan.from) {
    all.regions.erase(region.id);
    for (const Peer& peer : region.peers) all.peers.erase(peer.peer);
  }
  return all;
}

Status NotNew(const std::string& name, const std::string& why) {
  return Status::FailedPrecondition(name + " " + why).WithHint("take ids from the coordinator");
}

// kFailedPrecondition if `region`, which is or shall be part of the layout, has one of the ids.
Status CheckDiffers(const Newcomers& newcomers, const Region& region) {
  if (newcomers.regions.contains(region.id)) return NotNew(NameOf(region.id), "is there already");
  for (const Peer& peer : region.peers) {
    if (newcomers.peers.contains(peer.peer)) {
      return NotNew("peer " + std::to_string(peer.peer), "is in " + NameOf(region.id) + " already");
    }
  }
  return Status::Ok();
}

// Ids that come with a plan must be new, given out, and on stores that serve.
Status CheckNewcomers(const State& state, const TransitionPlanned& plan) {
  const Newcomers newcomers = NewcomersOf(plan);
  for (const topology::RegionId id : newcomers.regions) {
    if (id >= state.id_fence) return NotNew(NameOf(id), "has an id that nobody gave out");
  }
  for (const auto& [id, peer] : newcomers.peers) {
    const std::string name = "peer " + std::to_string(id);
    if (id >= state.id_fence) return NotNew(name, "has an id that nobody gave out");
    const auto store = state.stores.find(peer.store);
    if (store == state.stores.end() || store->second.intent != StoreIntent::kServe) {
      return Status::FailedPrecondition(name + " would be on store " + std::to_string(peer.store) +
                                        ", which does not serve");
    }
  }
  for (const auto& [start, record] : state.regions) {
    RETURN_IF_ERROR(CheckDiffers(newcomers, record.region));
  }
  for (const auto& [id, transition] : state.transitions) {
    for (const Region& region : transition.plan.to) {
      RETURN_IF_ERROR(CheckDiffers(newcomers, region));
    }
  }
  return Status::Ok();
}

}  // namespace

Status CheckShape(const TransitionPlanned& plan) {
  RETURN_IF_ERROR(CheckCounts(plan));
  std::set<topology::PeerId> peers;
  for (const Region& region : plan.to) {
    RETURN_IF_ERROR(topology::CheckRegion(region));
    for (const Peer& peer : region.peers) {
      if (!peers.insert(peer.peer).second) {
        return Malformed("peer " + std::to_string(peer.peer) + " would be in two regions");
      }
    }
  }
  if (plan.waits_for.empty()) return Malformed("it does not say what it waits for");
  switch (plan.kind) {
    case TransitionKind::kPeerChange:
      return CheckPeerChange(plan.from[0], plan.to[0]);
    case TransitionKind::kSplit:
      return CheckSplit(plan.from[0], plan.to);
    case TransitionKind::kMerge:
      break;
  }
  return CheckMerge(plan.from, plan.to[0]);
}

bool IsUnderWay(const State& state, const TransitionPlanned& plan) {
  const auto it = state.transitions.find(TransitionId(plan));
  return it != state.transitions.end() && it->second.plan.from == plan.from &&
         it->second.plan.to == plan.to;
}

bool IsMade(const State& state, const TransitionPlanned& plan) {
  return std::all_of(plan.to.begin(), plan.to.end(), [&](const Region& region) {
    const RegionRecord* record = RegionOf(state, region.range.start);
    return record != nullptr && record->region == region;
  });
}

Status CheckPlan(const State& state, const TransitionPlanned& plan) {
  if (IsUnderWay(state, plan) || IsMade(state, plan)) return Status::Ok();
  for (const Region& region : plan.from) {
    if (const Transition* other = TransitionOf(state, region.id); other != nullptr) {
      return Status::Aborted(TransitionId(other->plan) + " is under way, and waits for " +
                             other->waits_for)
          .WithHint("wait for it, or cancel it");
    }
    const RegionRecord* record = RegionOf(state, region.range.start);
    if (record == nullptr || record->region != region) {
      return Status::Aborted(NameOf(region.id) + " is not what the plan begins with any more")
          .WithHint("look at the layout again, and plan anew");
    }
  }
  if (state.transitions.size() >= kMaxTransitions) {
    return Status::ResourceExhausted(std::to_string(kMaxTransitions) +
                                     " transitions are under way, as many as there may be");
  }
  return CheckNewcomers(state, plan);
}

Status CheckFirstLayout(const State& state, const std::vector<Region>& regions) {
  const auto refused = [](const std::string& what) {
    return Status::InvalidArgument("the first layout: " + what);
  };
  if (regions.empty() || regions.size() > kMaxRegions)
    return refused("has no regions, or too many");
  std::set<topology::RegionId> ids;
  std::set<topology::PeerId> peers;
  std::string next;  // where the region after this one must begin
  for (const Region& region : regions) {
    RETURN_IF_ERROR(topology::CheckRegion(region));
    const bool is_first = ids.empty();
    if (region.range.start != next || (next.empty() && !is_first)) {
      return refused(NameOf(region.id) + " does not begin where the one before ends");
    }
    if (!ids.insert(region.id).second) return refused(NameOf(region.id) + " is there twice");
    for (const Peer& peer : region.peers) {
      if (!peers.insert(peer.peer).second) {
        return refused("peer " + std::to_string(peer.peer) + " is in two regions");
      }
      const auto store = state.stores.find(peer.store);
      if (store == state.stores.end() || store->second.intent != StoreIntent::kServe) {
        return refused(NameOf(region.id) + " is on store " + std::to_string(peer.store) +
                       ", which does not serve");
      }
    }
    next = region.range.end;
  }
  return next.empty() ? Status::Ok() : refused("the last region has an end");
}

}  // namespace nokv::metaroot
