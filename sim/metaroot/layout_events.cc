#include "sim/metaroot/layout_events.h"

#include <algorithm>
#include <iterator>
#include <string>

namespace nokv::sim {

using metaroot::State;
using metaroot::TransitionPlanned;
using topology::Peer;
using topology::PeerRole;
using topology::Region;

namespace {

constexpr size_t kFewestStores = 3;
constexpr uint64_t kMostStores = 6;
constexpr const char* kWaitsFor = "the simulation";

}  // namespace

metaroot::Event LayoutEvents::Next(const State& state) {
  if (state.stores.size() < kFewestStores) return Join();
  if (state.regions.empty()) return Layout(state);
  const uint64_t kind = random_.Uniform(10);
  if (kind == 0) return Join();
  if (kind == 1) return Intend(state);
  if (kind < 6) return Move(state);
  TransitionPlanned plan = kind < 8 ? Split(state) : kind == 8 ? Merge(state) : ChangePeer(state);
  if (random_.OneIn(6)) Spoil(&plan);
  return plan;
}

metaroot::StoreJoined LayoutEvents::Join() {
  return {1 + random_.Uniform(kMostStores), "h" + std::to_string(random_.Uniform(9)) + ":1"};
}

metaroot::StoreIntended LayoutEvents::Intend(const State& state) {
  auto it = state.stores.begin();
  std::advance(it, random_.Uniform(state.stores.size()));
  // One that is removed is gone for good, and there are few.
  if (random_.OneIn(8)) return {it->first, metaroot::StoreIntent::kRemove};
  return {it->first,
          random_.OneIn(3) ? metaroot::StoreIntent::kDrain : metaroot::StoreIntent::kServe};
}

metaroot::LayoutCreated LayoutEvents::Layout(const State& state) {
  Region region = {.id = 1, .epoch = {1, 1}};
  for (const auto& [id, store] : state.stores) region.peers.push_back({id, 10 + id});
  return {{region}};
}

TransitionPlanned LayoutEvents::Split(const State& state) {
  const Region from = Any(state);
  Region left = from;
  Region right = from;
  left.range.end = right.range.start = std::string(1, static_cast<char>('a' + random_.Uniform(26)));
  left.epoch.version++, right.epoch.version++;
  right.id = SomeId(state);
  for (Peer& peer : right.peers) peer.peer = SomeId(state);
  return {.kind = metaroot::TransitionKind::kSplit,
          .from = {from},
          .to = {left, right},
          .waits_for = kWaitsFor};
}

TransitionPlanned LayoutEvents::Merge(const State& state) {
  const Region left = Any(state);
  const Region right = metaroot::RegionOf(state, left.range.end)->region;
  Region to = left;
  to.range.end = right.range.end;
  to.epoch.version = std::max(left.epoch.version, right.epoch.version) + 1;
  return {.kind = metaroot::TransitionKind::kMerge,
          .from = {left, right},
          .to = {to},
          .waits_for = kWaitsFor};
}

TransitionPlanned LayoutEvents::ChangePeer(const State& state) {
  const Region from = Any(state);
  Region to = from;
  to.epoch.conf_version++;
  const uint64_t store = 1 + random_.Uniform(kMostStores);
  const auto there = std::find_if(to.peers.begin(), to.peers.end(),
                                  [store](const Peer& peer) { return peer.store == store; });
  if (there == to.peers.end()) {
    to.peers.push_back({store, SomeId(state), PeerRole::kLearner});
  } else if (there->role == PeerRole::kLearner && random_.OneIn(2)) {
    there->role = PeerRole::kVoter;
  } else {
    to.peers.erase(there);
  }
  return {.kind = metaroot::TransitionKind::kPeerChange,
          .from = {from},
          .to = {to},
          .waits_for = kWaitsFor};
}

metaroot::TransitionMoved LayoutEvents::Move(const State& state) {
  metaroot::TransitionMoved move = {
      .step = static_cast<metaroot::TransitionStep>(random_.Uniform(6)), .text = kWaitsFor};
  if (state.transitions.empty()) return move;
  auto it = state.transitions.begin();
  std::advance(it, random_.Uniform(state.transitions.size()));
  move.id = it->first;
  return move;
}

void LayoutEvents::Spoil(TransitionPlanned* plan) {
  Region& last = plan->to.back();
  switch (random_.Uniform(3)) {
    case 0:
      last.range.start += "0";
      break;
    case 1:
      last.range.end = "m";
      break;
    default:
      last.epoch = plan->from[0].epoch;
  }
}

const Region& LayoutEvents::Any(const State& state) {
  auto it = state.regions.begin();
  std::advance(it, random_.Uniform(state.regions.size()));
  return it->second.region;
}

uint64_t LayoutEvents::SomeId(const State& state) {
  return 1 + random_.Uniform(state.id_fence);
}

}  // namespace nokv::sim
