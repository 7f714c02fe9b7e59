#include "coordinator/cluster_view.h"

#include <algorithm>
#include <string>
#include <utility>

namespace nokv::coordinator {

std::string_view NameOf(StoreState state) {
  constexpr std::string_view kNames[] = {"up", "disconnected", "down", "offline", "tombstone"};
  return kNames[static_cast<size_t>(state)];
}

void ClusterView::SetRoot(metaroot::State state) {
  if (state.revision < root_.revision) return;
  const bool same_layout = state.layout_epoch == root_.layout_epoch && !by_id_.empty();
  root_ = std::move(state);
  Forget(!same_layout);
}

Status ClusterView::Follow(const metaroot::TailEvent& event) {
  if (event.revision != root_.revision + 1) {
    return Status::Internal("event " + std::to_string(event.revision) +
                            " does not follow revision " + std::to_string(root_.revision));
  }
  const uint64_t layout_epoch = root_.layout_epoch;
  metaroot::Edit edit(&root_);
  const Result<metaroot::Effect> effect = metaroot::Apply(event.event, &edit);
  if (!effect.ok()) return Status::Internal(std::string(effect.status().message()));
  if (root_.revision != event.revision) return Status::Internal("an event that changes nothing");
  edit.Keep();
  const bool layout_changed = root_.layout_epoch != layout_epoch;
  if (layout_changed || std::holds_alternative<metaroot::StoreIntended>(event.event)) {
    Forget(layout_changed);
  }
  return Status::Ok();
}

Result<metaroot::Effect> ClusterView::Assess(const metaroot::Event& event) {
  metaroot::Edit edit(&root_);
  return metaroot::Apply(event, &edit);
}

void ClusterView::Forget(bool layout_changed) {
  std::erase_if(stores_, [this](const auto& each) {
    const auto store = root_.stores.find(each.first);
    return store == root_.stores.end() || store->second.intent == metaroot::StoreIntent::kRemove;
  });
  if (!layout_changed) return;
  by_id_.clear();
  for (const auto& [start, record] : root_.regions) by_id_.emplace(record.region.id, record.region);
  std::erase_if(regions_, [this](const auto& each) { return !by_id_.contains(each.first); });
}

Status ClusterView::Hear(const StoreHeartbeat& heartbeat, uint64_t now_us) {
  const std::string name = "store " + std::to_string(heartbeat.store);
  const auto known = root_.stores.find(heartbeat.store);
  if (known == root_.stores.end()) {
    return Status::NotFound(name + " is not of this cluster")
        .WithHint("it joins first: a store does so when it starts");
  }
  if (known->second.intent == metaroot::StoreIntent::kRemove) {
    return Status::FailedPrecondition(name + " was removed for good")
        .WithHint("give the store another id and an empty directory");
  }
  stores_.insert_or_assign(heartbeat.store, HeardStore{heartbeat, now_us});
  return Status::Ok();
}

Status ClusterView::Hear(const RegionHeartbeat& heartbeat, uint64_t /*now_us*/) {
  const std::string name = topology::NameOf(heartbeat.region);
  const auto known = by_id_.find(heartbeat.region);
  if (known == by_id_.end()) return Status::NotFound(name + " is not of this layout");
  if (heartbeat.behind.size() > topology::kMaxPeers) {
    return Status::InvalidArgument(name + " has more peers behind than it can have");
  }
  if (!topology::NotBehind(heartbeat.epoch, known->second.epoch)) {
    return Status::Aborted(name + " has changed since: its epoch is higher");
  }
  const auto heard = regions_.find(heartbeat.region);
  if (heard != regions_.end() && heartbeat.term < heard->second.term) {
    return Status::Aborted(name + " has a leader of a later term");
  }
  regions_.insert_or_assign(heartbeat.region, heartbeat);
  return Status::Ok();
}

const topology::Region* ClusterView::RegionById(topology::RegionId region) const {
  const auto it = by_id_.find(region);
  return it == by_id_.end() ? nullptr : &it->second;
}

StoreState ClusterView::StateOf(topology::StoreId store, uint64_t now_us) const {
  const auto known = root_.stores.find(store);
  if (known == root_.stores.end() || known->second.intent == metaroot::StoreIntent::kRemove) {
    return StoreState::kTombstone;
  }
  const uint64_t silent_us = SilentUs(store, now_us);
  if (silent_us >= times_.down_us) return StoreState::kDown;
  if (known->second.intent == metaroot::StoreIntent::kDrain) return StoreState::kOffline;
  return silent_us >= times_.disconnected_us ? StoreState::kDisconnected : StoreState::kUp;
}

uint64_t ClusterView::SilentUs(topology::StoreId store, uint64_t now_us) const {
  const auto heard = stores_.find(store);
  const uint64_t since_us = heard == stores_.end() ? started_us_ : heard->second.at_us;
  return now_us > since_us ? now_us - since_us : 0;
}

const StoreHeartbeat* ClusterView::StoreOf(topology::StoreId store) const {
  const auto it = stores_.find(store);
  return it == stores_.end() ? nullptr : &it->second.heartbeat;
}

const RegionHeartbeat* ClusterView::RegionOf(topology::RegionId region) const {
  const auto it = regions_.find(region);
  return it == regions_.end() ? nullptr : &it->second;
}

ClusterView::Route ClusterView::Find(std::string_view key) const {
  Route route;
  route.record = metaroot::RegionOf(root_, key);
  if (route.record == nullptr) return route;
  const topology::Region& region = route.record->region;
  const RegionHeartbeat* heard = RegionOf(region.id);
  if (heard == nullptr) return route;
  // Only a peer that the layout has can be gone to.
  const bool is_peer = std::any_of(region.peers.begin(), region.peers.end(),
                                   [&](const auto& peer) { return peer.peer == heard->leader; });
  if (is_peer) route.leader = heard->leader;
  return route;
}

}  // namespace nokv::coordinator
