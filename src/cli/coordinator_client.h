// What commands share that ask coordinators: flags, and a client that waits for answers.
//
// Thread safety: none; one owner.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/flags.h"
#include "coordinator/client/client.h"
#include "nokv/status.h"
#include "runtime/runtime.h"

namespace nokv::cli {

struct CoordinatorClientFlags {
  std::string addresses = "127.0.0.1:2379";  // with commas between
  std::string config;
  std::string scope = "host";
  uint64_t timeout_ms = 3'000;
};

// Declares the flags of `target`, which the set borrows.
void Define(FlagSet& flags, CoordinatorClientFlags* target);

class CoordinatorClient {
 public:
  // kInvalidArgument for addresses that are none, errors of reading --config.
  static Result<std::unique_ptr<CoordinatorClient>> Open(const CoordinatorClientFlags& flags,
                                                         vfs::FileSystem& fs);

  const std::vector<std::string>& addresses() const { return addresses_; }

  Result<uint64_t> Timestamp();
  // A method of the service (coordinator/client/client.h). kUnavailable if no coordinator answers;
  // what the answer is made of, the caller knows.
  template <typename Response, typename Request>
  Result<Response> Ask(const std::string& method, const Request& request) {
    return Parse<Response>(AskBytes("", method, request.SerializeAsString()));
  }
  template <typename Response, typename Request>
  Result<Response> AskOne(const std::string& address, const std::string& method,
                          const Request& request) {
    return Parse<Response>(AskBytes(address, method, request.SerializeAsString()));
  }

 private:
  CoordinatorClient(std::vector<std::string> addresses, uint64_t timeout_ms);
  // An empty address: whoever answers.
  Result<std::string> AskBytes(const std::string& address, const std::string& method,
                               const std::string& request);
  Status Explained(const Status& status) const;
  template <typename Response>
  static Result<Response> Parse(const Result<std::string>& bytes) {
    if (!bytes.ok()) return bytes.status();
    Response response;
    if (response.ParseFromString(*bytes)) return response;
    return Status::Internal("the coordinator's answer cannot be read")
        .WithHint("is it of another version?");
  }

  const std::vector<std::string> addresses_;
  const uint64_t timeout_ms_;
  std::unique_ptr<runtime::Runtime> runtime_;
  std::unique_ptr<coordinator::Client> client_;
};

}  // namespace nokv::cli
