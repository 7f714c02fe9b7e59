// ClusterView: what a coordinator knows of its cluster: what the metadata root says, and what
// stores and leaders of regions have told since. The second part is rebuilt from the next
// heartbeats wherever it is lost; it is bounded by the first: who is not in the root's state is not
// heard.
//
// Thread safety: thread-compatible. Times are monotonic microseconds.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "metaroot/apply.h"
#include "metaroot/machine.h"
#include "metaroot/state.h"
#include "nokv/status.h"
#include "topology/region.h"

namespace nokv::coordinator {

// What a store says of itself.
struct StoreHeartbeat {
  topology::StoreId store = topology::kNoId;
  uint64_t regions = 0;
  uint64_t leaders = 0;
  uint64_t capacity_bytes = 0;
  uint64_t available_bytes = 0;
  uint64_t dropped_operations = 0;
};

// What the leader of a region says of it.
struct RegionHeartbeat {
  topology::RegionId region = topology::kNoId;
  topology::Epoch epoch = {};
  uint64_t term = 0;
  topology::PeerId leader = topology::kNoId;
  uint64_t size_bytes = 0;
  std::vector<topology::PeerId> behind = {};  // peers that miss too much to count on
};

enum class StoreState {
  kUp,
  kDisconnected,  // not heard for a while
  kDown,          // not heard for so long that its peers are replaced
  kOffline,       // it drains, on purpose
  kTombstone,     // it was removed
};
std::string_view NameOf(StoreState state);

struct StoreTimes {
  uint64_t disconnected_us = 20'000'000;
  uint64_t down_us = 1'800'000'000;
};

class ClusterView {
 public:
  // A store that was never heard counts as heard at `started_us`: nobody is down because a
  // coordinator has just begun.
  ClusterView(const StoreTimes& times, uint64_t started_us)
      : times_(times), started_us_(started_us) {}

  // The root's state as of now; what was heard of stores and regions that are gone is forgotten.
  // Ignores one that is older than what there is.
  void SetRoot(metaroot::State state);
  // The next event of the root. kInternal if it does not follow from the state that there is: then
  // the state is to be had anew.
  Status Follow(const metaroot::TailEvent& event);
  const metaroot::State& root() const { return root_; }
  // What the root would say to `event` if this is its state. Changes nothing.
  Result<metaroot::Effect> Assess(const metaroot::Event& event);

  // kNotFound for a store that the root does not know; kFailedPrecondition for a removed one.
  Status Hear(const StoreHeartbeat& heartbeat, uint64_t now_us);
  // kNotFound for a region that the root does not know; kAborted if it is older than what was heard
  // or what the root knows; kInvalidArgument for more than can be.
  Status Hear(const RegionHeartbeat& heartbeat, uint64_t now_us);

  // A region of the layout; null: there is none of this id.
  const topology::Region* RegionById(topology::RegionId region) const;
  // kTombstone for a store that the root does not know.
  StoreState StateOf(topology::StoreId store, uint64_t now_us) const;
  // For how long the store was not heard.
  uint64_t SilentUs(topology::StoreId store, uint64_t now_us) const;
  // The last that was heard; null: nothing.
  const StoreHeartbeat* StoreOf(topology::StoreId store) const;
  const RegionHeartbeat* RegionOf(topology::RegionId region) const;

  // The rooted region that has `key`, and its leader as far as it is known; null: no layout.
  struct Route {
    const metaroot::RegionRecord* record = nullptr;
    topology::PeerId leader = topology::kNoId;
  };
  Route Find(std::string_view key) const;

 private:
  struct HeardStore {
    StoreHeartbeat heartbeat;
    uint64_t at_us = 0;
  };

  void Forget(bool layout_changed);

  const StoreTimes times_;
  const uint64_t started_us_;
  metaroot::State root_;
  std::map<topology::RegionId, topology::Region> by_id_;  // the layout
  std::map<topology::StoreId, HeardStore> stores_;
  std::map<topology::RegionId, RegionHeartbeat> regions_;
};

}  // namespace nokv::coordinator
