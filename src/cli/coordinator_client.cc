#include "cli/coordinator_client.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/macros.h"
#include "cli/text.h"
#include "config/cluster_config.h"
#include "rpc/grpc/grpc.h"
#include "rpc/http/host_port.h"

namespace nokv::cli {

namespace {

std::vector<std::string> SplitAtCommas(const std::string& text) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

Result<std::vector<std::string>> ParseAddresses(const std::string& text) {
  std::vector<std::string> addresses = SplitAtCommas(text);
  if (addresses.empty()) {
    return Status::InvalidArgument("--coordinator-addr names no coordinator")
        .WithHint("--coordinator-addr 127.0.0.1:2379");
  }
  for (const std::string& address : addresses) {
    const auto parsed = rpc::ParseHostPort(address);
    if (!parsed.ok()) return parsed.status().Prefixed("--coordinator-addr " + Quoted(address));
  }
  return addresses;
}

// Runs `start`, and waits until what it was given was called.
template <typename T>
Result<T> WaitFor(runtime::Runtime& runtime,
                  const std::function<void(std::function<void(Result<T>)>)>& start) {
  const auto event = runtime.NewEvent();
  std::optional<Result<T>> answer;
  start([&](Result<T> given) {
    answer = std::move(given);
    event->Set();
  });
  event->Wait();
  return *std::move(answer);
}

}  // namespace

void Define(FlagSet& flags, CoordinatorClientFlags* target) {
  flags
      .Text("coordinator-addr", "ADDRS", &target->addresses,
            "coordinators: HOST:PORT, several with commas between")
      .Also({"addr", "endpoint", "endpoints", "pd"})
      .Env();
  flags.Path("config", "FILE", &target->config,
             "raft_config.json: its coordinators count, and not --coordinator-addr");
  flags.Choice("scope", &target->scope, {"host", "docker", "local"},
               "which addresses of --config; local is another name for host");
  flags.Duration("timeout", &target->timeout_ms, {1, 3'600'000}, "how long an answer may take");
  flags.Check([target] { return ParseAddresses(target->addresses).status(); });
}

Result<std::unique_ptr<CoordinatorClient>> CoordinatorClient::Open(
    const CoordinatorClientFlags& flags, vfs::FileSystem& fs) {
  std::string text = flags.addresses;
  if (!flags.config.empty()) {
    ASSIGN_OR_RETURN(const config::ClusterConfig config, config::LoadFile(fs, flags.config));
    const auto scope = config::ParseScope(flags.scope).value_or(config::Scope::kHost);
    text = config.coordinator.has_value() ? AddrOf(*config.coordinator, scope) : "";
    if (text.empty()) {
      return Status::NotFound(flags.config + " does not say where a coordinator is")
          .WithHint(
              "give it \"coordinator\": {\"addr\": \"127.0.0.1:2379\"}, or name one with "
              "--coordinator-addr");
    }
  }
  ASSIGN_OR_RETURN(std::vector<std::string> addresses, ParseAddresses(text));
  return std::unique_ptr<CoordinatorClient>(
      new CoordinatorClient(std::move(addresses), flags.timeout_ms));
}

CoordinatorClient::CoordinatorClient(std::vector<std::string> addresses, uint64_t timeout_ms)
    : addresses_(std::move(addresses)),
      timeout_ms_(timeout_ms),
      runtime_(runtime::NewThreadRuntime({})),
      client_(std::make_unique<coordinator::Client>(
          *runtime_, coordinator::ClientOptions{.addresses = addresses_},
          [](const std::string& address) {
            return rpc::grpc::NewChannel(
                address, {.executor = [](const std::function<void()>& task) { task(); },
                          .limits = {.max_message_bytes = size_t{16} << 20}});
          })) {}

Status CoordinatorClient::Explained(const Status& status) const {
  if (status.code() != StatusCode::kUnavailable && status.code() != StatusCode::kDeadlineExceeded) {
    return status;
  }
  std::string all;
  for (const std::string& address : addresses_) all += (all.empty() ? "" : ",") + address;
  if (!status.hint().empty()) return status;
  return status.WithHint("is a coordinator running at " + all +
                         "? `nokv coordinator` starts one; --coordinator-addr names another");
}

Result<uint64_t> CoordinatorClient::Timestamp() {
  const auto answer = WaitFor<uint64_t>(
      *runtime_, [this](auto done) { client_->Timestamps(1, timeout_ms_, std::move(done)); });
  return answer.ok() ? answer : Result<uint64_t>(Explained(answer.status()));
}

Result<std::string> CoordinatorClient::AskBytes(const std::string& address,
                                                const std::string& method,
                                                const std::string& request) {
  auto answer = WaitFor<std::string>(*runtime_, [&](auto done) {
    if (address.empty()) return client_->Ask(method, request, timeout_ms_, std::move(done));
    client_->AskOne(address, method, request, timeout_ms_, std::move(done));
  });
  if (answer.ok()) return answer;
  return Explained(answer.status());
}

}  // namespace nokv::cli
