// Services: what a server offers, as a list of methods by name. See rpc/call.h.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "rpc/call.h"

namespace nokv::rpc {

// Serves a new call, in the executor of its service. Null ends it with kUnavailable, unless it was
// ended already.
using AcceptCall = std::function<std::shared_ptr<CallHandler>(const std::shared_ptr<Call>&)>;

struct Method {
  std::string name;  // "Pay"
  AcceptCall accept;
};

struct Service {
  std::string name;  // "shop.v1.Till"
  std::vector<Method> methods;
  Executor executor;  // of its handlers
  CallLimits limits = {};
};

// Listens until it is destroyed; calls end then. Handlers that are still in an executor run
// afterwards. Thread safety: thread-safe.
class Server {
 public:
  virtual ~Server() = default;
  // Where it listens, with the port that was given if 0 was asked for.
  virtual const std::string& address() const = 0;
  // What health checks are told of a service; true at first. An empty name is the whole server.
  virtual void SetServing(const std::string& service, bool serving) = 0;
};

inline std::string MethodPath(const std::string& service, const std::string& method) {
  return "/" + service + "/" + method;
}

}  // namespace nokv::rpc
