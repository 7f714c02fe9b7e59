// InProcessNetwork: calls between parties of one process, for tests and for simulation.
//
// Nothing runs but what the runtime runs, so over runtime::SimRuntime the same seed gives the same
// order. Messages take as long as the weather says, and arrive in order; one that it loses breaks
// its call at both ends with kUnavailable, as a broken connection does.
//
// Thread safety: thread-safe. Servers, channels and calls must end before the network does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nokv/status.h"
#include "rpc/call.h"
#include "rpc/service.h"
#include "runtime/runtime.h"

namespace nokv::rpc {

// Microseconds that what `from` sends now takes to `to`; nothing if it is lost.
using Weather =
    std::function<std::optional<uint64_t>(const std::string& from, const std::string& to)>;

class InProcessHub;  // who listens where

class InProcessNetwork {
 public:
  // `runtime` is borrowed. Without weather everything arrives at once. What of a call is under way
  // in one direction, and more than `window_bytes`, makes its sender wait.
  explicit InProcessNetwork(runtime::Runtime& runtime, Weather weather = {},
                            size_t window_bytes = size_t{1} << 20);

  // kAlreadyExists if somebody listens there.
  Result<std::unique_ptr<Server>> Listen(const std::string& address, std::vector<Service> services);
  // `from` is what the server sees as the peer.
  std::unique_ptr<Channel> NewChannel(const std::string& from, const std::string& to,
                                      Executor executor, const CallLimits& limits = {});

 private:
  const std::shared_ptr<InProcessHub> hub_;
};

}  // namespace nokv::rpc
