// Calls: streams of messages in both directions, from a client to a method of a server.
//
// There is one kind of call. What others know as a unary call is one with a message each way
// (rpc/unary.h); a method that takes or gives many is the same thing.
//
//   client                                           server
//   call = channel.Open("/shop.v1.Till/Pay", …)
//   call->Send(bill)                            ->   handler = method.accept(call)
//                                                    handler->OnMessage(call, bill)
//   handler->OnMessage(call, receipt)           <-   call.Send(receipt)
//   handler->OnDone(call, OK)                   <-   call.End(OK)
//
// Messages are bytes; what they mean is said in proto/. They arrive in order and once, or the call
// ends with a failure. A call is served by gRPC (rpc/grpc) or inside a process (rpc/in_process.h).
//
// Back-pressure. A sender sees what it has piled up in pending_bytes() and is told by OnSent when
// the network has taken it all: who sends much collects messages meanwhile, and sends them as one.
// A receiver that is slow, or that has said SetReading(false), stops its peer: no more than
// CallLimits::read_ahead_bytes and one message wait for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "nokv/status.h"

namespace nokv::rpc {

// Runs what it is given, soon, in any thread. Handlers of one call are never run twice at a time,
// whatever the executor does.
using Executor = std::function<void(std::function<void()>)>;

// Makes the threads of the network run the handlers: good for those that only hand over to a loop
// of their own.
inline Executor AtOnce() {
  return [](const std::function<void()>& task) { task(); };
}

struct CallLimits {
  // Of one message that arrives. A longer one ends the call with kResourceExhausted before there is
  // memory for it.
  size_t max_message_bytes = size_t{4} << 20;
  // What may wait for the network. Sending more ends the call with kResourceExhausted.
  size_t max_pending_bytes = size_t{64} << 20;
  // How much is taken from the network before the handler asks for it.
  size_t read_ahead_bytes = size_t{1} << 20;
};

// One end of a call. Thread safety: thread-safe.
class Call {
 public:
  virtual ~Call() = default;

  // Queues a message. Never waits; after the end it does nothing.
  virtual void Send(std::string message) = 0;
  // Bytes that were given to Send and that the network has not taken.
  virtual size_t pending_bytes() const = 0;
  // OnMessage comes while this is on; it is at first. A call that fails ends all the same; one that
  // ends well does so when everything was read.
  virtual void SetReading(bool on) = 0;
  // Nothing more comes from this end. OK: after what was sent. A failure: at once, and what was not
  // sent yet is dropped.
  // At the server it ends the call with `status`, which is what the client's OnDone says. At the
  // client OK leaves the call to the server, and a failure cancels it and is what OnDone says.
  virtual void End(const Status& status) = 0;
  // The address of the peer, for messages.
  virtual std::string peer() const = 0;
};

// What somebody does with a call. Its functions are called one after the other, in the executor of
// the service or channel, and never from inside Send, End or Open. It lives until OnDone returned.
class CallHandler {
 public:
  virtual ~CallHandler() = default;

  virtual void OnMessage(Call& call, std::string message) = 0;
  // The network has taken all that was sent.
  virtual void OnSent(Call& call) { static_cast<void>(call); }
  // At a server: the client has said all. Unless overridden, ends the call with OK.
  virtual void OnPeerEnded(Call& call) { call.End(Status::Ok()); }
  // The last call, always. At a client `status` is how the call ended; at a server it is OK if the
  // call ended as End said, else what broke it: kCancelled by the client or for its deadline, or
  // because the connection broke; kResourceExhausted for a message over the limit.
  virtual void OnDone(Call& call, const Status& status) = 0;
};

struct CallOptions {
  // After this the call ends with kDeadlineExceeded; the server learns of it. 0: never.
  uint64_t deadline_ms = 0;
};

// The way to one server. Connects when it is used, and again when the connection broke.
// Its calls end with it, with kCancelled: when it is gone, they have told the executor so, and will
// tell it nothing any more. Not to be destroyed by a handler.
// Thread safety: thread-safe, but for destruction.
class Channel {
 public:
  virtual ~Channel() = default;

  // Begins a call of "/package.Service/Method". Never waits and cannot fail: what goes wrong is
  // said by OnDone, kUnavailable if the server cannot be reached.
  virtual std::shared_ptr<Call> Open(const std::string& method, const CallOptions& options,
                                     std::shared_ptr<CallHandler> handler) = 0;
};

}  // namespace nokv::rpc
