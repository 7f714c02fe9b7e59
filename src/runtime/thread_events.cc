#include "runtime/thread_events.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <climits>
#include <cstdint>

namespace nokv::runtime {
namespace {

// Returns once `word` is not `value`, or for no reason.
void SleepWhile(const std::atomic<uint32_t>* word, uint32_t value) {
  ::syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0);
}

void WakeAll(const std::atomic<uint32_t>* word) {
  ::syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

// A futex: with a lock the waiter would wake only to wait for whoever woke it to let go of that.
class ThreadEvent : public Event {
 public:
  void Set() override {
    // Release: paired with the acquire of whoever finds it set. From here on the event may be gone:
    // what follows uses its address, not its memory, and all who wait at an address expect to be
    // woken for no reason.
    if (state_.exchange(kSet, std::memory_order_release) == kWaitedFor) {
      WakeAll(&state_);
    }
  }
  bool IsSet() const override { return state_.load(std::memory_order_acquire) == kSet; }
  void Wait() override {
    uint32_t seen = kUnset;
    // Fails where it is waited for already, and where it is set.
    state_.compare_exchange_strong(seen, kWaitedFor, std::memory_order_acquire);
    while (!IsSet()) {
      SleepWhile(&state_, kWaitedFor);
    }
  }

 private:
  static constexpr uint32_t kUnset = 0, kWaitedFor = 1, kSet = 2;

  std::atomic<uint32_t> state_{kUnset};
};

// Who waits for an odd count and who waits for an even one sleep at different words, so an Advance
// wakes nobody who waits for the one after it.
class ThreadEventCount : public EventCount {
 public:
  void Advance() override {
    const uint64_t count = count_.load(std::memory_order_relaxed) + 1;
    count_.store(count, std::memory_order_release);
    Wake(count);
  }

  void Close() override {
    closed_.store(true, std::memory_order_release);
    Wake(0);
    Wake(1);
  }

  bool Await(uint64_t value) override {
    Door& door = DoorOf(value);
    while (true) {
      // Before what is waited for is looked at: if that comes after it, the turn is another.
      const uint32_t turn = door.turn.load();
      if (count_.load(std::memory_order_acquire) >= value) return true;
      if (closed_.load(std::memory_order_acquire)) return false;
      door.sleepers.fetch_add(1);
      SleepWhile(&door.turn, turn);
      door.sleepers.fetch_sub(1, std::memory_order_relaxed);
    }
  }

 private:
  struct Door {
    std::atomic<uint32_t> turn{0};
    std::atomic<uint32_t> sleepers{0};
  };

  Door& DoorOf(uint64_t value) { return doors_[value % doors_.size()]; }

  // Sequentially consistent, as in Await: either the turn is seen to be another before the sleep,
  // or the sleeper is seen here.
  void Wake(uint64_t value) {
    Door& door = DoorOf(value);
    door.turn.fetch_add(1);
    if (door.sleepers.load() > 0) WakeAll(&door.turn);
  }

  std::atomic<uint64_t> count_{0};
  std::atomic<bool> closed_{false};
  std::array<Door, 2> doors_;
};

}  // namespace

std::unique_ptr<Event> NewThreadEvent() {
  return std::make_unique<ThreadEvent>();
}

std::unique_ptr<EventCount> NewThreadEventCount() {
  return std::make_unique<ThreadEventCount>();
}

}  // namespace nokv::runtime
