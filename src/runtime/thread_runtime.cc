#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/mutex.h"
#include "runtime/runtime.h"
#include "runtime/thread_events.h"

namespace nokv::runtime {
namespace {

// Steps of nice(1) below the process. Where processors are scarce, who waits for an answer goes
// before work that nobody waits for; a flush less so, because writes wait for it in the end. A
// thread without privileges cannot be raised again, so hurried work has threads of its own.
constexpr int kFlushStepsBelow = 5;
constexpr int kCompactionStepsBelow = 10;

void LowerPriority(int steps) {
  if (steps == 0) return;
  // Of this thread alone. It may always be lowered; if it stays, that costs no more than speed.
  (void)setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + steps);
}

// One lock covers lanes and timers: tasks are few and long beside the time it is held.
class ThreadRuntime : public Runtime {
 public:
  explicit ThreadRuntime(const ThreadRuntimeOptions& options) {
    StartLane(Lane::kLog, "nokv-log", options.log_threads, 0);
    StartLane(Lane::kFlush, "nokv-flush", options.flush_threads, kFlushStepsBelow);
    StartLane(Lane::kCompaction, "nokv-compact", options.compaction_threads, kCompactionStepsBelow);
    StartLane(Lane::kHurried, "nokv-hurried", options.compaction_threads, 0);
    StartLane(Lane::kUrgent, "nokv-urgent", options.urgent_threads, 0);
    Start("nokv-timer", [this] { TimerLoop(); });
  }

  ~ThreadRuntime() override {
    {
      base::MutexLock lock(mu_);
      stopping_ = true;
      WakeAllLocked();
    }
    for (std::thread& thread : threads_) thread.join();
  }

  base::Clock& clock() override { return base::SystemClock(); }

  void Post(Lane lane, Task task) override {
    base::MutexLock lock(mu_);
    PostLocked(lane, std::move(task));
  }

  TimerId PostAfter(Lane lane, uint64_t delay_micros, Task task) override {
    const uint64_t now = base::SystemClock().MonotonicMicros();
    const uint64_t deadline = delay_micros > UINT64_MAX - now ? UINT64_MAX : now + delay_micros;
    base::MutexLock lock(mu_);
    const TimerId id = next_timer_++;
    timers_.emplace(std::pair(deadline, id), Timer{lane, std::move(task)});
    deadlines_.emplace(id, deadline);
    if (timers_.begin()->first.second == id) timer_cv_.Signal();
    return id;
  }

  bool Cancel(TimerId timer) override {
    Task dropped;  // destroyed after the lock is released: what it owns may call back
    base::MutexLock lock(mu_);
    const auto found = deadlines_.find(timer);
    if (found == deadlines_.end()) return false;
    const auto entry = timers_.find(std::pair(found->second, timer));
    dropped = std::move(entry->second.task);
    timers_.erase(entry);
    deadlines_.erase(found);
    return true;
  }

  std::unique_ptr<Event> NewEvent() override { return NewThreadEvent(); }
  std::unique_ptr<EventCount> NewEventCount() override { return NewThreadEventCount(); }

 private:
  struct LaneQueue {
    std::deque<Task> tasks;
    base::CondVar cv;
  };
  struct Timer {
    Lane lane;
    Task task;
  };

  void Start(const char* name, std::function<void()> loop) {
    threads_.emplace_back(std::move(loop));
    pthread_setname_np(threads_.back().native_handle(), name);
  }

  void StartLane(Lane lane, const char* name, int threads, int steps_below) {
    NOKV_CHECK(threads > 0) << name << " needs a thread";
    for (int i = 0; i < threads; i++) {
      Start(name, [this, lane, steps_below] {
        LowerPriority(steps_below);
        LaneLoop(lane);
      });
    }
  }

  LaneQueue& QueueOf(Lane lane) REQUIRES(mu_) { return lanes_[static_cast<size_t>(lane)]; }

  void PostLocked(Lane lane, Task task) REQUIRES(mu_) {
    unfinished_++;
    QueueOf(lane).tasks.push_back(std::move(task));
    QueueOf(lane).cv.Signal();
  }

  void WakeAllLocked() REQUIRES(mu_) {
    for (LaneQueue& lane : lanes_) lane.cv.SignalAll();
    timer_cv_.SignalAll();
  }

  // Threads leave only when no lane has work left: a task that drains may post to another lane.
  void LaneLoop(Lane lane) {
    mu_.Lock();
    while (true) {
      LaneQueue& queue = QueueOf(lane);
      if (queue.tasks.empty()) {
        if (stopping_ && unfinished_ == 0) break;
        queue.cv.Wait(mu_);
        continue;
      }
      Task task = std::move(queue.tasks.front());
      queue.tasks.pop_front();
      mu_.Unlock();
      task();
      task = nullptr;  // what it owns goes before it counts as finished
      mu_.Lock();
      if (--unfinished_ == 0 && stopping_) WakeAllLocked();
    }
    mu_.Unlock();
  }

  void TimerLoop() {
    base::MutexLock lock(mu_);
    while (!stopping_) {
      if (timers_.empty()) {
        timer_cv_.Wait(mu_);
        continue;
      }
      const auto first = timers_.begin();
      const auto [deadline, id] = first->first;
      const uint64_t now = base::SystemClock().MonotonicMicros();
      if (now < deadline) {
        timer_cv_.WaitFor(mu_, std::min(deadline - now, kMaxWaitMicros));
        continue;
      }
      PostLocked(first->second.lane, std::move(first->second.task));
      timers_.erase(first);
      deadlines_.erase(id);
    }
  }

  // Far deadlines are waited for in parts, so that no conversion to a time point overflows.
  static constexpr uint64_t kMaxWaitMicros = uint64_t{3600} * 1000000;

  base::Mutex mu_;
  base::CondVar timer_cv_;
  std::array<LaneQueue, kLanes> lanes_ GUARDED_BY(mu_);
  uint64_t unfinished_ GUARDED_BY(mu_) = 0;  // tasks queued or running
  bool stopping_ GUARDED_BY(mu_) = false;
  TimerId next_timer_ GUARDED_BY(mu_) = 1;
  // By deadline, then by id, which grows: timers that are due together fire in posting order.
  std::map<std::pair<uint64_t, TimerId>, Timer> timers_ GUARDED_BY(mu_);
  std::map<TimerId, uint64_t> deadlines_ GUARDED_BY(mu_);
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Runtime> NewThreadRuntime(const ThreadRuntimeOptions& options) {
  return std::make_unique<ThreadRuntime>(options);
}

}  // namespace nokv::runtime
