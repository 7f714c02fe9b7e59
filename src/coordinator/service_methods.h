// The methods of the service, by what they are about. Private to coordinator.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/coordinator.h"
#include "rpc/unary.h"

namespace nokv::coordinator {

// Adds a method that parses its request; what cannot be parsed is refused. `serve` answers once,
// now or later.
template <typename Request, typename Response>
void AddMethod(std::vector<rpc::Method>* methods, std::string name,
               std::function<void(const Request&, std::function<void(Result<Response>)>)> serve) {
  methods->push_back(rpc::UnaryMethod(
      std::move(name), [serve = std::move(serve)](const std::string& bytes, rpc::Answer answer) {
        Request request;
        if (!request.ParseFromString(bytes)) {
          return answer(Status::InvalidArgument("the request cannot be read"));
        }
        serve(request, [answer = std::move(answer)](Result<Response> response) {
          if (!response.ok()) return answer(response.status());
          answer(response->SerializeAsString());
        });
      }));
}

using Methods = std::vector<rpc::Method>;

// AllocID, Tso, TsoStream
void AddNumberMethods(const std::shared_ptr<Coordinator>& coordinator, Methods* methods);
// GetRegionByKey, StoreHeartbeat, RegionLiveness
void AddStoreMethods(const std::shared_ptr<Coordinator>& coordinator, Methods* methods);
// PublishRootEvent, AssessRootEvent, RemoveRegion, RetryTransition, CancelTransition
void AddPublishMethods(const std::shared_ptr<Coordinator>& coordinator, Methods* methods);
// GetStatus, ListStores, ListRegions, ListTransitions, ListEvents, PlanOperators
void AddViewMethods(const std::shared_ptr<Coordinator>& coordinator, Methods* methods);

}  // namespace nokv::coordinator
