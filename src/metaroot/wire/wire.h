// Events, regions and states of the metadata root as messages of proto/nokv/meta/v1, and back.
//
// Whatever is read comes from outside: FromWire answers kInvalidArgument, naming the field, for
// what no correct node sends. Whether an event can be taken, Machine::Apply says.
//
// Thread safety: pure functions, but for StateAssembler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "metaroot/event.h"
#include "metaroot/machine.h"
#include "metaroot/state.h"
#include "nokv/status.h"
#include "topology/region.h"

namespace nokv::meta::v1 {
class AppendRequest;
class AppendResponse;
class CommittedEvent;
class Lease;
class RegionDescriptor;
class RootEvent;
class StateHead;
class StatePart;
class StatusResponse;
class StoreRecord;
class Transition;
}  // namespace nokv::meta::v1

namespace nokv::metaroot {

inline constexpr std::string_view kServiceName = "nokv.meta.v1.MetadataRoot";
// Of one message in either direction.
inline constexpr size_t kMaxWireBytes = size_t{8} << 20;
// A message that could be longer is ended about here.
inline constexpr size_t kWirePartBytes = size_t{512} << 10;

// How a node of the root stands.
struct NodeStatus {
  uint64_t node = 0;
  uint64_t leader = 0;  // 0: none that it knows of
  uint64_t term = 0;
  uint64_t committed_index = 0;
  uint64_t applied_index = 0;
  StateHead head = {};
  uint64_t state_hash = 0;  // equal on all nodes that have applied as much
  uint64_t stores = 0;
  uint64_t regions = 0;
  uint64_t pending_peer_changes = 0;
  uint64_t pending_range_changes = 0;
  uint64_t lease_remaining_ms = 0;               // on the node's clock
  std::map<uint64_t, std::string> members = {};  // where their raft listens
  std::string waits_for = {};                    // empty: nothing
  std::string version = {};
  uint64_t watchers = 0;
};

void ToWire(const topology::Region& region, meta::v1::RegionDescriptor* out);
// root_epoch is the record's layout_epoch.
void ToWire(const RegionRecord& record, meta::v1::RegionDescriptor* out);
void ToWire(const Event& event, meta::v1::RootEvent* out);
void ToWire(const TailEvent& event, meta::v1::CommittedEvent* out);
void ToWire(const Lease& lease, meta::v1::Lease* out);
void ToWire(const StateHead& head, meta::v1::StateHead* out);
void ToWire(topology::StoreId id, const StoreRecord& store, meta::v1::StoreRecord* out);
void ToWire(const Transition& transition, meta::v1::Transition* out);
void ToWire(const Command& command, meta::v1::AppendRequest* out);
// What was taken or refused.
void ToWire(const Outcome& outcome, meta::v1::AppendResponse* out);

void ToWire(const NodeStatus& status, meta::v1::StatusResponse* out);

Status FromWire(const meta::v1::RegionDescriptor& in, topology::Region* region);
Status FromWire(const meta::v1::RootEvent& in, Event* event);
Status FromWire(const meta::v1::CommittedEvent& in, TailEvent* event);
Lease FromWire(const meta::v1::Lease& in);
StateHead FromWire(const meta::v1::StateHead& in);
Status FromWire(const meta::v1::AppendRequest& in, Command* command);
// Of an answer that says that something was taken or refused.
Outcome FromWire(const meta::v1::AppendResponse& in);
NodeStatus FromWire(const meta::v1::StatusResponse& in);

// The whole state, in parts of about kWirePartBytes.
std::vector<meta::v1::StatePart> ToParts(const State& state);

// Puts the parts together. Thread safety: thread-compatible.
class StateAssembler {
 public:
  // The parts in order; an error ends it.
  Status Add(const meta::v1::StatePart& part);
  bool done() const { return done_; }
  // The state, once it is done; another may follow.
  State Take();

 private:
  bool begun_ = false;
  bool done_ = false;
  State state_;
};

}  // namespace nokv::metaroot
