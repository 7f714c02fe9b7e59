#include "metaroot/wire/wire.h"

#include <nokv/meta/v1/root.pb.h>

#include <string>
#include <utility>

#include "base/macros.h"

namespace nokv::metaroot {

namespace {

namespace wire = ::nokv::meta::v1;

Status Bad(const std::string& what) {
  return Status::InvalidArgument(what);
}

// The enums of the wire are one more than ours, so that 0 is "nobody said".
template <typename Theirs, typename Ours>
Theirs EnumToWire(Ours value) {
  return static_cast<Theirs>(static_cast<int>(value) + 1);
}
template <typename Ours>
Status EnumFromWire(int value, Ours last, const char* what, Ours* out) {
  if (value < 1 || value > static_cast<int>(last) + 1) {
    return Bad(std::string(what) + " " + std::to_string(value) + " is not known here");
  }
  *out = static_cast<Ours>(value - 1);
  return Status::Ok();
}

template <typename Regions>
void RegionsToWire(const std::vector<topology::Region>& regions, Regions* out) {
  out->Reserve(static_cast<int>(regions.size()));
  for (const topology::Region& region : regions) ToWire(region, out->Add());
}
template <typename Regions>
Status RegionsFromWire(const Regions& in, std::vector<topology::Region>* regions) {
  if (static_cast<size_t>(in.size()) > kMaxRegions) return Bad("there are too many regions");
  for (const auto& region : in) RETURN_IF_ERROR(FromWire(region, &regions->emplace_back()));
  return Status::Ok();
}

void PlanToWire(const TransitionPlanned& plan, wire::TransitionPlanned* out) {
  out->set_kind(EnumToWire<wire::TransitionKind>(plan.kind));
  RegionsToWire(plan.from, out->mutable_from());
  RegionsToWire(plan.to, out->mutable_to());
  out->set_waits_for(plan.waits_for);
  out->set_at_ms(plan.at_ms);
}
Status PlanFromWire(const wire::TransitionPlanned& in, TransitionPlanned* plan) {
  RETURN_IF_ERROR(
      EnumFromWire(in.kind(), TransitionKind::kMerge, "kind of transition", &plan->kind));
  RETURN_IF_ERROR(RegionsFromWire(in.from(), &plan->from));
  RETURN_IF_ERROR(RegionsFromWire(in.to(), &plan->to));
  plan->waits_for = in.waits_for();
  plan->at_ms = in.at_ms();
  return Status::Ok();
}

// One function per kind of event.
struct Writer {
  wire::RootEvent* out;

  void operator()(const ClusterCreated& e) const {
    out->mutable_cluster_created()->set_cluster_id(e.cluster_id);
  }
  void operator()(const StoreJoined& e) const {
    out->mutable_store_joined()->set_store_id(e.store);
    out->mutable_store_joined()->set_address(e.addr);
  }
  void operator()(const StoreIntended& e) const {
    out->mutable_store_intended()->set_store_id(e.store);
    out->mutable_store_intended()->set_intent(EnumToWire<wire::StoreIntent>(e.intent));
  }
  void operator()(const LayoutCreated& e) const {
    RegionsToWire(e.regions, out->mutable_layout_created()->mutable_regions());
  }
  void operator()(const TransitionPlanned& e) const {
    PlanToWire(e, out->mutable_transition_planned());
  }
  void operator()(const TransitionMoved& e) const {
    wire::TransitionMoved* moved = out->mutable_transition_moved();
    moved->set_id(e.id);
    moved->set_step(EnumToWire<wire::TransitionStep>(e.step));
    moved->set_text(e.text);
    moved->set_at_ms(e.at_ms);
  }
  void operator()(const LeaseGranted& e) const {
    out->mutable_lease_granted()->set_holder(e.holder);
    out->mutable_lease_granted()->set_ttl_ms(e.ttl_ms);
  }
  void operator()(const LeaseEnded& e) const {
    out->mutable_lease_ended()->set_generation(e.generation);
    out->mutable_lease_ended()->set_released(e.released);
    out->mutable_lease_ended()->set_granted_revision(e.granted_revision);
  }
  void operator()(const WindowReserved& e) const {
    wire::WindowReserved* window = out->mutable_window_reserved();
    window->set_kind(EnumToWire<wire::WindowKind>(e.kind));
    window->set_generation(e.generation);
    window->set_from(e.from);
    window->set_until(e.until);
  }
};

Status IntendedFromWire(const wire::StoreIntended& in, Event* event) {
  auto& intended = event->emplace<StoreIntended>();
  intended.store = in.store_id();
  return EnumFromWire(in.intent(), StoreIntent::kRemove, "intent", &intended.intent);
}

Status MovedFromWire(const wire::TransitionMoved& in, Event* event) {
  auto& moved = event->emplace<TransitionMoved>();
  moved = {.id = in.id(), .text = in.text(), .at_ms = in.at_ms()};
  return EnumFromWire(in.step(), TransitionStep::kCancelled, "step", &moved.step);
}

Status WindowFromWire(const wire::WindowReserved& in, Event* event) {
  auto& window = event->emplace<WindowReserved>();
  window = {.generation = in.generation(), .from = in.from(), .until = in.until()};
  return EnumFromWire(in.kind(), WindowKind::kTimestamps, "kind of window", &window.kind);
}

Status TransitionFromWire(const wire::Transition& in, Transition* transition) {
  transition->executed = in.executed();
  transition->attempts = in.attempts();
  transition->waits_for = in.waits_for();
  transition->moved_at_ms = in.moved_at_ms();
  return PlanFromWire(in.plan(), &transition->plan);
}

}  // namespace

void ToWire(const topology::Region& region, wire::RegionDescriptor* out) {
  out->set_region_id(region.id);
  out->set_start_key(region.range.start);
  out->set_end_key(region.range.end);
  out->mutable_epoch()->set_version(region.epoch.version);
  out->mutable_epoch()->set_conf_version(region.epoch.conf_version);
  for (const topology::Peer& peer : region.peers) {
    wire::RegionPeer* added = out->add_peers();
    added->set_store_id(peer.store);
    added->set_peer_id(peer.peer);
    added->set_role(static_cast<wire::PeerRole>(peer.role));
  }
}

void ToWire(const RegionRecord& record, wire::RegionDescriptor* out) {
  ToWire(record.region, out);
  out->set_root_epoch(record.layout_epoch);
}

Status FromWire(const wire::RegionDescriptor& in, topology::Region* region) {
  if (static_cast<size_t>(in.peers_size()) > topology::kMaxPeers) {
    return Bad(topology::NameOf(in.region_id()) + " has too many peers");
  }
  region->id = in.region_id();
  region->range = {in.start_key(), in.end_key()};
  region->epoch = {in.epoch().version(), in.epoch().conf_version()};
  for (const wire::RegionPeer& peer : in.peers()) {
    if (!wire::PeerRole_IsValid(peer.role())) {
      return Bad(topology::NameOf(in.region_id()) + ": role " + std::to_string(peer.role()) +
                 " is not known here");
    }
    region->peers.push_back(
        {peer.store_id(), peer.peer_id(), static_cast<topology::PeerRole>(peer.role())});
  }
  return Status::Ok();
}

void ToWire(const Event& event, wire::RootEvent* out) {
  std::visit(Writer{out}, event);
}

Status FromWire(const wire::RootEvent& in, Event* event) {
  switch (in.event_case()) {
    case wire::RootEvent::kClusterCreated:
      *event = ClusterCreated{in.cluster_created().cluster_id()};
      return Status::Ok();
    case wire::RootEvent::kStoreJoined:
      *event = StoreJoined{in.store_joined().store_id(), in.store_joined().address()};
      return Status::Ok();
    case wire::RootEvent::kStoreIntended:
      return IntendedFromWire(in.store_intended(), event);
    case wire::RootEvent::kLayoutCreated:
      return RegionsFromWire(in.layout_created().regions(),
                             &event->emplace<LayoutCreated>().regions);
    case wire::RootEvent::kTransitionPlanned:
      return PlanFromWire(in.transition_planned(), &event->emplace<TransitionPlanned>());
    case wire::RootEvent::kTransitionMoved:
      return MovedFromWire(in.transition_moved(), event);
    case wire::RootEvent::kLeaseGranted:
      *event = LeaseGranted{in.lease_granted().holder(), in.lease_granted().ttl_ms()};
      return Status::Ok();
    case wire::RootEvent::kLeaseEnded:
      *event = LeaseEnded{in.lease_ended().generation(), in.lease_ended().released(),
                          in.lease_ended().granted_revision()};
      return Status::Ok();
    case wire::RootEvent::kWindowReserved:
      return WindowFromWire(in.window_reserved(), event);
    case wire::RootEvent::EVENT_NOT_SET:
      break;
  }
  return Bad("the kind of the event is not known here");
}

void ToWire(const TailEvent& event, wire::CommittedEvent* out) {
  out->set_revision(event.revision);
  ToWire(event.event, out->mutable_event());
}

Status FromWire(const wire::CommittedEvent& in, TailEvent* event) {
  event->revision = in.revision();
  return FromWire(in.event(), &event->event);
}

void ToWire(const Lease& lease, wire::Lease* out) {
  out->set_holder(lease.holder);
  out->set_ttl_ms(lease.ttl_ms);
  out->set_generation(lease.generation);
  out->set_in_force(lease.in_force);
  out->set_granted_revision(lease.granted_revision);
}

Lease FromWire(const wire::Lease& in) {
  return {in.holder(), in.ttl_ms(), in.generation(), in.in_force(), in.granted_revision()};
}

void ToWire(const StateHead& head, wire::StateHead* out) {
  out->set_cluster_id(head.cluster_id);
  out->set_revision(head.revision);
  out->set_layout_epoch(head.layout_epoch);
  out->set_membership_epoch(head.membership_epoch);
  out->set_id_fence(head.id_fence);
  out->set_timestamp_fence(head.timestamp_fence);
  ToWire(head.lease, out->mutable_lease());
}

StateHead FromWire(const wire::StateHead& in) {
  return {.cluster_id = in.cluster_id(),
          .revision = in.revision(),
          .layout_epoch = in.layout_epoch(),
          .membership_epoch = in.membership_epoch(),
          .id_fence = in.id_fence(),
          .timestamp_fence = in.timestamp_fence(),
          .lease = FromWire(in.lease())};
}

void ToWire(topology::StoreId id, const StoreRecord& store, wire::StoreRecord* out) {
  out->set_store_id(id);
  out->set_address(store.addr);
  out->set_intent(EnumToWire<wire::StoreIntent>(store.intent));
}

void ToWire(const Transition& transition, wire::Transition* out) {
  PlanToWire(transition.plan, out->mutable_plan());
  out->set_executed(transition.executed);
  out->set_attempts(transition.attempts);
  out->set_waits_for(transition.waits_for);
  out->set_moved_at_ms(transition.moved_at_ms);
}

void ToWire(const Command& command, wire::AppendRequest* out) {
  for (const Event& event : command.events) ToWire(event, out->add_events());
  if (command.expected_revision.has_value()) {
    out->set_expected_revision(*command.expected_revision);
  }
  if (command.expected_layout_epoch.has_value()) {
    out->set_expected_layout_epoch(*command.expected_layout_epoch);
  }
}

Status FromWire(const wire::AppendRequest& in, Command* command) {
  if (static_cast<size_t>(in.events_size()) > kMaxCommandEvents) {
    return Bad("a command has at most " + std::to_string(kMaxCommandEvents) + " events");
  }
  for (const wire::RootEvent& event : in.events()) {
    RETURN_IF_ERROR(FromWire(event, &command->events.emplace_back()));
  }
  if (in.has_expected_revision()) command->expected_revision = in.expected_revision();
  if (in.has_expected_layout_epoch()) command->expected_layout_epoch = in.expected_layout_epoch();
  return Status::Ok();
}

void ToWire(const Outcome& outcome, wire::AppendResponse* out) {
  ToWire(outcome.head, out->mutable_head());
  if (outcome.status.ok()) return out->mutable_taken()->set_applied(outcome.applied);
  wire::AppendResponse::Refused* refused = out->mutable_refused();
  refused->set_code(static_cast<int>(outcome.status.code()));
  refused->set_message(std::string(outcome.status.message()));
  refused->set_hint(std::string(outcome.status.hint()));
}

Outcome FromWire(const wire::AppendResponse& in) {
  Outcome outcome = {.applied = in.taken().applied(), .head = FromWire(in.head())};
  if (in.outcome_case() == wire::AppendResponse::kRefused) {
    const int code = in.refused().code();
    const bool known = code > 0 && code <= static_cast<int>(StatusCode::kDataLoss);
    outcome.status = Status(known ? static_cast<StatusCode>(code) : StatusCode::kUnknown,
                            in.refused().message());
    if (!in.refused().hint().empty()) {
      outcome.status = std::move(outcome.status).WithHint(in.refused().hint());
    }
  }
  return outcome;
}

void ToWire(const NodeStatus& status, wire::StatusResponse* out) {
  out->set_node_id(status.node);
  out->set_leader_node_id(status.leader);
  out->set_term(status.term);
  out->set_committed_index(status.committed_index);
  out->set_applied_index(status.applied_index);
  ToWire(status.head, out->mutable_head());
  out->set_state_hash(status.state_hash);
  out->set_stores(status.stores);
  out->set_regions(status.regions);
  out->set_pending_peer_changes(status.pending_peer_changes);
  out->set_pending_range_changes(status.pending_range_changes);
  out->set_lease_remaining_ms(status.lease_remaining_ms);
  for (const auto& [node, address] : status.members) {
    wire::Member* member = out->add_members();
    member->set_node_id(node);
    member->set_transport_address(address);
  }
  out->set_waits_for(status.waits_for);
  out->set_version(status.version);
  out->set_watchers(status.watchers);
}

NodeStatus FromWire(const wire::StatusResponse& in) {
  NodeStatus status = {.node = in.node_id(),
                       .leader = in.leader_node_id(),
                       .term = in.term(),
                       .committed_index = in.committed_index(),
                       .applied_index = in.applied_index(),
                       .head = FromWire(in.head()),
                       .state_hash = in.state_hash(),
                       .stores = in.stores(),
                       .regions = in.regions(),
                       .pending_peer_changes = in.pending_peer_changes(),
                       .pending_range_changes = in.pending_range_changes(),
                       .lease_remaining_ms = in.lease_remaining_ms(),
                       .waits_for = in.waits_for(),
                       .version = in.version(),
                       .watchers = in.watchers()};
  for (const wire::Member& member : in.members()) {
    status.members.emplace(member.node_id(), member.transport_address());
  }
  return status;
}

std::vector<wire::StatePart> ToParts(const State& state) {
  std::vector<wire::StatePart> parts(1);
  ToWire(state, parts[0].mutable_head());
  size_t bytes = 0;
  // The part for something that has just been given `size` bytes.
  const auto count = [&](size_t size) {
    bytes += size;
    if (bytes < kWirePartBytes) return;
    parts.emplace_back();
    bytes = 0;
  };
  for (const auto& [id, store] : state.stores) {
    wire::StoreRecord* added = parts.back().add_stores();
    ToWire(id, store, added);
    count(added->ByteSizeLong());
  }
  for (const auto& [start, record] : state.regions) {
    wire::RegionDescriptor* added = parts.back().add_regions();
    ToWire(record, added);
    count(added->ByteSizeLong());
  }
  for (const auto& [id, transition] : state.transitions) {
    wire::Transition* added = parts.back().add_transitions();
    ToWire(transition, added);
    count(added->ByteSizeLong());
  }
  for (const EndedTransition& ended : state.ended) {
    wire::EndedTransition* added = parts.back().add_ended();
    added->set_id(ended.id);
    added->set_step(EnumToWire<wire::TransitionStep>(ended.step));
    added->set_text(ended.text);
    added->set_at_ms(ended.at_ms);
    count(added->ByteSizeLong());
  }
  parts.back().set_last(true);
  return parts;
}

Status StateAssembler::Add(const wire::StatePart& part) {
  if (done_ || part.has_head() == begun_) return Bad("a part of a state is missing");
  if (!begun_) static_cast<StateHead&>(state_) = FromWire(part.head());
  begun_ = true;
  for (const wire::StoreRecord& in : part.stores()) {
    StoreRecord store = {.addr = in.address()};
    RETURN_IF_ERROR(EnumFromWire(in.intent(), StoreIntent::kRemove, "intent", &store.intent));
    state_.stores.insert_or_assign(in.store_id(), std::move(store));
  }
  for (const wire::RegionDescriptor& in : part.regions()) {
    RegionRecord record = {.layout_epoch = in.root_epoch()};
    RETURN_IF_ERROR(FromWire(in, &record.region));
    std::string start = record.region.range.start;
    state_.regions.insert_or_assign(std::move(start), std::move(record));
  }
  for (const wire::Transition& in : part.transitions()) {
    Transition transition;
    RETURN_IF_ERROR(TransitionFromWire(in, &transition));
    std::string id = TransitionId(transition.plan);
    state_.transitions.insert_or_assign(std::move(id), std::move(transition));
  }
  for (const wire::EndedTransition& in : part.ended()) {
    EndedTransition& ended = state_.ended.emplace_back();
    ended = {.id = in.id(), .text = in.text(), .at_ms = in.at_ms()};
    RETURN_IF_ERROR(EnumFromWire(in.step(), TransitionStep::kCancelled, "step", &ended.step));
  }
  done_ = part.last();
  return done_ ? CheckState(state_) : Status::Ok();
}

State StateAssembler::Take() {
  begun_ = done_ = false;
  return std::exchange(state_, State());
}

}  // namespace nokv::metaroot
