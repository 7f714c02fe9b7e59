// AllocID, Tso and TsoStream.
#include <nokv/coordinator/v1/coordinator.pb.h>

#include <algorithm>
#include <utility>

#include "coordinator/service_methods.h"

namespace nokv::coordinator {

namespace {

namespace wire = ::nokv::coordinator::v1;

uint64_t CountOf(uint64_t asked) {
  return std::max<uint64_t>(asked, 1);
}

template <typename Response>
void SetEvidence(const Allocation& taken, Response* response) {
  response->set_count(taken.count);
  response->set_cert_generation(taken.generation);
  response->set_consumed_frontier(taken.first + taken.count - 1);
  response->set_observed_seal_generation(taken.generation - 1);
}

// One TsoStream call.
class TimestampStream final : public rpc::CallHandler {
 public:
  TimestampStream(std::shared_ptr<Coordinator> coordinator, std::shared_ptr<rpc::Call> call)
      : coordinator_(std::move(coordinator)), call_(std::move(call)) {}

  void OnMessage(rpc::Call& call, std::string message) override {
    wire::TsoStreamRequest request;
    if (!request.ParseFromString(message)) {
      return call.End(Status::InvalidArgument("the request cannot be read"));
    }
    coordinator_->allocator().Take(
        NumberKind::kTimestamps, CountOf(request.count()),
        [call = call_, id = request.request_id()](const Result<Allocation>& taken) {
          if (!taken.ok()) return call->End(taken.status());
          wire::TsoStreamResponse response;
          response.set_request_id(id);
          response.set_timestamp(taken->first);
          response.set_count(taken->count);
          response.set_cert_generation(taken->generation);
          call->Send(response.SerializeAsString());
        });
  }
  void OnDone(rpc::Call& /*call*/, const Status& /*status*/) override { call_.reset(); }

 private:
  const std::shared_ptr<Coordinator> coordinator_;
  std::shared_ptr<rpc::Call> call_;
};

}  // namespace

void AddNumberMethods(const std::shared_ptr<Coordinator>& coordinator, Methods* methods) {
  AddMethod<wire::AllocIDRequest, wire::AllocIDResponse>(
      methods, "AllocID", [coordinator](const wire::AllocIDRequest& request, auto answer) {
        coordinator->allocator().Take(NumberKind::kIds, CountOf(request.count()),
                                      [answer](const Result<Allocation>& taken) {
                                        if (!taken.ok()) return answer(taken.status());
                                        wire::AllocIDResponse response;
                                        response.set_first_id(taken->first);
                                        SetEvidence(*taken, &response);
                                        answer(std::move(response));
                                      });
      });
  AddMethod<wire::TsoRequest, wire::TsoResponse>(
      methods, "Tso", [coordinator](const wire::TsoRequest& request, auto answer) {
        coordinator->allocator().Take(NumberKind::kTimestamps, CountOf(request.count()),
                                      [answer](const Result<Allocation>& taken) {
                                        if (!taken.ok()) return answer(taken.status());
                                        wire::TsoResponse response;
                                        response.set_timestamp(taken->first);
                                        SetEvidence(*taken, &response);
                                        answer(std::move(response));
                                      });
      });
  methods->push_back({"TsoStream", [coordinator](const std::shared_ptr<rpc::Call>& call) {
                        return std::make_shared<TimestampStream>(coordinator, call);
                      }});
}

}  // namespace nokv::coordinator
