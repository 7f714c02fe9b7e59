// Executor: runs commands one after the other, each as one transaction. A command goes through
//
//   Resolve    which command it is, and whether the number of words is right
//   Refusal    whether this client may run it now; after MULTI, it is queued instead
//   Run        its function, over a transaction that it may share with other commands
//   Commit     what the transaction did, in one batch
//
// A write is committed before the next command runs, but not necessarily acknowledged: the result
// of Execute says for what the reply has to wait. With back-pressure a commit may not even be
// applied at once; then paused() is true and nothing may be executed until it is.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "redis/commands/command.h"
#include "redis/commands/table.h"
#include "redis/commits.h"
#include "redis/watches.h"

namespace nokv::redis {

// What a reply waits for.
struct Executed {
  uint64_t barrier = 0;     // its own commit, or the last that it may have seen; 0: none
  bool has_pushes = false;  // it is for clients that want no replies, too
  bool waits() const { return barrier != 0; }
};

class Executor {
 public:
  // All are borrowed. `on_progress` runs on the loop when commits were acknowledged, or execution
  // may go on, for a reason outside of Execute.
  Executor(Services& services, Backend& backend, rpc::stream::Loop& loop,
           std::function<void()> on_progress);

  // The books are right: from now on every command is served.
  void set_counts(const AllCounts& counts) {
    counts_ = counts;
    loading_ = false;
  }
  // Until then nothing is executed, and after `StopHolding`, only commands that need no data are.
  bool loading() const { return loading_; }
  void StopHolding() { holding_ = false; }
  const AllCounts& counts() const { return counts_; }

  // REQUIRES: !paused(), args is not empty. Appends one reply to `*out`; if it waits, that is the
  // reply for when the commit succeeds. Appends nothing if ClientState::waits_for_reply is set.
  Executed Execute(ClientState& client, std::span<const std::string_view> args, std::string* out);

  // --- the steps, for commands that run commands ---

  // Finds the command, or the subcommand, that `args` name; null and why not in `*error`.
  const CommandSpec* Resolve(std::span<const std::string_view> args, std::string* error) const;
  // Why `client` may not run the command now; nullopt if it may.
  std::optional<std::string> Refusal(const CommandSpec& spec, const ClientState& client,
                                     std::span<const std::string_view> args) const;
  // Runs a command within `txn`, of which it sees the writes so far, and writes one reply. If that
  // is an error, or comes later, nothing is left of what the command itself did to `txn`. `args`
  // must be what Resolve accepted for `spec`, and live until `txn` is committed (see
  // Transaction::Retain).
  void Run(const CommandSpec& spec, ClientState& client, std::span<const std::string_view> args,
           Transaction& txn, Reply& reply);
  // Commits a transaction. A reply that has to tell of a failure is rewritten.
  Executed Commit(Transaction& txn, Reply& reply);
  // The same for one that was begun earlier, with other commits since; nullopt, and nothing has
  // happened, if one of them has changed something of `reads`. REQUIRES: !paused().
  std::optional<Executed> CommitIfUnchanged(Transaction& txn, const ReadSet& reads, Reply& reply);

  // Commands that come now begin now: what time it is follows from here and from the end of the
  // command before, so that one reading of the clock is enough for each.
  void BeginRound() {
    round_ms_ = NowMs();
    round_us_ = ended_us_ = services_.clock().MonotonicMicros();
    commits_.NoteInput();
  }

  // Removes up to `limit` expired keys; returns how many. REQUIRES: !paused().
  Result<size_t> Reap(size_t limit);

  bool paused() const { return paused_on_.has_value() || (loading_ && holding_); }
  Commits& commits() { return commits_; }
  // Wall-clock milliseconds that never go back.
  uint64_t NowMs();
  // What NowMs last returned.
  uint64_t LastNowMs() const { return now_ms_; }
  // Tells a client that its write, or one that it saw, failed: an error, or, if a key that it
  // watched has changed, the null of EXEC.
  static void ReplyFailed(const Status& status, Reply& reply);
  Watches& watches() { return watches_; }

 private:
  struct Pause {
    uint64_t commit;
    AllCounts counts;  // once it is applied
    std::shared_ptr<const Dependency> dependency;
  };

  // Answers a command that will not run.
  void Refuse(ClientState& client, std::span<const std::string_view> args, std::string_view error,
              Reply& reply);
  void Queue(const CommandSpec& spec, ClientState& client, std::span<const std::string_view> args,
             Reply& reply);
  // What a reply waits for that tells only of what was there: it may have seen writes that are
  // still on their way.
  uint64_t BarrierOfReads() const {
    return commits_.acknowledged() == commits_.last() ? 0 : commits_.last();
  }
  // Commits its writes; an error says that they will not be there.
  Status CommitWrites(const Transaction& txn, std::span<const Write> writes, Executed* executed);
  // Run without its report.
  void Call(const CommandSpec& spec, ClientState& client, std::span<const std::string_view> args,
            Transaction& txn, Reply& reply);
  // Tells of a command that has run since `began_us`.
  void Report(const CommandSpec& spec, const ClientState& client,
              std::span<const std::string_view> args, uint64_t began_us, const Reply& reply);
  void OnProgress();

  Services& services_;
  Backend& backend_;
  std::function<void()> on_progress_;
  Commits commits_;
  Watches watches_;
  AllCounts counts_{};
  bool loading_ = true;
  bool holding_ = true;
  std::optional<Pause> paused_on_;
  uint64_t now_ms_ = 0;
  uint64_t round_ms_ = 0;  // when the round began
  uint64_t round_us_ = 0;  // the same moment, monotonic
  uint64_t ended_us_ = 0;  // when the last command ended
};

}  // namespace nokv::redis
