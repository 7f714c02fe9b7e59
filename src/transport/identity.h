// Identity: what nodes must say of themselves, beyond their numbers, before they are listened to.
// A hello carries a greeting, and so does the welcome: both sides judge the other's.
//
// Thread safety: thread-safe. Called by the threads of the network; must not wait.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "nokv/status.h"
#include "transport/group_message.h"

namespace nokv::transport {

inline constexpr size_t kMaxGreetingBytes = 4096;

class Identity {
 public:
  virtual ~Identity() = default;
  // What this node says; at most kMaxGreetingBytes.
  virtual std::string Greeting() const = 0;
  // Not OK: nothing is sent to `from`, and nothing is taken from it. kUnavailable: not yet.
  virtual Status Greeted(NodeId from, std::string_view greeting) = 0;
};

}  // namespace nokv::transport
