// runtime: the only door to time and concurrency. Code posts tasks and timers here; it never starts
// a thread, sleeps or reads a clock by itself.
//
// Two forms: NewThreadRuntime runs tasks on a fixed pool of threads; SimRuntime (sim_runtime.h)
// runs everything in the calling thread, in virtual time, in an order drawn from a seed.
//
// Thread safety: everything here is thread-safe unless it says otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.h"

namespace nokv::runtime {

using Task = std::function<void()>;
using TimerId = uint64_t;

// Background work is split so that a long compaction never delays a flush or a log sync.
enum class Lane {
  kLog,         // log syncs; short
  kFlush,       // memtable flushes
  kCompaction,  // compactions and other long work
  kHurried,     // the same while somebody waits for it: as many threads, which do not stand back
  kUrgent,      // short tasks that somebody waits for, and that wait for nothing
};

inline constexpr size_t kLanes = 5;

// A one-shot signal.
class Event {
 public:
  virtual ~Event() = default;
  // Idempotent. Who waits may destroy the event once it is set, though Set has not returned yet.
  virtual void Set() = 0;
  virtual bool IsSet() const = 0;
  // Blocks until Set. For facades that adapt asynchronous calls to blocking ones: never called from
  // a task. In simulation it runs the other tasks, and stops the process if none is left that could
  // set the event.
  virtual void Wait() = 0;
};

// Counts what ends one after the other, for many threads that wait for it: those who wait for one
// are woken together, by one system call. (The eventcount of Reed and Kanodia, "Synchronization
// with eventcounts and sequencers", 1979.)
class EventCount {
 public:
  virtual ~EventCount() = default;
  // Adds one. By one thread at a time.
  virtual void Advance() = 0;
  // Ends every Await, now and later. Idempotent.
  virtual void Close() = 0;
  // Blocks until the count, which begins with 0, is at least `value`; false if it was closed
  // before. What happened before that Advance is seen then. Never called from a task, like
  // Event::Wait; in simulation it does as that.
  virtual bool Await(uint64_t value) = 0;
};

class Runtime {
 public:
  virtual ~Runtime() = default;

  virtual base::Clock& clock() = 0;
  // Runs `task` soon, after tasks posted earlier to the same lane have started. A task runs to
  // completion and must not block on another.
  virtual void Post(Lane lane, Task task) = 0;
  // Posts `task` to `lane` after `delay_micros`; returns an id for Cancel.
  virtual TimerId PostAfter(Lane lane, uint64_t delay_micros, Task task) = 0;
  // True if the task was removed before it was posted; false if it ran, runs or is unknown.
  virtual bool Cancel(TimerId timer) = 0;
  virtual std::unique_ptr<Event> NewEvent() = 0;
  virtual std::unique_ptr<EventCount> NewEventCount() = 0;
};

struct ThreadRuntimeOptions {
  int log_threads = 1;
  int flush_threads = 1;
  int compaction_threads = 2;
  int urgent_threads = 2;
};

// Threads start at once; the destructor runs what was posted, drops timers and joins them.
std::unique_ptr<Runtime> NewThreadRuntime(const ThreadRuntimeOptions& options);

}  // namespace nokv::runtime
