// PublishRootEvent, AssessRootEvent, RemoveRegion, RetryTransition and CancelTransition.
#include <nokv/coordinator/v1/coordinator.pb.h>

#include <utility>

#include "coordinator/service_methods.h"
#include "coordinator/wire.h"
#include "metaroot/wire/wire.h"

namespace nokv::coordinator {

namespace {

namespace wire = ::nokv::coordinator::v1;

void PublishRootEvent(const std::shared_ptr<Coordinator>& coordinator,
                      const wire::PublishRootEventRequest& request,
                      std::function<void(Result<wire::PublishRootEventResponse>)> answer) {
  metaroot::Event event;
  if (const Status status = metaroot::FromWire(request.event(), &event); !status.ok()) {
    return answer(status);
  }
  // As of before, for what the answer says of the transition; whether it is taken, the root says.
  wire::Assessment assessment;
  coordinator->catalog().Read([&](const Catalog::Now& now) {
    Assess(event, now, &assessment);
    return 0;
  });
  coordinator->Publish(
      std::move(event), request.expected_cluster_epoch(),
      [answer = std::move(answer), assessment](const Result<Published>& published) mutable {
        if (!published.ok()) return answer(published.status());
        wire::PublishRootEventResponse response;
        response.set_accepted(true);
        const auto decision = published->changed ? wire::DECISION_APPLY : wire::DECISION_SKIP;
        if (decision != assessment.decision()) {
          // Somebody was faster, or the copy was behind.
          assessment.set_reason_code(published->changed
                                         ? wire::ASSESSMENT_REASON_OPEN_APPLY
                                         : wire::ASSESSMENT_REASON_ALREADY_COMPLETED);
        }
        assessment.set_decision(decision);
        assessment.clear_reason();
        assessment.clear_hint();
        assessment.clear_retry_class();
        *response.mutable_assessment() = assessment;
        response.mutable_token()->set_revision(published->revision);
        answer(std::move(response));
      });
}

Result<wire::AssessRootEventResponse> AssessRootEvent(Coordinator& coordinator,
                                                      const wire::AssessRootEventRequest& request) {
  metaroot::Event event;
  if (Status status = metaroot::FromWire(request.event(), &event); !status.ok()) return status;
  if (Status status = Coordinator::CheckPublishable(event); !status.ok()) return status;
  wire::AssessRootEventResponse response;
  coordinator.catalog().Read([&](const Catalog::Now& now) {
    Assess(event, now, response.mutable_assessment());
    ToWire(now.standing, response.mutable_evidence());
    return 0;
  });
  return response;
}

// Retries or cancels; both answer with where the root stands then.
template <typename Response>
void Move(const std::shared_ptr<Coordinator>& coordinator, metaroot::TransitionMoved moved,
          std::function<void(Result<Response>)> answer) {
  coordinator->Publish(std::move(moved), 0,
                       [answer = std::move(answer)](const Result<Published>& published) {
                         if (!published.ok()) return answer(published.status());
                         Response response;
                         response.mutable_token()->set_revision(published->revision);
                         answer(std::move(response));
                       });
}

}  // namespace

void AddPublishMethods(const std::shared_ptr<Coordinator>& coordinator, Methods* methods) {
  AddMethod<wire::PublishRootEventRequest, wire::PublishRootEventResponse>(
      methods, "PublishRootEvent",
      [coordinator](const wire::PublishRootEventRequest& request, auto answer) {
        PublishRootEvent(coordinator, request, std::move(answer));
      });
  AddMethod<wire::AssessRootEventRequest, wire::AssessRootEventResponse>(
      methods, "AssessRootEvent",
      [coordinator](const wire::AssessRootEventRequest& request, const auto& answer) {
        answer(AssessRootEvent(*coordinator, request));
      });
  AddMethod<wire::RemoveRegionRequest, wire::RemoveRegionResponse>(
      methods, "RemoveRegion", [](const wire::RemoveRegionRequest& request, const auto& answer) {
        answer(Status::FailedPrecondition(topology::NameOf(request.region_id()) +
                                          " cannot be removed: regions cover all keys")
                   .WithHint("merge it into its neighbour"));
      });
  AddMethod<wire::RetryTransitionRequest, wire::RetryTransitionResponse>(
      methods, "RetryTransition",
      [coordinator](const wire::RetryTransitionRequest& request, auto answer) {
        // What it waits for stays.
        const std::string waits_for = coordinator->catalog().Read([&](const Catalog::Now& now) {
          const auto it = now.view.root().transitions.find(request.transition_id());
          return it == now.view.root().transitions.end() ? "another attempt" : it->second.waits_for;
        });
        Move<wire::RetryTransitionResponse>(coordinator,
                                            {.id = request.transition_id(),
                                             .step = metaroot::TransitionStep::kRetried,
                                             .text = waits_for},
                                            std::move(answer));
      });
  AddMethod<wire::CancelTransitionRequest, wire::CancelTransitionResponse>(
      methods, "CancelTransition",
      [coordinator](const wire::CancelTransitionRequest& request, auto answer) {
        Move<wire::CancelTransitionResponse>(
            coordinator,
            {.id = request.transition_id(),
             .step = metaroot::TransitionStep::kCancelled,
             .text = request.reason().empty() ? "an operator cancelled it" : request.reason()},
            std::move(answer));
      });
}

}  // namespace nokv::coordinator
