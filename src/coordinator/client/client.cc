#include "coordinator/client/client.h"

#include <nokv/coordinator/v1/coordinator.pb.h>

#include <algorithm>
#include <utility>

#include "coordinator/client/holder_hint.h"
#include "coordinator/client/timestamp_queue.h"

namespace nokv::coordinator {

namespace {

namespace wire = ::nokv::coordinator::v1;

Status CheckCount(uint64_t count) {
  if (count > 0 && count <= TimestampQueue::kMaxBatch) return Status::Ok();
  return Status::InvalidArgument("from 1 to " + std::to_string(TimestampQueue::kMaxBatch) +
                                 " numbers can be had at once, not " + std::to_string(count));
}

rpc::EndpointsOptions EndpointsOf(const ClientOptions& options) {
  return {.service = "nokv.coordinator.v1.Coordinator",
          .one = "coordinator",
          .addresses = options.addresses,
          .attempt_ms = options.attempt_ms,
          .pause_ms = options.pause_ms};
}

}  // namespace

Client::Client(runtime::Runtime& runtime, const ClientOptions& options, const rpc::Dial& dial)
    : options_(options),
      endpoints_(rpc::Endpoints::Make(runtime, EndpointsOf(options), dial)),
      timestamps_(std::make_shared<TimestampQueue>(endpoints_, options.max_waiting)) {}

Client::~Client() {
  timestamps_->Close();
  endpoints_->Close();
}

void Client::Timestamps(uint64_t count, uint64_t deadline_ms, Numbers done) {
  if (const Status status = CheckCount(count); !status.ok()) return done(status);
  timestamps_->Add(count, endpoints_->now_us() + deadline_ms * 1000, std::move(done));
}

void Client::AllocateIds(uint64_t count, uint64_t deadline_ms, Numbers done) {
  if (const Status status = CheckCount(count); !status.ok()) return done(status);
  wire::AllocIDRequest request;
  request.set_count(count);
  Ask("AllocID", request.SerializeAsString(), deadline_ms,
      [count, done = std::move(done)](const Result<std::string>& answer) {
        if (!answer.ok()) return done(answer.status());
        wire::AllocIDResponse response;
        if (!response.ParseFromString(*answer) || response.count() != count ||
            response.first_id() == 0) {
          return done(Status::Internal("an answer that is not what was asked"));
        }
        done(response.first_id());
      });
}

void Client::Ask(const std::string& method, std::string request, uint64_t deadline_ms,
                 std::function<void(Result<std::string>)> done) {
  Ask({.method = method,
       .request = std::move(request),
       .deadline_us = endpoints_->now_us() + deadline_ms * 1000},
      std::move(done));
}

void Client::AskOne(const std::string& address, const std::string& method, std::string request,
                    uint64_t deadline_ms, std::function<void(Result<std::string>)> done) {
  deadline_ms = std::min(deadline_ms, options_.attempt_ms);
  Ask({.method = method,
       .request = std::move(request),
       .deadline_us = endpoints_->now_us() + deadline_ms * 1000,
       .only = endpoints_->IndexOf(address)},
      std::move(done));
}

void Client::Ask(rpc::Question question, std::function<void(Result<std::string>)> done) {
  question.judge = [endpoints = endpoints_, once = question.only.has_value(), done](
                       size_t index, rpc::Answers answers, const rpc::AskOn& on) {
    Result<std::string> answer = rpc::OneAnswer(std::move(answers));
    if (answer.ok() || once || !WorthAnotherTry(answer.status())) return done(std::move(answer));
    FindNext(endpoints, index, answer.status(),
             [on, why = answer.status()](size_t next) { on(next, why); });
  };
  question.give_up = [done = std::move(done)](const Status& why) { done(why); };
  endpoints_->Ask(std::move(question));
}

}  // namespace nokv::coordinator
