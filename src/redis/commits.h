// Commits: which commits are on their way, and up to which one all are acknowledged.
//
// Commits are numbered in the order in which they were made. Their completions may come from any
// thread; they are counted on the loop. The backend may gather those of a round of the loop; they
// are submitted when it ends, or before.
//
// A commit that must be durable waits for a sync. Commits asks for one at the end of a round of the
// loop: what one round executes shares a sync. What is executed while it runs waits for the next,
// which begins after the clients that were just answered had time to join.
//
// The loop runs a sync itself if nobody waits to be heard and syncs are quick: handing it to
// another thread and back takes as long as a fast disk does. Otherwise it goes on serving
// meanwhile.
//
// Thread safety: owned by the loop; completions cross over through a queue of its own.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "redis/backend.h"
#include "rpc/stream/stream.h"

namespace nokv::redis {

class Commits {
 public:
  // `on_progress` runs on the loop after completions were counted, but for those that came within
  // their own Start.
  Commits(Backend& backend, rpc::stream::Loop& loop, base::Clock& clock,
          std::function<void()> on_progress);

  struct Started {
    uint64_t number;
    bool applied;
  };
  // With `reads`, the commit depends on them.
  Started Start(std::span<const Write> writes, Survives survives, const ReadSet* reads);
  // Sends what was gathered on its way. REQUIRES: no Start runs.
  void Submit();

  uint64_t last() const { return last_; }
  // All commits up to this one have their outcome.
  uint64_t acknowledged() const { return acknowledged_; }
  // The outcome of a commit; nullopt while it has none. Failures are kept until Forget.
  std::optional<Status> Outcome(uint64_t number) const;
  // A client was heard, whatever it wants.
  void NoteInput() { heard_ = true; }
  // True if a commit has failed since the last call: what it changed is not there.
  bool TakeFailure() { return std::exchange(failure_, false); }
  // Nobody will ask for acknowledged commits any more.
  void ForgetFailures();

 private:
  void Complete(uint64_t number, Status status);
  // Starts a sync when the loop has gone round so often, or earlier if as many commits wait as are
  // expected. REQUIRES: none runs.
  void SyncAfterRounds(int rounds);
  // Starts it now, or, if a client was just heard, after one more look at the others.
  void SyncWhenQuiet();
  void Sync(bool leading);
  void Count(uint64_t number, Status status);
  void TakeQueue();
  void SubmitSoon();
  // Completions may come while sessions are in the middle of a command; they hear of it later.
  void PostProgress();

  Backend& backend_;
  rpc::stream::Loop& loop_;
  base::Clock& clock_;
  std::function<void()> on_progress_;
  uint64_t last_ = 0;
  uint64_t acknowledged_ = 0;
  uint64_t starting_ = 0;  // the commit inside Start; 0: none
  bool syncing_ = false;   // a sync is posted or runs
  size_t unsynced_ = 0;    // commits that wait for the next one
  size_t expected_ = 0;    // as many are likely to come before long
  bool heard_ = false;     // a client, since this was last asked
  uint64_t sync_us_ = 0;   // what the last sync took
  bool failure_ = false;
  bool submit_posted_ = false;
  bool submitting_ = false;  // completions that come now are told at its end
  bool progress_ = false;    // there were some
  bool progress_posted_ = false;
  std::deque<bool> done_;              // of the commits after acknowledged_
  std::map<uint64_t, Status> failed_;  // by number

  base::Mutex mu_;
  struct Completed {
    uint64_t number;
    Status status;
  };
  std::vector<Completed> queue_ GUARDED_BY(mu_);
};

}  // namespace nokv::redis
