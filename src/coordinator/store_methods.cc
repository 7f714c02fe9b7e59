// GetRegionByKey, StoreHeartbeat and RegionLiveness.
#include <nokv/coordinator/v1/coordinator.pb.h>

#include <algorithm>
#include <utility>

#include "coordinator/service_methods.h"
#include "coordinator/wire.h"
#include "metaroot/wire/wire.h"

namespace nokv::coordinator {

namespace {

namespace wire = ::nokv::coordinator::v1;

FreshnessWanted WantedBy(const wire::GetRegionByKeyRequest& request) {
  FreshnessWanted wanted;
  if (request.freshness() == wire::FRESHNESS_STRONG) wanted.freshness = Freshness::kStrong;
  if (request.freshness() == wire::FRESHNESS_BOUNDED) wanted.freshness = Freshness::kBounded;
  wanted.required_revision = request.required_root_token().revision();
  if (request.has_max_root_lag()) wanted.max_lag = request.max_root_lag();
  if (request.has_max_silent_ms()) wanted.max_silent_ms = request.max_silent_ms();
  return wanted;
}

void SetLeader(const Catalog::Now& now, const ClusterView::Route& route,
               wire::GetRegionByKeyResponse* out) {
  out->set_leader_peer_id(route.leader);
  for (const topology::Peer& peer : route.record->region.peers) {
    if (peer.peer != route.leader) continue;
    const auto store = now.view.root().stores.find(peer.store);
    if (store != now.view.root().stores.end()) out->set_leader_address(store->second.addr);
  }
}

void SetEvidence(const RootStanding& standing, wire::GetRegionByKeyResponse* out) {
  wire::Evidence evidence;
  ToWire(standing, &evidence);
  *out->mutable_served_root_token() = evidence.served_root_token();
  *out->mutable_current_root_token() = evidence.current_root_token();
  out->set_root_lag(evidence.root_lag());
  out->set_degraded_mode(evidence.degraded_mode());
  out->set_catch_up_state(evidence.catch_up_state());
  out->set_serving_class(evidence.serving_class());
}

Result<wire::GetRegionByKeyResponse> RouteOf(const wire::GetRegionByKeyRequest& request,
                                             const RootStanding& awaited,
                                             const AllocatorStatus& numbers,
                                             const Catalog::Now& now) {
  wire::GetRegionByKeyResponse response;
  RootStanding standing = now.standing;
  standing.confirmed_revision = awaited.confirmed_revision;
  SetEvidence(standing, &response);
  response.set_served_freshness(request.freshness() == wire::FRESHNESS_UNSPECIFIED
                                    ? wire::FRESHNESS_BEST_EFFORT
                                    : request.freshness());
  response.set_served_by_leader(numbers.holds);
  const metaroot::Lease& lease = now.view.root().lease;
  response.set_cert_generation(lease.generation);
  response.set_observed_seal_generation(lease.generation - (lease.in_force ? 1 : 0));
  response.set_required_descriptor_revision(request.required_descriptor_revision());
  const ClusterView::Route route = now.view.Find(request.key());
  if (route.record == nullptr) {
    response.set_not_found(true);
    return response;
  }
  if (route.record->layout_epoch < request.required_descriptor_revision()) {
    return Status::Unavailable("required descriptor revision not satisfied: it is " +
                               std::to_string(route.record->layout_epoch) + ", not " +
                               std::to_string(request.required_descriptor_revision()));
  }
  metaroot::ToWire(*route.record, response.mutable_region_descriptor());
  response.set_descriptor_revision(route.record->layout_epoch);
  SetLeader(now, route, &response);
  return response;
}

void GetRegionByKey(const std::shared_ptr<Coordinator>& coordinator,
                    const wire::GetRegionByKeyRequest& request,
                    std::function<void(Result<wire::GetRegionByKeyResponse>)> answer) {
  coordinator->catalog().Await(
      WantedBy(request),
      [coordinator, request, answer = std::move(answer)](const Result<RootStanding>& standing) {
        if (!standing.ok()) return answer(standing.status());
        const AllocatorStatus numbers = coordinator->allocator().status();
        answer(coordinator->catalog().Read(
            [&](const Catalog::Now& now) { return RouteOf(request, *standing, numbers, now); }));
      });
}

Result<wire::StoreHeartbeatResponse> HearStore(Coordinator& coordinator,
                                               const wire::StoreHeartbeatRequest& request) {
  const StoreHeartbeat heartbeat{.store = request.store_id(),
                                 .regions = request.region_num(),
                                 .leaders = request.leader_num(),
                                 .capacity_bytes = request.capacity(),
                                 .available_bytes = request.available(),
                                 .dropped_operations = request.dropped_operations()};
  const Status status = coordinator.catalog().Read(
      [&](const Catalog::Now& now) { return now.view.Hear(heartbeat, now.us); });
  if (!status.ok()) return status;
  wire::StoreHeartbeatResponse response;
  response.set_accepted(true);
  for (const Operator& op : coordinator.OperatorsFor(heartbeat.store)) {
    if (op.kind != OperatorKind::kTransferLeader) continue;
    wire::SchedulerOperation* operation = response.add_operations();
    operation->set_type(wire::SCHEDULER_OPERATION_TYPE_LEADER_TRANSFER);
    operation->set_region_id(op.region);
    operation->set_source_peer_id(op.from_peer);
    operation->set_target_peer_id(op.peer);
  }
  return response;
}

RegionHeartbeat FromWire(const wire::RegionReport& report) {
  return {
      .region = report.region_id(),
      .epoch = {.version = report.epoch().version(), .conf_version = report.epoch().conf_version()},
      .term = report.term(),
      .leader = report.leader_peer_id(),
      .size_bytes = report.size_bytes(),
      .behind = {report.behind_peer_ids().begin(), report.behind_peer_ids().end()}};
}

Result<wire::RegionLivenessResponse> HearRegions(Coordinator& coordinator,
                                                 const wire::RegionLivenessRequest& request) {
  wire::RegionLivenessResponse response;
  coordinator.catalog().Read([&](const Catalog::Now& now) {
    // One that is only said to be alive is known or not.
    if (request.region_id() != 0 && now.view.RegionById(request.region_id()) == nullptr) {
      response.add_refused_region_ids(request.region_id());
    }
    for (const wire::RegionReport& report : request.reports()) {
      if (!now.view.Hear(FromWire(report), now.us).ok()) {
        response.add_refused_region_ids(report.region_id());
      }
    }
    return 0;
  });
  response.set_accepted(response.refused_region_ids().empty());
  return response;
}

}  // namespace

void AddStoreMethods(const std::shared_ptr<Coordinator>& coordinator, Methods* methods) {
  AddMethod<wire::GetRegionByKeyRequest, wire::GetRegionByKeyResponse>(
      methods, "GetRegionByKey",
      [coordinator](const wire::GetRegionByKeyRequest& request, auto answer) {
        GetRegionByKey(coordinator, request, std::move(answer));
      });
  AddMethod<wire::StoreHeartbeatRequest, wire::StoreHeartbeatResponse>(
      methods, "StoreHeartbeat",
      [coordinator](const wire::StoreHeartbeatRequest& request, const auto& answer) {
        answer(HearStore(*coordinator, request));
      });
  AddMethod<wire::RegionLivenessRequest, wire::RegionLivenessResponse>(
      methods, "RegionLiveness",
      [coordinator](const wire::RegionLivenessRequest& request, const auto& answer) {
        answer(HearRegions(*coordinator, request));
      });
}

}  // namespace nokv::coordinator
