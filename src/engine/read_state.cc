#include "engine/read_state.h"

#include <algorithm>
#include <utility>

namespace nokv::engine {

namespace {

constexpr size_t kCacheLine = 64;

std::atomic<uint64_t> last_id{0};

// The same state with a count of its own: who pins what a read found counts there, and processors
// would pass one count for all threads to and fro.
std::shared_ptr<const ReadState> CountedApart(std::shared_ptr<const ReadState> state) {
  const ReadState* const pointer = state.get();
  return {pointer, [owner = std::move(state)](const ReadState*) {}};
}

}  // namespace

// Its thread moves it from kEmpty or kFull to kTaken and back; Publish from kFull to kEmpty, and
// from kTaken to kStale, which its thread then empties. Whoever has made it kTaken or kBusy owns
// `state`.
struct alignas(kCacheLine) CurrentReadState::Slot {
  enum Mark : int { kEmpty, kFull, kTaken, kStale, kBusy };

  std::atomic<int> mark{kEmpty};
  std::shared_ptr<const ReadState> state;
  std::atomic<bool> abandoned{false};  // the CurrentReadState is gone

  bool Move(int from, int to) {
    // Acquire and release: `state` goes with the mark.
    return mark.compare_exchange_strong(from, to, std::memory_order_acq_rel,
                                        std::memory_order_acquire);
  }
  // What it held, if nobody uses it; else it is emptied when it is given back.
  std::shared_ptr<const ReadState> Empty() {
    while (true) {
      if (Move(kFull, kBusy)) {
        std::shared_ptr<const ReadState> old = std::move(state);
        mark.store(kEmpty, std::memory_order_release);
        return old;
      }
      const int now = mark.load(std::memory_order_acquire);
      if (now == kEmpty || now == kStale || Move(kTaken, kStale)) return nullptr;
    }
  }
};

CurrentReadState::Lease::Lease(Slot* slot) : slot_(slot), state_(&slot->state) {}

CurrentReadState::Lease::Lease(std::shared_ptr<const ReadState> own)
    : slot_(nullptr), own_(std::move(own)), state_(&own_) {}

CurrentReadState::Lease::~Lease() {
  if (slot_ == nullptr || slot_->Move(Slot::kTaken, Slot::kFull)) return;
  slot_->state.reset();
  slot_->mark.store(Slot::kEmpty, std::memory_order_release);
}

CurrentReadState::CurrentReadState() : id_(++last_id) {}

CurrentReadState::~CurrentReadState() {
  Publish(nullptr);
  base::MutexLock lock(mu_);
  for (const auto& slot : slots_) slot->abandoned = true;
}

CurrentReadState::Slot& CurrentReadState::SlotOfThisThread() const {
  struct Known {
    uint64_t id = 0;
    std::shared_ptr<Slot> slot;
  };
  // The one used last is the first.
  thread_local std::vector<Known> known;
  if (!known.empty() && known.front().id == id_) return *known.front().slot;
  auto found = std::find_if(known.begin(), known.end(),
                            [this](const Known& each) { return each.id == id_; });
  if (found == known.end()) {
    std::erase_if(known, [](const Known& each) { return each.slot->abandoned.load(); });
    known.push_back({id_, NewSlot()});
    found = std::prev(known.end());
  }
  std::swap(*found, known.front());
  return *known.front().slot;
}

std::shared_ptr<CurrentReadState::Slot> CurrentReadState::NewSlot() const {
  auto slot = std::make_shared<Slot>();
  base::MutexLock lock(mu_);
  // Of threads that have ended.
  std::erase_if(slots_, [](const auto& each) { return each.use_count() == 1; });
  slots_.push_back(slot);
  return slot;
}

std::shared_ptr<const ReadState> CurrentReadState::Current() const {
  base::MutexLock lock(mu_);
  return current_;
}

CurrentReadState::Lease CurrentReadState::Take() const {
  Slot& slot = SlotOfThisThread();
  if (slot.Move(Slot::kFull, Slot::kTaken)) return Lease(&slot);
  if (slot.Move(Slot::kEmpty, Slot::kTaken)) {
    slot.state = CountedApart(Current());
    return Lease(&slot);
  }
  // It is being emptied, or in use: a read within a read.
  return Lease(Current());
}

void CurrentReadState::Publish(std::shared_ptr<const ReadState> state) {
  // Freed after the lock is released.
  std::vector<std::shared_ptr<const ReadState>> replaced;
  base::MutexLock lock(mu_);
  replaced.push_back(std::exchange(current_, std::move(state)));
  for (const auto& slot : slots_) replaced.push_back(slot->Empty());
}

}  // namespace nokv::engine
