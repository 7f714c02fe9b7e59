// Endpoints: what the calls of a client share: the channels to coordinators, which of them to ask
// first, and the calls that pause before they ask again. Private to coordinator/client.
//
// Thread safety: thread-safe. Nothing is called with the lock held but Channel::Open and dial.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "coordinator/client/client.h"

namespace nokv::coordinator {

// "nokv help E2302": the coordinator does not hold the lease.
inline constexpr uint16_t kNotTheHolder = 2302;

// A question, which is asked until it is answered or its time is over.
struct Question {
  std::string method;
  std::string request;
  uint64_t deadline_us = 0;
  bool for_holder = false;  // only the holder of the lease answers it
  bool only_first = false;  // asked once, and nobody else
  size_t first = 0;         // of only_first
  std::function<void(Result<std::string>)> done;
};

class Endpoints : public std::enable_shared_from_this<Endpoints> {
 public:
  Endpoints(runtime::Runtime& runtime, const ClientOptions& options, Dial dial);

  void Ask(Question question);
  // Calls `then` with where the holder of the lease is, as `index` says; or with the next one.
  void FindHolder(size_t index, std::function<void(size_t)> then);
  // Ends everything. Waits for what the network is doing.
  void Close() EXCLUDES(mu_);

  const ClientOptions& options() const { return options_; }
  uint64_t now_us() { return runtime_.clock().MonotonicMicros(); }
  // How long to pause after `rounds` in which none had an answer.
  uint64_t PauseUs(size_t rounds) const;

  // Where to begin.
  size_t preferred(bool for_holder) const EXCLUDES(mu_);
  // Where to begin from now on.
  void Prefer(size_t index, bool for_holder) EXCLUDES(mu_);
  size_t After(size_t index) const EXCLUDES(mu_);
  size_t count() const EXCLUDES(mu_);
  std::string AddressOf(size_t index) const EXCLUDES(mu_);
  // The place of an address, which is remembered if it is new.
  size_t IndexOf(const std::string& address) EXCLUDES(mu_);
  // Begins a call. Null: the client is over.
  std::shared_ptr<rpc::Call> Open(size_t index, const std::string& method,
                                  const rpc::CallOptions& options,
                                  std::shared_ptr<rpc::CallHandler> handler) EXCLUDES(mu_);
  // Runs `then` after the pause, with false if the client is over: at once then.
  void Pause(uint64_t pause_us, std::function<void(bool)> then) EXCLUDES(mu_);
  bool closed() const EXCLUDES(mu_);

 private:
  struct Endpoint {
    std::string address;
    std::unique_ptr<rpc::Channel> channel;  // null until it is used
  };

  void Resume(uint64_t id) EXCLUDES(mu_);

  runtime::Runtime& runtime_;
  const ClientOptions options_;
  const Dial dial_;
  mutable base::Mutex mu_;
  bool closed_ GUARDED_BY(mu_) = false;
  size_t preferred_ GUARDED_BY(mu_) = 0;
  size_t holder_ GUARDED_BY(mu_) = 0;
  // Calls are opened with the lock held, so that nobody else ever holds a channel.
  std::vector<Endpoint> endpoints_ GUARDED_BY(mu_);
  uint64_t next_id_ GUARDED_BY(mu_) = 1;
  std::map<uint64_t, std::function<void(bool)>> paused_ GUARDED_BY(mu_);
};

// What every call answers when the client is over.
Status ClientClosed();
// True if another coordinator, or the same one later, may answer.
bool WorthAnotherTry(const Status& status);

}  // namespace nokv::coordinator
