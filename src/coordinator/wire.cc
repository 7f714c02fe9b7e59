#include "coordinator/wire.h"

#include <nokv/coordinator/v1/coordinator.pb.h>

#include <algorithm>
#include <string>
#include <variant>

#include "metaroot/wire/wire.h"

namespace nokv::coordinator {

namespace {

namespace wire = ::nokv::coordinator::v1;

constexpr uint64_t kUsPerMs = 1'000;

// The transition that `event` plans or moves; empty: none.
std::string TransitionIdOf(const metaroot::Event& event) {
  if (const auto* plan = std::get_if<metaroot::TransitionPlanned>(&event)) {
    return metaroot::TransitionId(*plan);
  }
  const auto* moved = std::get_if<metaroot::TransitionMoved>(&event);
  return moved == nullptr ? "" : moved->id;
}

bool OtherUnderWay(const metaroot::State& root, const metaroot::Event& event) {
  const auto* plan = std::get_if<metaroot::TransitionPlanned>(&event);
  return plan != nullptr &&
         std::any_of(plan->from.begin(), plan->from.end(), [&](const topology::Region& region) {
           return metaroot::TransitionOf(root, region.id) != nullptr;
         });
}

bool WasCancelled(const metaroot::State& root, const std::string& id) {
  const auto ended = std::find_if(root.ended.rbegin(), root.ended.rend(),
                                  [&](const auto& each) { return each.id == id; });
  return ended != root.ended.rend() && ended->step == metaroot::TransitionStep::kCancelled;
}

wire::AssessmentReason ReasonOf(const metaroot::State& root, const metaroot::Event& event,
                                const Result<metaroot::Effect>& effect) {
  const std::string id = TransitionIdOf(event);
  const bool pending = root.transitions.contains(id);
  const bool moves = std::holds_alternative<metaroot::TransitionMoved>(event);
  if (effect.ok()) {
    if (pending) return wire::ASSESSMENT_REASON_MATCHING_PENDING;
    if (*effect == metaroot::Effect::kApplied) return wire::ASSESSMENT_REASON_OPEN_APPLY;
    return moves && WasCancelled(root, id) ? wire::ASSESSMENT_REASON_CANCELLED_TARGET
                                           : wire::ASSESSMENT_REASON_ALREADY_COMPLETED;
  }
  if (moves && !pending && WasCancelled(root, id)) return wire::ASSESSMENT_REASON_CANCELLED_TARGET;
  if (effect.status().code() != StatusCode::kAborted) return wire::ASSESSMENT_REASON_ABORTED_APPLY;
  return OtherUnderWay(root, event) ? wire::ASSESSMENT_REASON_CONFLICTING_PENDING
                                    : wire::ASSESSMENT_REASON_SUPERSEDED_TARGET;
}

wire::TransitionStatus StatusOf(wire::AssessmentReason reason) {
  switch (reason) {
    case wire::ASSESSMENT_REASON_OPEN_APPLY:
      return wire::TRANSITION_STATUS_OPEN;
    case wire::ASSESSMENT_REASON_MATCHING_PENDING:
      return wire::TRANSITION_STATUS_PENDING;
    case wire::ASSESSMENT_REASON_ALREADY_COMPLETED:
      return wire::TRANSITION_STATUS_COMPLETED;
    case wire::ASSESSMENT_REASON_CONFLICTING_PENDING:
      return wire::TRANSITION_STATUS_CONFLICT;
    case wire::ASSESSMENT_REASON_SUPERSEDED_TARGET:
      return wire::TRANSITION_STATUS_SUPERSEDED;
    case wire::ASSESSMENT_REASON_CANCELLED_TARGET:
      return wire::TRANSITION_STATUS_CANCELLED;
    default:
      return wire::TRANSITION_STATUS_ABORTED;
  }
}

// Of the transition that `event` plans or moves.
nokv::meta::v1::TransitionKind KindOf(const metaroot::State& root, const metaroot::Event& event) {
  const auto* plan = std::get_if<metaroot::TransitionPlanned>(&event);
  const auto moved = root.transitions.find(TransitionIdOf(event));
  if (plan == nullptr && moved != root.transitions.end()) plan = &moved->second.plan;
  if (plan == nullptr) return nokv::meta::v1::TRANSITION_KIND_UNSPECIFIED;
  return ToWireEnum<nokv::meta::v1::TransitionKind>(plan->kind);
}

void SetLease(const AllocatorStatus& status, wire::LeaseInfo* out) {
  const Holder holder = ParseHolder(status.rooted.holder);
  out->set_holder_id(holder.id);
  out->set_holder_address(holder.addr);
  out->set_generation(status.rooted.generation);
  out->set_in_force(status.rooted.in_force);
  out->set_ttl_ms(status.rooted.ttl_ms);
  out->set_held_by_self(status.holds);
  out->set_remaining_ms(status.remaining_ms);
  out->set_problem(status.lease_problem);
}

void SetWindows(const AllocatorStatus& status, wire::WindowInfo* out) {
  if (!status.holds) return;
  out->set_id_next(status.id_next);
  out->set_id_until(status.id_until);
  out->set_timestamp_next(status.timestamp_next);
  out->set_timestamp_until(status.timestamp_until);
  out->set_clock_ahead_ms(status.clock_ahead_ms);
}

void SetCluster(const Catalog::Now& now, wire::GetStatusResponse* out) {
  const metaroot::State& root = now.view.root();
  out->set_cluster_id(root.cluster_id);
  ToWire(now.standing, out->mutable_evidence());
  out->mutable_windows()->set_id_fence(root.id_fence);
  out->mutable_windows()->set_timestamp_fence(root.timestamp_fence);
  out->set_regions(root.regions.size());
  out->set_has_layout(!root.regions.empty());
  out->set_transitions(root.transitions.size());
  out->set_layout_epoch(root.layout_epoch);
  uint64_t stores = 0;
  uint64_t up = 0;
  for (const auto& [id, store] : root.stores) {
    if (store.intent == metaroot::StoreIntent::kRemove) continue;
    stores++;
    if (now.view.StoreOf(id) != nullptr && now.view.StateOf(id, now.us) == StoreState::kUp) up++;
  }
  out->set_stores(stores);
  out->set_stores_up(up);
}

}  // namespace

void ToWire(const RootStanding& standing, wire::Evidence* out) {
  const Evidence evidence = EvidenceOf(standing);
  out->mutable_served_root_token()->set_revision(evidence.served_revision);
  out->mutable_current_root_token()->set_revision(evidence.current_revision);
  out->set_root_lag(evidence.lag);
  out->set_serving_class(ToWireEnum<wire::ServingClass>(evidence.serving));
  out->set_degraded_mode(ToWireEnum<wire::DegradedMode>(evidence.degraded));
  out->set_catch_up_state(ToWireEnum<wire::CatchUpState>(evidence.catch_up));
  out->set_silent_ms(standing.silent_ms);
}

void ToWire(const Operator& op, wire::Operator* out) {
  out->set_kind(ToWireEnum<wire::OperatorKind>(op.kind));
  out->set_region_id(op.region);
  out->set_peer_id(op.peer);
  out->set_store_id(op.store);
  out->set_from_peer_id(op.from_peer);
  out->set_reason(op.reason);
}

void ToWire(topology::StoreId id, const metaroot::StoreRecord& record, const Catalog::Now& now,
            wire::StoreInfo* out) {
  out->set_store_id(id);
  out->set_address(record.addr);
  out->set_state(ToWireEnum<wire::StoreState>(now.view.StateOf(id, now.us)));
  out->set_intent(ToWireEnum<nokv::meta::v1::StoreIntent>(record.intent));
  const StoreHeartbeat* heard = now.view.StoreOf(id);
  if (heard == nullptr) return;
  out->set_heard(true);
  out->set_silent_ms(now.view.SilentUs(id, now.us) / kUsPerMs);
  out->set_regions(heard->regions);
  out->set_leaders(heard->leaders);
  out->set_capacity(heard->capacity_bytes);
  out->set_available(heard->available_bytes);
}

void ToWire(const metaroot::RegionRecord& record, const Catalog::Now& now, wire::RegionInfo* out) {
  metaroot::ToWire(record, out->mutable_region());
  if (const RegionHeartbeat* heard = now.view.RegionOf(record.region.id)) {
    out->set_leader_peer_id(heard->leader);
    out->set_size_bytes(heard->size_bytes);
  }
}

void Assess(const metaroot::Event& event, const Catalog::Now& now, wire::Assessment* out) {
  const std::string id = TransitionIdOf(event);
  const Result<metaroot::Effect> effect = now.view.Assess(event);
  const wire::AssessmentReason reason = ReasonOf(now.view.root(), event, effect);
  out->set_transition_id(id);
  out->set_kind(KindOf(now.view.root(), event));
  out->set_reason_code(reason);
  out->set_status(StatusOf(reason));
  if (!effect.ok()) {
    out->set_decision(wire::DECISION_REFUSE);
    out->set_reason(std::string(effect.status().message()));
    out->set_hint(std::string(effect.status().hint()));
    if (effect.status().code() == StatusCode::kAborted) {
      out->set_retry_class(wire::RETRY_CLASS_CONFLICT);
    }
  } else if (*effect == metaroot::Effect::kNothing) {
    out->set_decision(wire::DECISION_SKIP);
  }
}

void ToWire(Coordinator& coordinator, wire::GetStatusResponse* out) {
  const CoordinatorOptions& options = coordinator.options();
  out->set_coordinator_id(options.allocator.holder.id);
  out->set_address(options.allocator.holder.addr);
  out->set_version(options.version);
  out->set_uptime_ms(coordinator.uptime_ms());
  const AllocatorStatus numbers = coordinator.allocator().status();
  SetLease(numbers, out->mutable_lease());
  SetWindows(numbers, out->mutable_windows());
  for (const RootMember& member : coordinator.RootMembers()) {
    wire::RootMemberInfo* info = out->add_root_members();
    info->set_node_id(member.node);
    info->set_address(member.addr);
    info->set_reachable(member.reachable);
    info->set_leader(member.leader);
    info->set_follows(member.follows);
    info->set_revision(member.revision);
    info->set_problem(member.problem);
  }
  coordinator.catalog().Read([out](const Catalog::Now& now) {
    SetCluster(now, out);
    return 0;
  });
  for (const std::string& alarm : coordinator.Alarms()) out->add_alarms(alarm);
}

}  // namespace nokv::coordinator
