// InProcessWire: what lies between the two ends of a call inside a process. Private to rpc.
//
// Each direction holds what was written and not read, in order; how much of it has arrived is a
// count, so that tasks that are due at the same time may run in any order. A writer whose direction
// is full waits for the reader.
//
// Thread safety: thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "rpc/call_end.h"
#include "rpc/service.h"

namespace nokv::rpc {

// What moves messages on.
class InProcessClock {
 public:
  virtual ~InProcessClock() = default;
  virtual std::optional<uint64_t> Delay(const std::string& from, const std::string& to) = 0;
  // How much may be under way in one direction of a call before who sends it has to wait.
  virtual size_t WindowBytes() const = 0;
  virtual uint64_t NowMicros() = 0;
  virtual void After(uint64_t micros, std::function<void()> task) = 0;
};

class InProcessWire : public std::enable_shared_from_this<InProcessWire> {
 public:
  InProcessWire(std::shared_ptr<InProcessClock> clock, std::string client, std::string server);

  // The client's end; it lives on without the wire.
  std::shared_ptr<Call> Open(const CallLimits& limits, const Executor& executor,
                             std::shared_ptr<CallHandler> handler);
  // The server's end begins.
  void Serve(const CallLimits& limits, const Executor& executor, const AcceptCall& accept);
  // Both ends hear that it is over: the client `status`, the server kCancelled. Once.
  void Break(const Status& status);

 private:
  class End;
  friend class End;
  enum Role : uint8_t { kClient = 0, kServer = 1 };
  static Role Other(Role role) { return role == kClient ? kServer : kClient; }

  // What one end has said: a message, or that nothing more comes, with the server's status.
  struct Item {
    std::string message;
    std::optional<Status> end;
  };
  struct Direction {
    std::deque<Item> items;
    size_t arrived = 0;  // of them
    size_t bytes = 0;
    uint64_t last_due_us = 0;
    bool reader_waits = false;
    bool writer_waits = false;
  };

  void Put(Role from, Item item);
  void Read(Role reader);
  void Arrive(Role from);
  // Gives the reader what has arrived, if it waits.
  void Hand(Role from);
  void Finish(const Status& client, const Status& server);
  std::shared_ptr<End> end_of(Role role) const EXCLUDES(mu_);

  const std::shared_ptr<InProcessClock> clock_;
  const std::array<std::string, 2> names_;
  mutable base::Mutex mu_;
  std::array<Direction, 2> said_ GUARDED_BY(mu_);             // by whom
  std::array<std::shared_ptr<End>, 2> ends_ GUARDED_BY(mu_);  // until it is over
  bool over_ GUARDED_BY(mu_) = false;
};

}  // namespace nokv::rpc
