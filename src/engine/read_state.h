// What a read looks at, and how it gets at it without a lock.
//
// Each thread has a slot in which the state that it read last is kept. A read takes the slot and
// gives it back: two atomic operations on memory that no other thread touches. When the state is
// replaced, all slots are emptied, those in use when they are given back, so that a thread that
// reads no more keeps no memtable alive. (As RocksDB hands out its SuperVersion.)
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/mutex.h"
#include "lsm/memtable/memtable.h"
#include "lsm/version/version.h"

namespace nokv::engine {

// Immutable, replaced as a whole.
struct ReadState {
  std::shared_ptr<lsm::Memtable> active;
  std::vector<std::shared_ptr<lsm::Memtable>> immutables;  // newest first
  std::shared_ptr<const lsm::Version> version;
  // What has a greater sequence number is not, or not all, in here: tables were ingested since.
  // Shared by the states between two ingests. Load after the horizon (acquire; paired with the
  // release in EngineImpl), since it is set before the horizon passes it.
  std::shared_ptr<const std::atomic<keys::SequenceNumber>> limit;
  // What is older has been excised, and may be gone: nothing before this can be read from here. All
  // up to it is in tables.
  keys::SequenceNumber floor = 0;

  // How far a reader sees who loaded `horizon` after it took the state.
  keys::SequenceNumber SequenceAt(keys::SequenceNumber horizon) const {
    return std::max(std::min(horizon, limit->load(std::memory_order_acquire)), floor);
  }
};

// The current state. Thread-safe.
class CurrentReadState {
 private:
  struct Slot;

 public:
  CurrentReadState();
  // REQUIRES: there are no leases. Threads that have read may go on.
  ~CurrentReadState();
  CurrentReadState(const CurrentReadState&) = delete;
  CurrentReadState& operator=(const CurrentReadState&) = delete;

  // A state that stays as it is during a read. Owned by the thread that took it.
  class Lease {
   public:
    // Of a state that need not be current.
    explicit Lease(std::shared_ptr<const ReadState> own);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    const ReadState& operator*() const { return **state_; }
    const ReadState* operator->() const { return state_->get(); }
    // For what outlives the lease.
    const std::shared_ptr<const ReadState>& shared() const { return *state_; }

   private:
    friend class CurrentReadState;
    explicit Lease(Slot* slot);

    Slot* const slot_;  // null: own_
    const std::shared_ptr<const ReadState> own_;
    const std::shared_ptr<const ReadState>* const state_;
  };

  // REQUIRES: there is a state. Takes no lock, but for a thread's first read after a Publish.
  Lease Take() const EXCLUDES(mu_);
  // Who takes a lease from now on sees `state`.
  void Publish(std::shared_ptr<const ReadState> state) EXCLUDES(mu_);

 private:
  Slot& SlotOfThisThread() const EXCLUDES(mu_);
  std::shared_ptr<Slot> NewSlot() const EXCLUDES(mu_);
  std::shared_ptr<const ReadState> Current() const EXCLUDES(mu_);

  const uint64_t id_;  // no two in a process have the same
  mutable base::Mutex mu_;
  std::shared_ptr<const ReadState> current_ GUARDED_BY(mu_);
  mutable std::vector<std::shared_ptr<Slot>> slots_ GUARDED_BY(mu_);
};

}  // namespace nokv::engine
