#include "metaroot/machine_test_util.h"

#include <sstream>
#include <vector>

#include "base/check.h"

namespace nokv::metaroot {

namespace {

std::string Rest(std::istringstream& in) {
  std::string text;
  std::getline(in >> std::ws, text);
  return text;
}

template <typename E>
E ParseEnum(const std::string& name, int count) {
  for (int i = 0; i < count; i++) {
    if (NameOf(static_cast<E>(i)) == name) return static_cast<E>(i);
  }
  NOKV_CHECK(false);
  return E{};
}

TransitionPlanned ParsePlan(std::istringstream& in) {
  TransitionPlanned plan;
  std::string word;
  in >> word;
  plan.kind = ParseEnum<TransitionKind>(word, 3);
  auto* side = &plan.from;
  while (in >> word) {
    if (word == "->") {
      side = &plan.to;
    } else {
      side->push_back(ParseRegion(word));
    }
  }
  plan.waits_for = "the test";
  return plan;
}

}  // namespace

topology::Region ParseRegion(std::string_view text) {
  std::istringstream in{std::string(text)};
  topology::Region region;
  char skip = 0;
  in >> region.id >> skip;
  std::getline(in, region.range.start, ',');
  std::getline(in, region.range.end, ')');
  in >> region.epoch.version >> skip >> region.epoch.conf_version >> skip;
  std::string peer;
  while (std::getline(in, peer, ',')) {
    std::istringstream parts(peer);
    topology::Peer& added = region.peers.emplace_back();
    parts >> added.store >> skip >> added.peer;
    if (peer.ends_with('l')) added.role = topology::PeerRole::kLearner;
  }
  return region;
}

std::string FormatRegion(const topology::Region& region) {
  std::string text = std::to_string(region.id) + "[" + region.range.start + "," + region.range.end +
                     ")" + std::to_string(region.epoch.version) + "." +
                     std::to_string(region.epoch.conf_version) + "@";
  for (const topology::Peer& peer : region.peers) {
    text += (text.ends_with('@') ? "" : ",") + std::to_string(peer.store) + ":" +
            std::to_string(peer.peer) + (peer.role == topology::PeerRole::kLearner ? "l" : "");
  }
  return text;
}

Event ParseEvent(std::string_view line) {
  std::istringstream in{std::string(line)};
  std::string word;
  std::string name;
  in >> word;
  if (word == "cluster") {
    ClusterCreated event;
    in >> event.cluster_id;
    return event;
  }
  if (word == "store") {
    StoreJoined event;
    in >> event.store >> event.addr;
    return event;
  }
  if (word == "intend") {
    StoreIntended event;
    in >> event.store >> name;
    event.intent = ParseEnum<StoreIntent>(name, 3);
    return event;
  }
  if (word == "layout") {
    LayoutCreated event;
    while (in >> word) event.regions.push_back(ParseRegion(word));
    return event;
  }
  if (word == "plan") return ParsePlan(in);
  if (word == "move") {
    TransitionMoved event;
    in >> event.id >> name;
    event.step = ParseEnum<TransitionStep>(name, 6);
    event.text = Rest(in);
    return event;
  }
  if (word == "lease") {
    LeaseGranted event;
    in >> event.holder >> event.ttl_ms;
    return event;
  }
  if (word == "end") {
    LeaseEnded event;
    in >> event.generation;
    event.released = !(in >> event.granted_revision);
    if (event.released) event.granted_revision = 0;
    return event;
  }
  NOKV_CHECK(word == "window");
  WindowReserved event;
  in >> name >> event.generation >> event.from >> event.until;
  event.kind = name == "ids" ? WindowKind::kIds : WindowKind::kTimestamps;
  return event;
}

std::string FormatState(const State& state) {
  std::string text = "revision " + std::to_string(state.revision) + ", layout epoch " +
                     std::to_string(state.layout_epoch) + ", ids below " +
                     std::to_string(state.id_fence) + ", timestamps below " +
                     std::to_string(state.timestamp_fence) + "\n";
  if (state.lease.generation > 0) {
    text += "lease " + std::to_string(state.lease.generation) + " of " + state.lease.holder +
            (state.lease.in_force ? "" : ", ended") + "\n";
  }
  for (const auto& [id, store] : state.stores) {
    text += "store " + std::to_string(id) + " " + store.addr + " " +
            std::string(NameOf(store.intent)) + "\n";
  }
  for (const auto& [start, record] : state.regions) text += FormatRegion(record.region) + "\n";
  for (const auto& [id, transition] : state.transitions) {
    text += id + (transition.executed ? " executed," : "") + " waits for " + transition.waits_for +
            ", attempt " + std::to_string(transition.attempts) + "\n";
  }
  return text;
}

}  // namespace nokv::metaroot
