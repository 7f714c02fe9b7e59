#include "coordinator/client/holder_hint.h"

#include <nokv/coordinator/v1/coordinator.pb.h>

#include <utility>

namespace nokv::coordinator {

namespace {

namespace wire = ::nokv::coordinator::v1;

// "nokv help E2302": the coordinator does not hold the lease.
constexpr uint16_t kNotTheHolder = 2302;

}  // namespace

bool WorthAnotherTry(const Status& status) {
  return status.code() == StatusCode::kUnavailable ||
         status.code() == StatusCode::kDeadlineExceeded ||
         status.code() == StatusCode::kCancelled ||
         status.code() == StatusCode::kUnimplemented;  // something else answers there
}

void FindNext(const std::shared_ptr<rpc::Endpoints>& endpoints, size_t index, const Status& why,
              std::function<void(size_t)> then) {
  if (why.error_number() != kNotTheHolder) return then(endpoints->After(index));
  rpc::Question question = {.method = "GetStatus", .only = index};
  question.deadline_us = endpoints->now_us() + endpoints->options().attempt_ms * 1000;
  question.judge = [endpoints, then](size_t asked, const rpc::Answers& answers,
                                     const rpc::AskOn& /*on*/) {
    const Result<std::string> answer = rpc::OneAnswer(answers);
    wire::GetStatusResponse status;
    const bool known = answer.ok() && status.ParseFromString(*answer) &&
                       status.lease().in_force() && !status.lease().holder_address().empty();
    const size_t holder = known ? endpoints->IndexOf(status.lease().holder_address()) : asked;
    // One that waits for its former self names itself.
    then(holder == asked ? endpoints->After(asked) : holder);
  };
  question.give_up = [endpoints, index, then](const Status& /*why*/) {
    then(endpoints->After(index));
  };
  endpoints->Ask(std::move(question));
}

}  // namespace nokv::coordinator
