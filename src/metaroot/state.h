// State: what the metadata root knows: a pure fold over its events, the same on every node after
// the same events. Layout, stores, changes under way, the lease, and the fences below which all
// numbers are given away.
//
// Invariants, whatever the events were: the regions cover all keys once, or there are none yet;
// epochs, fences and the generation never go back; no region is in two transitions; no two stores
// that are not removed have one address; at most one lease is in force.
//
// Thread safety: thread-compatible value.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metaroot/event.h"
#include "nokv/status.h"
#include "topology/region.h"

namespace nokv::metaroot {

struct StoreRecord {
  std::string addr = {};
  StoreIntent intent = StoreIntent::kServe;
  bool operator==(const StoreRecord&) const = default;
};

struct RegionRecord {
  topology::Region region = {};
  uint64_t layout_epoch = 0;  // State::layout_epoch when this became the layout
  bool operator==(const RegionRecord&) const = default;
};

// A change under way.
struct Transition {
  TransitionPlanned plan = {};
  bool executed = false;
  uint64_t attempts = 1;
  std::string waits_for = {};
  uint64_t moved_at_ms = 0;
  bool operator==(const Transition&) const = default;
};

// A change that has ended; the last kMaxEnded are remembered.
struct EndedTransition {
  std::string id = {};
  TransitionStep step = TransitionStep::kFinished;
  std::string text = {};
  uint64_t at_ms = 0;
  bool operator==(const EndedTransition&) const = default;
};

struct Lease {
  std::string holder = {};
  uint64_t ttl_ms = 0;
  uint64_t generation = 0;  // of the last lease there was; 0: there has been none
  bool in_force = false;
  uint64_t granted_revision = 0;  // of its last renewal
  bool operator==(const Lease&) const = default;
};

// What may be under way at once, and what is remembered of what was.
inline constexpr size_t kMaxTransitions = 1024;
inline constexpr size_t kMaxEnded = 256;
inline constexpr size_t kMaxStores = 4096;

// The parts of the state that are single numbers, as it were.
struct StateHead {
  uint64_t cluster_id = 0;        // 0: there is no cluster yet
  uint64_t revision = 0;          // how many events there have been
  uint64_t layout_epoch = 0;      // how often regions or transitions have changed
  uint64_t membership_epoch = 0;  // how often stores have changed
  uint64_t id_fence = 1;          // numbers below are given away
  uint64_t timestamp_fence = 1;
  Lease lease = {};
  bool operator==(const StateHead&) const = default;
};

struct State : StateHead {
  std::map<topology::StoreId, StoreRecord> stores = {};
  std::map<std::string, RegionRecord> regions = {};  // by the first key
  std::map<std::string, Transition> transitions = {};
  std::deque<EndedTransition> ended = {};  // the oldest first
  bool operator==(const State&) const = default;
};

// The region that has `key`; null: there is no layout yet.
const RegionRecord* RegionOf(const State& state, std::string_view key);
// Null: there is none of this id. Looks at all of them.
const RegionRecord* FindRegion(const State& state, topology::RegionId id);
// The transition that the region takes part in; null: none.
const Transition* TransitionOf(const State& state, topology::RegionId id);
// The fence of a kind.
uint64_t FenceOf(const State& state, WindowKind kind);

// What is wrong with a state, invariants included; OK for whatever events have made. For tests and
// for what came from a file.
Status CheckState(const State& state);

// The whole state, in one form only: equal states have equal bytes. Decode takes any bytes,
// consumes what it reads, and answers false for what Encode does not write.
void EncodeState(const State& state, std::string* out);
bool DecodeState(std::string_view* in, State* state);
// By which nodes find out that they differ. O(size of the state).
uint64_t HashOf(const State& state);

}  // namespace nokv::metaroot
