// ClientCore: what the calls of a client share: the channels to the nodes, which of them to ask
// first, and the calls that pause before they ask again. Private to metaroot/client.
//
// Thread safety: thread-safe. Nothing is called with the lock held but Channel::Open.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "metaroot/client/client.h"

namespace nokv::metaroot {

class Follower;

// What a call was answered with: its messages, or why there is none.
using Answers = Result<std::vector<std::string>>;

// What a question makes of an attempt.
struct Verdict {
  bool done = true;      // it has told who asked
  uint64_t leader = 0;   // not done: who to ask next; 0: the next one
  std::string why = {};  // not done
};

struct Question {
  std::string method = {};
  std::string request = {};
  uint64_t deadline_us = 0;
  uint64_t only = 0;  // the one node to ask; 0: any
  // Called after each attempt, until it says that it is done.
  std::function<Verdict(Answers)> judge = {};
  // Called instead if the time is over, or the client is.
  std::function<void(const Status&)> give_up = {};
};

class ClientCore : public std::enable_shared_from_this<ClientCore> {
 public:
  ClientCore(runtime::Runtime& runtime, const ClientOptions& options, const Dial& dial);

  void Ask(Question question);
  void Follow(std::optional<uint64_t> after_revision, Listener* listener) EXCLUDES(mu_);
  // Ends everything. Waits for what the network is doing.
  void Close() EXCLUDES(mu_);

  const ClientOptions& options() const { return options_; }
  uint64_t now_us() { return runtime_.clock().MonotonicMicros(); }

  // Where to begin.
  size_t preferred() const EXCLUDES(mu_);
  // The node at this place answered, or did not.
  void Note(size_t index, bool answered) EXCLUDES(mu_);
  size_t After(size_t index) const { return (index + 1) % options_.members.size(); }
  // The place of a node; nullopt if it is no member.
  std::optional<size_t> IndexOf(uint64_t node) const;
  // Begins a call of the node at this place. Null: the client is over.
  std::shared_ptr<rpc::Call> Open(size_t index, const std::string& method,
                                  const rpc::CallOptions& options,
                                  std::shared_ptr<rpc::CallHandler> handler) EXCLUDES(mu_);
  // Runs `then` after the pause, with false if the client is over: at once then.
  void Pause(uint64_t pause_us, std::function<void(bool)> then) EXCLUDES(mu_);
  bool closed() const EXCLUDES(mu_);

 private:
  void Resume(uint64_t id) EXCLUDES(mu_);

  runtime::Runtime& runtime_;
  const ClientOptions options_;
  mutable base::Mutex mu_;
  bool closed_ GUARDED_BY(mu_) = false;
  size_t preferred_ GUARDED_BY(mu_) = 0;
  // Calls are opened with the lock held, so that nobody else ever holds a channel.
  std::vector<std::unique_ptr<rpc::Channel>> channels_ GUARDED_BY(mu_);
  uint64_t next_id_ GUARDED_BY(mu_) = 1;
  std::map<uint64_t, std::function<void(bool)>> paused_ GUARDED_BY(mu_);
};

// How long to pause after `rounds` in which no node had an answer.
uint64_t PauseUs(const ClientOptions& options, size_t rounds);

}  // namespace nokv::metaroot
