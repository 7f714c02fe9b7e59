// Scripts: runs the gateway's scripts, each as one transaction.
//
// A script that ends within its first slice of time runs inside the command that asked for it. One
// that does not starts again from the beginning, with a note of all that it reads, and takes turns
// with everybody else on the loop; its client waits. When it has ended, its writes are committed if
// nothing of what it has read has changed meanwhile. Otherwise it is run again; after a few
// conflicts it runs without a break, and cannot fail.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "redis/commands/command.h"
#include "redis/executor.h"
#include "redis/script/engine.h"
#include "redis/script/script_cache.h"
#include "rpc/stream/stream.h"

namespace nokv::redis {

class Scripts {
 public:
  // All are borrowed.
  Scripts(Services& services, base::Logger& logger, rpc::stream::Loop& loop);
  ~Scripts();

  struct Request {
    std::shared_ptr<Script> script;
    bool read_only = false;
    size_t keys = 0;  // how many of the words from the fourth on are keys
  };
  // Runs a script for a command and writes its reply; or leaves the client waiting
  // (ClientState::waits_for_reply) for an answer through Services::Answer. A script that fails
  // keeps what it wrote, one that is stopped does not.
  Status Run(Context& context, const Request& request);

  // Stops all scripts that have begun and not ended; false if there are none.
  bool Kill();
  // The client is gone: so is its script, if it has not ended.
  void Cancel(uint64_t client_id);
  // Forgets the cached scripts.
  void Flush();
  // Goes on with what had to wait because the store had no room.
  void Continue();

  ScriptCache& cache() { return cache_; }
  size_t used_bytes() const { return engine_.used_bytes(); }

 private:
  class Host;
  struct Attempt;
  struct Suspended;

  ScriptLimits Limits() const;
  // Makes a run of the script for the words of an EVAL.
  Status Prepare(const Request& request, std::span<const std::string_view> words, int protocol,
                 Attempt* attempt);
  void Suspend(Context& context, const Request& request);
  void PostTurn();
  // Runs one slice of the script whose turn it is.
  void Turn();
  // True if it has ended and its client has its answer.
  bool RunSlice(Suspended& script);
  bool Finish(Suspended& script);
  void Answer(Suspended& script, const Executed& executed, std::string_view reply);

  Services& services_;
  base::Logger& logger_;
  rpc::stream::Loop& loop_;
  ScriptEngine engine_;
  ScriptCache cache_;
  std::list<std::unique_ptr<Suspended>> suspended_;  // the first has the next turn
  bool posted_ = false;
};

}  // namespace nokv::redis
