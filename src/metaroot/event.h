// Event: what the metadata root is told, and all that it knows of. Its state is what follows from
// the events alone, in their order (metaroot/state.h), so an event says everything that its effect
// depends on; none is judged by a clock, or by who asks.
//
// Thread safety: thread-compatible values and pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nokv/status.h"
#include "topology/region.h"

namespace nokv::metaroot {

inline constexpr size_t kMaxNameBytes = 256;  // of an address, a holder, what somebody waits for
inline constexpr size_t kMaxIdBytes = 2 * topology::kMaxBoundBytes + 64;  // of a transition's id
inline constexpr size_t kMaxRegions = 64 << 10;                           // of the first layout

// --- the cluster and its stores ---

// The first event there is.
struct ClusterCreated {
  uint64_t cluster_id = 0;
  bool operator==(const ClusterCreated&) const = default;
};

// A store is there, or has another address than before.
struct StoreJoined {
  topology::StoreId store = topology::kNoId;
  std::string addr = {};
  bool operator==(const StoreJoined&) const = default;
};

// What the cluster means to do with a store; whether it answers is no matter of the root. The
// numbers are on disk.
enum class StoreIntent : uint8_t {
  kServe = 0,
  kDrain = 1,   // its peers are to go elsewhere
  kRemove = 2,  // it is gone for good; nothing brings the id back
};
struct StoreIntended {
  topology::StoreId store = topology::kNoId;
  StoreIntent intent = StoreIntent::kServe;
  bool operator==(const StoreIntended&) const = default;
};

// The first layout: all keys, without gap or overlap.
struct LayoutCreated {
  std::vector<topology::Region> regions = {};
  bool operator==(const LayoutCreated&) const = default;
};

// --- changes of the layout ---

// Of one peer, that is added, removed or given another role; of one region into two; of two
// neighbours into one. The numbers are on disk.
enum class TransitionKind : uint8_t { kPeerChange = 0, kSplit = 1, kMerge = 2 };

// A change is to be made: `to` shall be in the place of `from`. Until it is finished the layout is
// `from`. `from` is what the planner saw; if it is not what there is, the plan is refused.
struct TransitionPlanned {
  TransitionKind kind = TransitionKind::kPeerChange;
  std::vector<topology::Region> from = {};  // in the order of their keys, as `to`
  std::vector<topology::Region> to = {};
  std::string waits_for = {};  // "the leader of region 7 to propose the change"
  uint64_t at_ms = 0;          // since 1970, for people
  bool operator==(const TransitionPlanned&) const = default;
};

// What became of a transition. `id` is TransitionId of its plan. The numbers are on disk.
enum class TransitionStep : uint8_t {
  kWaits = 0,      // it waits for something else than before
  kRetried = 1,    // it is to be tried again
  kExecuted = 2,   // the stores have made it durable: there is no way back
  kFinished = 3,   // `to` is the layout
  kFailed = 4,     // it could not be made; the layout stays
  kCancelled = 5,  // somebody took it back; the layout stays
};
struct TransitionMoved {
  std::string id = {};
  TransitionStep step = TransitionStep::kWaits;
  std::string text = {};  // what it waits for, or why it ended
  uint64_t at_ms = 0;
  bool operator==(const TransitionMoved&) const = default;
};

// --- the lease, and the numbers that its holder gives out ---

// `holder` may give out numbers under the lease's generation for `ttl_ms`, counted from before it
// asked. To the holder of the lease in force it is a renewal, which keeps the generation.
struct LeaseGranted {
  std::string holder = {};
  uint64_t ttl_ms = 0;
  bool operator==(const LeaseGranted&) const = default;
};

// The lease of a generation ended: its holder gave it back, or its time had passed on the clock of
// the root's leader, who says so by this event.
struct LeaseEnded {
  uint64_t generation = 0;
  bool released = false;
  // Of the grant whose time had passed: one that was renewed since goes on.
  uint64_t granted_revision = 0;
  bool operator==(const LeaseEnded&) const = default;
};

enum class WindowKind : uint8_t { kIds = 0, kTimestamps = 1 };

// The holder of `generation` may give out the numbers from `from`, which is the fence until now, up
// to but not including `until`, which is the fence from now on.
struct WindowReserved {
  WindowKind kind = WindowKind::kIds;
  uint64_t generation = 0;
  uint64_t from = 0;
  uint64_t until = 0;
  bool operator==(const WindowReserved&) const = default;
};

using Event =
    std::variant<ClusterCreated, StoreJoined, StoreIntended, LayoutCreated, TransitionPlanned,
                 TransitionMoved, LeaseGranted, LeaseEnded, WindowReserved>;

// "transition_planned"
std::string_view NameOf(const Event& event);
std::string_view NameOf(TransitionKind kind);
std::string_view NameOf(TransitionStep step);
std::string_view NameOf(StoreIntent intent);
std::string_view NameOf(WindowKind kind);

// By what a transition is known: "peer:7:add:3:73", "split:7:6d" (the key in hexadecimal) or
// "merge:7:8". Two plans of one change have one id.
std::string TransitionId(const TransitionPlanned& plan);

// For people, on one line.
std::string Describe(const Event& event);

// As the log, the tail and snapshots hold events. Decode takes any bytes, consumes what it reads,
// and answers false for what Encode does not write.
void EncodeEvent(const Event& event, std::string* out);
bool DecodeEvent(std::string_view* in, Event* event);

}  // namespace nokv::metaroot
