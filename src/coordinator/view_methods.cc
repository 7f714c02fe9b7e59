// GetStatus, ListStores, ListRegions, ListTransitions, ListEvents and PlanOperators.
#include <nokv/coordinator/v1/coordinator.pb.h>

#include <algorithm>
#include <map>
#include <utility>

#include "coordinator/service_methods.h"
#include "coordinator/wire.h"
#include "metaroot/wire/wire.h"

namespace nokv::coordinator {

namespace {

namespace wire = ::nokv::coordinator::v1;

constexpr uint32_t kMaxRegionsListed = 1'000;
constexpr uint32_t kEventsListed = 256;
constexpr uint32_t kMaxEventsListed = 1'024;
constexpr uint32_t kOperatorsPlanned = 16;
constexpr uint32_t kMaxOperatorsPlanned = 1'024;

uint32_t LimitOf(uint32_t asked, uint32_t usual, uint32_t most) {
  return asked == 0 ? usual : std::min(asked, most);
}

wire::ListStoresResponse ListStores(const Catalog::Now& now) {
  wire::ListStoresResponse response;
  for (const auto& [id, record] : now.view.root().stores) {
    ToWire(id, record, now, response.add_stores());
  }
  ToWire(now.standing, response.mutable_evidence());
  return response;
}

wire::ListRegionsResponse ListRegions(const wire::ListRegionsRequest& request,
                                      const Catalog::Now& now) {
  wire::ListRegionsResponse response;
  const metaroot::State& root = now.view.root();
  ToWire(now.standing, response.mutable_evidence());
  std::map<topology::RegionId, std::string> transition_of;
  for (const auto& [id, transition] : root.transitions) {
    for (const topology::Region& region : transition.plan.from) {
      transition_of.emplace(region.id, id);
    }
  }
  const auto limit =
      static_cast<int>(LimitOf(request.limit(), kMaxRegionsListed, kMaxRegionsListed));
  auto it = root.regions.upper_bound(request.start_key());
  if (it != root.regions.begin()) --it;
  for (; it != root.regions.end(); ++it) {
    // Bounds are long now and then.
    if (response.regions_size() >= limit || response.ByteSizeLong() > metaroot::kWirePartBytes) {
      response.set_next_key(it->first);
      break;
    }
    wire::RegionInfo* info = response.add_regions();
    ToWire(it->second, now, info);
    const auto transition = transition_of.find(it->second.region.id);
    if (transition != transition_of.end()) info->set_transition_id(transition->second);
  }
  return response;
}

wire::TransitionStatus StatusOf(metaroot::TransitionStep step) {
  switch (step) {
    case metaroot::TransitionStep::kFinished:
      return wire::TRANSITION_STATUS_COMPLETED;
    case metaroot::TransitionStep::kCancelled:
      return wire::TRANSITION_STATUS_CANCELLED;
    case metaroot::TransitionStep::kFailed:
      return wire::TRANSITION_STATUS_ABORTED;
    default:
      return wire::TRANSITION_STATUS_PENDING;
  }
}

wire::ListTransitionsResponse ListTransitions(const wire::ListTransitionsRequest& request,
                                              const Catalog::Now& now) {
  wire::ListTransitionsResponse response;
  ToWire(now.standing, response.mutable_evidence());
  for (const auto& [id, transition] : now.view.root().transitions) {
    wire::TransitionEntry* entry = response.add_entries();
    nokv::meta::v1::RootEvent event;
    metaroot::ToWire(metaroot::Event(transition.plan), &event);
    entry->set_transition_id(id);
    entry->set_kind(event.transition_planned().kind());
    entry->set_status(wire::TRANSITION_STATUS_PENDING);
    *entry->mutable_plan() = std::move(*event.mutable_transition_planned());
    entry->set_executed(transition.executed);
    entry->set_attempts(transition.attempts);
    entry->set_waits_for(transition.waits_for);
    entry->set_since_ms(transition.moved_at_ms);
  }
  if (!request.with_ended()) return response;
  for (const metaroot::EndedTransition& ended : now.view.root().ended) {
    wire::TransitionEntry* entry = response.add_entries();
    entry->set_transition_id(ended.id);
    entry->set_status(StatusOf(ended.step));
    entry->set_waits_for(ended.text);
    entry->set_since_ms(ended.at_ms);
  }
  return response;
}

uint64_t StoresHeard(const Catalog::Now& now) {
  const auto& stores = now.view.root().stores;
  return static_cast<uint64_t>(std::count_if(stores.begin(), stores.end(), [&](const auto& each) {
    return now.view.StoreOf(each.first) != nullptr;
  }));
}

wire::ListEventsResponse ListEvents(Coordinator& coordinator,
                                    const wire::ListEventsRequest& request) {
  wire::ListEventsResponse response;
  const Catalog::Events found = coordinator.catalog().EventsAfter(
      request.after_revision(), LimitOf(request.limit(), kEventsListed, kMaxEventsListed));
  for (const metaroot::TailEvent& event : found.events) {
    metaroot::ToWire(event, response.add_events());
  }
  response.set_kept_after_revision(found.kept_after);
  ToWire(coordinator.catalog().standing(), response.mutable_evidence());
  return response;
}

// A method that answers at once.
template <typename Request, typename Response>
void AddView(Methods* methods, const std::string& name,
             std::function<Response(const Request&)> look) {
  AddMethod<Request, Response>(
      methods, name, [look = std::move(look)](const Request& request, const auto& answer) {
        answer(look(request));
      });
}

}  // namespace

void AddViewMethods(const std::shared_ptr<Coordinator>& coordinator, Methods* methods) {
  AddView<wire::GetStatusRequest, wire::GetStatusResponse>(
      methods, "GetStatus", [coordinator](const wire::GetStatusRequest&) {
        wire::GetStatusResponse response;
        ToWire(*coordinator, &response);
        return response;
      });
  AddView<wire::ListStoresRequest, wire::ListStoresResponse>(
      methods, "ListStores", [coordinator](const wire::ListStoresRequest&) {
        return coordinator->catalog().Read(ListStores);
      });
  AddView<wire::ListRegionsRequest, wire::ListRegionsResponse>(
      methods, "ListRegions", [coordinator](const wire::ListRegionsRequest& request) {
        return coordinator->catalog().Read(
            [&](const Catalog::Now& now) { return ListRegions(request, now); });
      });
  AddView<wire::ListTransitionsRequest, wire::ListTransitionsResponse>(
      methods, "ListTransitions", [coordinator](const wire::ListTransitionsRequest& request) {
        return coordinator->catalog().Read(
            [&](const Catalog::Now& now) { return ListTransitions(request, now); });
      });
  AddView<wire::ListEventsRequest, wire::ListEventsResponse>(
      methods, "ListEvents", [coordinator](const wire::ListEventsRequest& request) {
        return ListEvents(*coordinator, request);
      });
  AddView<wire::PlanOperatorsRequest, wire::PlanOperatorsResponse>(
      methods, "PlanOperators", [coordinator](const wire::PlanOperatorsRequest& request) {
        wire::PlanOperatorsResponse response;
        for (const Operator& op : coordinator->Plan(
                 LimitOf(request.max_operators(), kOperatorsPlanned, kMaxOperatorsPlanned))) {
          ToWire(op, response.add_operators());
        }
        response.set_stores_heard(coordinator->catalog().Read(StoresHeard));
        ToWire(coordinator->catalog().standing(), response.mutable_evidence());
        return response;
      });
}

}  // namespace nokv::coordinator
