// Receiver: a connection, as it is known to those who send it messages or tell about it.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace nokv::redis {

// What a connection holds in memory.
struct ConnectionUse {
  size_t input_bytes = 0;   // received and not executed
  size_t output_bytes = 0;  // waiting for its socket
  size_t held_replies = 0;  // waiting for commits
  size_t held_bytes = 0;
};

class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual uint64_t id() const = 0;
  // Of the protocol it speaks: messages are arrays in version 2, pushes from 3.
  virtual int protocol() const = 0;
  // Sends a complete RESP value that is no reply, after what the client was sent before and once
  // `barrier` is acknowledged (0: at once). It is dropped if that commit failed, or if the client
  // does not read; the client is then disconnected.
  virtual void Push(std::string_view message, uint64_t barrier) = 0;
  virtual ConnectionUse use() const = 0;
};

}  // namespace nokv::redis
