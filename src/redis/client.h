// ClientState: what the gateway knows about one connection, apart from its bytes.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "redis/acl/identity.h"
#include "redis/multi.h"
#include "redis/pubsub.h"

namespace nokv::redis {

enum class ReplyMode : uint8_t { kOn, kOff, kSkipNext };

struct ClientState {
  uint64_t id = 0;
  acl::Identity identity;
  int db = 0;
  int protocol = 2;
  ReplyMode reply_mode = ReplyMode::kOn;
  bool close_after_reply = false;
  bool no_evict = false;
  bool no_touch = false;
  std::string name;
  std::string library_name;
  std::string library_version;
  std::string address;
  std::string local_address;
  uint64_t connected_ms = 0;
  uint64_t last_command_ms = 0;
  std::string_view last_command = "NULL";
  uint64_t commands = 0;
  MultiState multi;
  Subscriptions subscriptions;
  bool monitors = false;  // it is shown every command
  // Where messages for it go; the connection itself.
  Receiver* receiver = nullptr;
  // The reply to its last command comes later (Services::Answer); until then it runs no other.
  bool waits_for_reply = false;
};

}  // namespace nokv::redis
