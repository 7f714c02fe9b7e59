// Endpoints: some servers of one service, of which any may answer: the channels to them, whom to
// ask first, and the pauses when none of them has answered.
//
//   const auto tills = Endpoints::Make(runtime, {.service = "shop.v1.Till", …}, dial);
//   tills->Ask({.method = "Pay", .request = bill, .deadline_us = …, .judge = …, .give_up = …});
//   tills->Close();
//
// Servers are asked in turns, beginning with the one that answered last. One that is dead costs at
// most an attempt, and nothing at the start: servers are connected to when they are asked. Nothing
// waits: answers come to callbacks, in the executor of the channels or in the runtime.
//
// Thread safety: thread-safe. With the lock held nothing is called but Channel::Open and `dial`,
// which call nobody back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "nokv/status.h"
#include "rpc/call.h"
#include "rpc/unary.h"
#include "runtime/runtime.h"

namespace nokv::rpc {

// The way to the server at an address.
using Dial = std::function<std::unique_ptr<Channel>(const std::string& address)>;

struct EndpointsOptions {
  std::string service = {};                 // "shop.v1.Till"
  std::string one = {};                     // of them, in messages: "till"
  std::vector<std::string> addresses = {};  // at least one
  uint64_t attempt_ms = 1'000;              // that one of them gets for an answer
  uint64_t pause_ms = 50;  // after none had one; longer each time, up to four times this
  size_t max_answer_bytes = size_t{64} << 20;  // in all messages of one answer
};

// Goes on asking, with the server at `next`, because of `why`.
using AskOn = std::function<void(size_t next, const Status& why)>;

// A question, which is asked until it is answered or its time is over.
struct Question {
  std::string method = {};
  std::string request = {};
  uint64_t deadline_us = 0;         // of the runtime's monotonic clock
  std::optional<size_t> only = {};  // which server to ask, all the time; without it: one by one
  // Told of each answer of the server at `index`, or why it had none. Either it takes that, or it
  // calls `on`, now or later.
  std::function<void(size_t index, Answers answers, const AskOn& on)> judge = {};
  // Called instead if there is no time left, or the endpoints are closed.
  std::function<void(const Status&)> give_up = {};
};

class Endpoints : public std::enable_shared_from_this<Endpoints> {
 public:
  // `runtime` is borrowed.
  static std::shared_ptr<Endpoints> Make(runtime::Runtime& runtime, EndpointsOptions options,
                                         Dial dial);

  void Ask(Question question);
  // Ends everything, with kCancelled. Waits for what the network is doing.
  void Close() EXCLUDES(mu_);
  bool closed() const EXCLUDES(mu_);
  // What everybody is told when they are closed.
  Status Closed() const;

  const EndpointsOptions& options() const { return options_; }
  uint64_t now_us() const { return runtime_.clock().MonotonicMicros(); }

  // Begins a call of the server at `index`. Null: they are closed.
  std::shared_ptr<Call> Open(size_t index, const std::string& method, const CallOptions& options,
                             std::shared_ptr<CallHandler> handler) EXCLUDES(mu_);
  // Runs `then` after the pause; with false, and at once, if they are closed.
  void Pause(uint64_t pause_us, std::function<void(bool)> then) EXCLUDES(mu_);
  // Runs `then` for the next attempt after so many failed in a row: at once as long as not all
  // servers have failed as often, else after a pause, of `most_us` at most.
  void PauseAfter(size_t failures, uint64_t most_us, std::function<void(bool)> then) EXCLUDES(mu_);

  // Where to begin.
  size_t preferred() const EXCLUDES(mu_);
  // The server at `index` answered, or did not.
  void Note(size_t index, bool answered) EXCLUDES(mu_);
  size_t After(size_t index) const EXCLUDES(mu_);
  std::string AddressOf(size_t index) const EXCLUDES(mu_);
  // The place of an address, which is added if it is new: others have named it. The first place if
  // there is no room for more.
  size_t IndexOf(const std::string& address) EXCLUDES(mu_);

 private:
  struct Endpoint {
    std::string address;
    std::unique_ptr<Channel> channel;  // null until it is used
  };

  Endpoints(runtime::Runtime& runtime, EndpointsOptions options, Dial dial);

  size_t count() const EXCLUDES(mu_);
  void Resume(uint64_t id) EXCLUDES(mu_);

  runtime::Runtime& runtime_;
  const EndpointsOptions options_;
  const Dial dial_;
  mutable base::Mutex mu_;
  bool closed_ GUARDED_BY(mu_) = false;
  size_t preferred_ GUARDED_BY(mu_) = 0;
  // Calls are opened with the lock held, so that nobody else ever holds a channel. Never fewer.
  std::vector<Endpoint> endpoints_ GUARDED_BY(mu_);
  uint64_t next_id_ GUARDED_BY(mu_) = 1;
  std::map<uint64_t, std::function<void(bool)>> paused_ GUARDED_BY(mu_);
};

}  // namespace nokv::rpc
