// CommitTracker: which writes are applied, durable and visible, and whom to tell.
//
// Writes begin in sequence order and are applied in any order. The applied prefix grows as gaps
// close. Behind it the visible prefix follows: an unsynced write is visible once everything before
// it is; a synced one when a sync has covered it. Acknowledgements go out in that order, so what is
// acknowledged is always a prefix. Who waits for a sync alone holds up no write behind it.
//
// Invariant: durable-and-waited-for <= visible <= applied < next.
// Thread safety: thread-compatible; the engine's mutex guards it, but for the horizon that it
// keeps.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "keys/keys.h"
#include "nokv/status.h"

namespace nokv::engine {

// Calls to be made once the engine's mutex is released.
class Completions {
 public:
  void Add(std::function<void(Status)> done, Status status) {
    if (!done) return;
    if (!first_.done) {
      first_ = {std::move(done), std::move(status)};
    } else {
      rest_.push_back({std::move(done), std::move(status)});
    }
  }
  bool empty() const { return !first_.done; }
  // REQUIRES: no lock is held.
  void Run() {
    if (empty()) return;
    first_.done(std::move(first_.status));
    for (Call& call : rest_) call.done(std::move(call.status));
    first_.done = nullptr;
    rest_.clear();
  }

 private:
  struct Call {
    std::function<void(Status)> done;
    Status status;
  };
  Call first_;  // alone for most writes: it takes no allocation
  std::vector<Call> rest_;
};

// What must happen before a write is acknowledged and visible.
enum class SyncNeed {
  kNone,      // everything before it is visible
  kDue,       // also a sync that began after it was applied; somebody must start one
  kDeferred,  // the same, but its writer will ask for the sync
};

// Up to where reads see. Thread-safe: a tracker writes it, everybody reads.
class ReadHorizon {
 public:
  // Acquire: paired with the release in Set, so that the entries up to there are seen.
  keys::SequenceNumber visible() const { return visible_.load(std::memory_order_acquire); }
  // With what waits for a sync; not beyond visible() once that cannot come any more.
  keys::SequenceNumber applied() const { return applied_.load(std::memory_order_acquire); }

 private:
  friend class CommitTracker;
  void Set(keys::SequenceNumber visible, keys::SequenceNumber applied) {
    visible_.store(visible, std::memory_order_release);
    applied_.store(applied, std::memory_order_release);
  }

  std::atomic<keys::SequenceNumber> visible_{0};
  std::atomic<keys::SequenceNumber> applied_{0};
};

class CommitTracker {
 public:
  // Everything up to `last` is applied, durable and visible. `horizon` is borrowed.
  CommitTracker(keys::SequenceNumber last, ReadHorizon* horizon)
      : horizon_(horizon), next_(last + 1), applied_(last), visible_(last), durable_(last) {
    horizon_->Set(last, last);
  }

  keys::SequenceNumber next() const { return next_; }
  keys::SequenceNumber applied() const { return applied_; }
  keys::SequenceNumber visible() const { return visible_; }
  // What the last sync has covered, or what there was at first.
  keys::SequenceNumber durable() const { return durable_; }
  // True if an applied write waits for a sync that is due.
  bool NeedsSync() const {
    return syncs_waiting_ > 0 || (!waiters_.empty() && waiters_.front().last <= applied_);
  }
  // Writes begun and not yet applied, and those applied and not yet acknowledged, with those who
  // wait for a sync alone.
  size_t in_flight() const { return in_flight_.size(); }
  size_t waiting() const { return waiting_.size() + waiters_.size(); }

  // Takes the next `count` sequence numbers for the batch `encoding`, which must live until
  // Applied; returns the ticket for that.
  uint64_t Begin(std::string_view encoding, uint64_t count, SyncNeed need,
                 std::function<void(Status)> done);
  // Calls `visit` with the encoding of each write that has begun and is not applied.
  template <typename Visit>
  void ForEachUnapplied(const Visit& visit) const {
    for (const Write& write : in_flight_) {
      if (!write.applied) visit(write.encoding);
    }
  }
  // The write of `ticket` is in its memtable and in the log.
  void Applied(uint64_t ticket, Completions* completions);
  // `done` waits for a sync of everything begun so far.
  void AwaitSync(std::function<void(Status)> done, Completions* completions);
  // A sync has covered everything up to `sequence` (what applied() was when it started).
  void Synced(keys::SequenceNumber sequence, Completions* completions);
  // Every write not yet acknowledged is answered `status`; nothing becomes visible any more.
  void Fail(const Status& status, Completions* completions);

 private:
  struct Write {
    std::string_view encoding;  // valid until it is applied
    keys::SequenceNumber last = 0;
    SyncNeed need = SyncNeed::kNone;
    bool applied = false;
    std::function<void(Status)> done;
  };

  // Waits for a sync of what had begun before it.
  struct Waiter {
    keys::SequenceNumber last = 0;
    std::function<void(Status)> done;
  };

  void Advance(Completions* completions);

  ReadHorizon* horizon_;
  keys::SequenceNumber next_;
  keys::SequenceNumber applied_;
  keys::SequenceNumber visible_;
  keys::SequenceNumber durable_;
  bool failed_ = false;
  uint64_t first_ticket_ = 0;    // of in_flight_.front()
  std::deque<Write> in_flight_;  // begun, in order; the applied prefix moves to waiting_
  std::deque<Write> waiting_;    // applied, in order, not yet visible
  std::deque<Waiter> waiters_;
  size_t syncs_waiting_ = 0;  // writes in waiting_ whose sync is due
};

}  // namespace nokv::engine
