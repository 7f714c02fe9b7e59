#include "sim/control/tidier.h"

#include <nokv/coordinator/v1/coordinator.pb.h>

#include <utility>

#include "metaroot/wire/wire.h"

namespace nokv::sim {
namespace {

namespace wire = ::nokv::coordinator::v1;

constexpr Network::Address kAddress = 900;
constexpr uint64_t kLookMicros = 200'000;
constexpr uint64_t kDeadlineMs = 1'000;

}  // namespace

Tidier::Tidier(World& world, ControlCluster& cluster)
    : world_(world), cluster_(cluster), client_(cluster.NewClient(kAddress, 0)) {}

void Tidier::Run(uint64_t begin_us) {
  world_.After(begin_us - world_.now_us(), [this] { Look(); });
}

void Tidier::Look() {
  client_->Ask("ListTransitions", wire::ListTransitionsRequest().SerializeAsString(), kDeadlineMs,
               [this](const Result<std::string>& answer) {
                 if (answer.ok()) Tidy(*answer);
                 world_.After(kLookMicros, [this] { Look(); });
               });
}

void Tidier::Tidy(const std::string& answer) {
  wire::ListTransitionsResponse response;
  if (!response.ParseFromString(answer)) return cluster_.roots().Violated("an unreadable answer");
  for (const wire::TransitionEntry& entry : response.entries()) {
    if (entry.waits_for().empty()) {
      cluster_.roots().Violated(entry.transition_id() + " does not say what it waits for");
    }
    if (entry.executed()) {
      wire::PublishRootEventRequest request;
      metaroot::ToWire(
          metaroot::Event(metaroot::TransitionMoved{.id = entry.transition_id(),
                                                    .step = metaroot::TransitionStep::kFinished}),
          request.mutable_event());
      Tell("PublishRootEvent", request.SerializeAsString());
    } else {
      wire::CancelTransitionRequest request;
      request.set_transition_id(entry.transition_id());
      Tell("CancelTransition", request.SerializeAsString());
    }
  }
}

// Whether it was taken, the next look shows.
void Tidier::Tell(const std::string& method, std::string request) {
  client_->Ask(method, std::move(request), kDeadlineMs, [](const Result<std::string>&) {});
}

}  // namespace nokv::sim
