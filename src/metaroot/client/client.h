// Client: asks the metadata root: any of its nodes that answers, and follows its events.
//
//   Client root(runtime, {.members = {{1, "a:2380"}, {2, "b:2380"}, {3, "c:2380"}}}, dial);
//   root.Append({.events = {…}}, 2'000, [](Result<Outcome> outcome) { … });
//   root.Follow(std::nullopt, &listener);
//
// Nodes are asked in turns, beginning with the one that answered last; who says that another one
// leads is believed. One that is dead costs at most an attempt, and nothing at the start: nodes are
// connected to when they are asked. Nothing waits: answers come to callbacks, in the executor of
// the channels that `dial` makes, at the latest when the deadline is over.
//
// Thread safety: thread-safe, but for construction and destruction. Not to be destroyed by a
// callback.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "metaroot/machine.h"
#include "metaroot/state.h"
#include "metaroot/wire/wire.h"
#include "nokv/status.h"
#include "rpc/endpoints.h"
#include "runtime/runtime.h"

namespace nokv::metaroot {

struct RootMember {
  uint64_t node = 0;
  std::string address = {};
};

struct ClientOptions {
  std::vector<RootMember> members = {};
  uint64_t attempt_ms = 1'000;  // that one node gets for an answer
  uint64_t pause_ms = 50;       // after none had one; longer each time, up to four times this
  // Of who is followed; one that says nothing for three times as long is left for the next.
  uint64_t heartbeat_ms = 500;
};

enum class Consistency { kStrong, kAny };

// Who follows the root's events. Told one thing after the other.
class Listener {
 public:
  virtual ~Listener() = default;
  // The whole state: what was known before is void.
  virtual void OnState(State state) = 0;
  // Each follows the one before, and the state or what Follow began after. An error if the listener
  // cannot follow: OnState comes next then.
  virtual Status OnEvents(std::vector<TailEvent> events) = 0;
  // A quorum has confirmed, after the last heartbeat, that `revision` is the last one.
  virtual void OnHeartbeat(uint64_t revision) = 0;
  // The node that was followed is not any more; another one will be.
  virtual void OnLost(const Status& why) = 0;
};

// The last events.
struct EventList {
  std::vector<TailEvent> events = {};
  uint64_t kept_after = 0;  // those up to this revision are not kept any more
  uint64_t revision = 0;    // the last one that the asked node has
};

class Client {
 public:
  // `runtime` is borrowed. `dial` is rpc::grpc::NewChannel, or that of an InProcessNetwork, with
  // limits of kMaxWireBytes.
  Client(runtime::Runtime& runtime, const ClientOptions& options, const rpc::Dial& dial);
  // Whatever is under way ends with kCancelled.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // What became of the command; that it was refused is an outcome. kInvalidArgument: it is none.
  // Any other error: nobody knows, it may still be taken. One without conditions is asked again
  // until the deadline, since no event does harm when it is told twice; one with a condition is
  // not, since it would be refused for its own sake.
  void Append(const Command& command, uint64_t deadline_ms,
              std::function<void(Result<Outcome>)> done);
  // What is known, not older than anything that had ended before the call.
  void Confirm(uint64_t deadline_ms, std::function<void(Result<StateHead>)> done);
  void GetState(Consistency consistency, uint64_t deadline_ms,
                std::function<void(Result<State>)> done);
  // `limit` 0: as many as one answer has.
  void ListEvents(uint64_t after_revision, uint32_t limit, uint64_t deadline_ms,
                  std::function<void(Result<EventList>)> done);
  // Of one node, by its id, and of no other.
  void GetStatus(uint64_t node, uint64_t deadline_ms, std::function<void(Result<NodeStatus>)> done);

  // Tells `listener`, which is borrowed, of all that happens after `after_revision`, beginning with
  // the state if that is not given or too long ago; until the client is destroyed.
  void Follow(std::optional<uint64_t> after_revision, Listener* listener);

  const ClientOptions& options() const { return options_; }
  const std::vector<RootMember>& members() const { return options_.members; }

 private:
  // What a question makes of an attempt.
  struct Verdict {
    bool done = true;     // it has told who asked
    uint64_t leader = 0;  // not done: who to ask next; 0: the next one
    Status why = {};      // not done
  };
  using Judge = std::function<Verdict(rpc::Answers)>;

  static Verdict AskAgain(Status why, uint64_t leader = 0);
  static Verdict JudgeAppend(const rpc::Answers& answers, bool conditional,
                             const std::function<void(Result<Outcome>)>& done);
  // Asks until somebody answers; `read` makes the value of the answers.
  template <typename Value>
  void AskFor(const std::string& method, std::string request, uint64_t deadline_ms,
              std::function<Result<Value>(rpc::Answers)> read,
              std::function<void(Result<Value>)> done);
  void Ask(const std::string& method, std::string request, uint64_t deadline_ms, Judge judge,
           std::function<void(const Status&)> give_up);
  // The place of a node; nullopt if it is no member.
  std::optional<size_t> IndexOf(uint64_t node) const;

  const ClientOptions options_;
  const std::shared_ptr<rpc::Endpoints> endpoints_;
};

}  // namespace nokv::metaroot
