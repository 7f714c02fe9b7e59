#include "coordinator/client/client.h"

#include <nokv/coordinator/v1/coordinator.pb.h>

#include <utility>

#include "base/check.h"
#include "coordinator/client/endpoints.h"
#include "coordinator/client/timestamp_queue.h"

namespace nokv::coordinator {

namespace {

namespace wire = ::nokv::coordinator::v1;

Status CheckCount(uint64_t count) {
  if (count > 0 && count <= TimestampQueue::kMaxBatch) return Status::Ok();
  return Status::InvalidArgument("from 1 to " + std::to_string(TimestampQueue::kMaxBatch) +
                                 " numbers can be had at once, not " + std::to_string(count));
}

}  // namespace

Client::Client(runtime::Runtime& runtime, const ClientOptions& options, const Dial& dial)
    : endpoints_(std::make_shared<Endpoints>(runtime, options, dial)),
      timestamps_(std::make_shared<TimestampQueue>(endpoints_)) {
  NOKV_CHECK(!options.addresses.empty());
}

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
  endpoints_->Ask({.method = "AllocID",
                   .request = request.SerializeAsString(),
                   .deadline_us = endpoints_->now_us() + deadline_ms * 1000,
                   .for_holder = true,
                   .done = [count, done = std::move(done)](const Result<std::string>& answer) {
                     if (!answer.ok()) return done(answer.status());
                     wire::AllocIDResponse response;
                     if (!response.ParseFromString(*answer) || response.count() != count ||
                         response.first_id() == 0) {
                       return done(Status::Internal("an answer that is not what was asked"));
                     }
                     done(response.first_id());
                   }});
}

void Client::Ask(const std::string& method, std::string request, uint64_t deadline_ms,
                 std::function<void(Result<std::string>)> done) {
  endpoints_->Ask({.method = method,
                   .request = std::move(request),
                   .deadline_us = endpoints_->now_us() + deadline_ms * 1000,
                   .done = std::move(done)});
}

void Client::AskOne(const std::string& address, const std::string& method, std::string request,
                    uint64_t deadline_ms, std::function<void(Result<std::string>)> done) {
  endpoints_->Ask({.method = method,
                   .request = std::move(request),
                   .deadline_us = endpoints_->now_us() + deadline_ms * 1000,
                   .only_first = true,
                   .first = endpoints_->IndexOf(address),
                   .done = std::move(done)});
}

}  // namespace nokv::coordinator
