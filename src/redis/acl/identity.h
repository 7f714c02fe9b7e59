// Identity: who a client is. Held by ClientState.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstdint>
#include <memory>

namespace nokv::redis::acl {

class User;

struct Identity {
  // What it may do; follows changes of the user. Not null while the client is connected.
  std::shared_ptr<const User> user;
  // Proved by a password, or that none was needed when the client came.
  bool authenticated = false;
  uint32_t failures = 0;        // of AUTH in a row
  uint64_t reply_delay_ms = 0;  // the reply to the command that runs comes so much later
};

}  // namespace nokv::redis::acl
