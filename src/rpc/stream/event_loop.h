// EventLoop: one thread's round of epoll, timers and posted tasks. Private to rpc/stream.
//
// A round waits for sockets once, tells those that are ready, fires the timers that are due and
// runs the tasks that were posted until then, those of this round included. For small requests the
// system calls of a round are what a server's loop costs, so there is one: nothing is armed again.
//
// A thread that sleeps in the kernel takes tens of microseconds to wake, much of it paid by whoever
// wakes it, and many times that on a virtual machine. A loop may therefore poll for a moment before
// it sleeps, as long as its last wait was no longer than such a moment.
//
// Thread safety: owned by the thread that runs it; Post, Stop and OnLoopThread alone may be called
// by others.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "base/mutex.h"

namespace nokv::rpc::stream {

class Polled {
 public:
  virtual ~Polled() = default;
  // EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP; level-triggered. The object must stay until the tasks of
  // this round have run, also if it is removed.
  virtual void OnEvents(uint32_t events) = 0;
};

class EventLoop {
 public:
  using Task = std::function<void()>;
  using TimerId = uint64_t;  // never 0

  // Polls for up to `poll_micros` before it sleeps; 0: it never polls.
  explicit EventLoop(uint64_t poll_micros = 0);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Runs until Stop.
  void Run();
  // Runs what is ready, without waiting, until nothing is; returns how many callbacks ran.
  size_t RunReady();
  // Thread-safe. Run returns soon.
  void Stop();
  // Thread-safe. Runs `task` from the loop.
  void Post(Task task) EXCLUDES(mu_);
  // True on the thread that last ran the loop; before, on the one that made it.
  bool OnLoopThread() const { return thread_ == std::this_thread::get_id(); }

  // `polled` is borrowed until Remove.
  void Add(int fd, Polled& polled, uint32_t events);
  void Change(int fd, Polled& polled, uint32_t events);
  void Remove(int fd);

  // How often it went to sleep.
  uint64_t sleeps() const { return sleep_count_; }

  // Calls `fire` once, after `delay_ms`.
  TimerId StartTimer(uint64_t delay_ms, Task fire);
  // Nothing happens if it has fired.
  void CancelTimer(TimerId timer);

 private:
  // Returns how many callbacks ran.
  size_t RunRound(bool may_wait);
  // As epoll_wait; polls first, if it pays.
  int Wait(std::span<epoll_event> events, bool may_wait);
  int WaitMillis(bool may_wait) EXCLUDES(mu_);
  size_t FireTimers();
  size_t RunTasks() EXCLUDES(mu_);
  void Wake();

  const int epoll_fd_;
  const int wake_fd_;  // an eventfd
  const uint64_t poll_micros_;
  bool wait_was_short_ = false;  // the last one, so that polling pays
  uint64_t sleep_count_ = 0;
  std::atomic<std::thread::id> thread_ = std::this_thread::get_id();
  std::atomic<bool> stopped_{false};

  base::Mutex mu_;
  std::vector<Task> tasks_ GUARDED_BY(mu_);
  bool sleeps_ GUARDED_BY(mu_) = false;  // and must be woken for a task

  // By deadline in monotonic microseconds, then in the order in which they were started.
  std::map<std::pair<uint64_t, TimerId>, Task> timers_;
  std::map<TimerId, uint64_t> deadlines_;
  TimerId last_timer_ = 0;
};

}  // namespace nokv::rpc::stream
