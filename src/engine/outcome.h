// Outcome: how the blocking calls wait for one completion of the engine.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "engine/engine.h"
#include "nokv/status.h"
#include "runtime/runtime.h"

namespace nokv::engine {

// The runtime's event is made only if the outcome is not known soon.
//
// Thread safety: one thread waits, any thread completes.
class Outcome {
 public:
  explicit Outcome(runtime::Runtime& runtime) : runtime_(runtime) {}

  // What the engine is to call, once. Wait must follow: it keeps this object alive until then.
  std::function<void(Status)> Callback() {
    return [this](Status status) {
      runtime::Event* event = nullptr;
      {
        base::MutexLock lock(mu_);
        status_ = std::move(status);
        done_ = true;
        event = event_.get();
      }
      // If there is one, the waiter stays until it is set. Not under the lock, which is the first
      // thing that it takes then.
      if (event != nullptr) event->Set();
    };
  }

  Status Wait() {
    {
      base::MutexLock lock(mu_);
      if (done_) return std::move(status_);
      event_ = runtime_.NewEvent();
    }
    event_->Wait();
    base::MutexLock lock(mu_);
    return std::move(status_);
  }

  // As Wait, for a synced write. A sync wakes all that it brings with one call, not each by itself.
  Status WaitForSync(Engine& engine, const WriteTicket& ticket) {
    if (ticket.first_sync == 0) return Wait();
    for (uint64_t sync = ticket.first_sync; !done(); sync++) {
      if (!engine.syncs().Await(sync)) break;
    }
    return Wait();
  }

  // As Wait, for what waits for no disk, but for other threads that have to run for a moment: they
  // get the processor first, for to sleep and be woken takes longer. Not where others that compute
  // take it for their whole turn.
  Status YieldAndWait() {
    constexpr int kYields = 5;
    constexpr uint64_t kOthersTurnMicros = 1000;
    for (int i = 0; i < kYields && !done(); i++) {
      const uint64_t began = runtime_.clock().MonotonicMicros();
      std::this_thread::yield();
      if (runtime_.clock().MonotonicMicros() - began > kOthersTurnMicros) break;
    }
    return Wait();
  }

 private:
  bool done() {
    base::MutexLock lock(mu_);
    return done_;
  }

  runtime::Runtime& runtime_;
  base::Mutex mu_;
  bool done_ GUARDED_BY(mu_) = false;
  Status status_ GUARDED_BY(mu_);
  std::unique_ptr<runtime::Event> event_;
};

}  // namespace nokv::engine
