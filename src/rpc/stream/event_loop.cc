#include "rpc/stream/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/check.h"
#include "base/clock.h"

namespace nokv::rpc::stream {

namespace {

constexpr int kEventsPerRound = 256;
// Far deadlines are waited for in parts.
constexpr uint64_t kMaxWaitMillis = 60'000;

void Control(int epoll_fd, int operation, int fd, Polled* polled, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = polled;
  NOKV_CHECK(epoll_ctl(epoll_fd, operation, fd, &event) == 0)
      << "epoll_ctl " << operation << " on " << fd << ": errno " << errno;
}

uint64_t NowMicros() {
  return base::SystemClock().MonotonicMicros();
}

}  // namespace

EventLoop::EventLoop(uint64_t poll_micros)
    : epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      poll_micros_(poll_micros) {
  NOKV_CHECK(epoll_fd_ >= 0 && wake_fd_ >= 0) << "epoll_create1 or eventfd: errno " << errno;
  Control(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, nullptr, EPOLLIN);
}

EventLoop::~EventLoop() {
  close(wake_fd_);
  close(epoll_fd_);
}

void EventLoop::Add(int fd, Polled& polled, uint32_t events) {
  Control(epoll_fd_, EPOLL_CTL_ADD, fd, &polled, events);
}

void EventLoop::Change(int fd, Polled& polled, uint32_t events) {
  Control(epoll_fd_, EPOLL_CTL_MOD, fd, &polled, events);
}

void EventLoop::Remove(int fd) {
  Control(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr, 0);
}

void EventLoop::Run() {
  thread_ = std::this_thread::get_id();
  while (!stopped_.exchange(false)) RunRound(/*may_wait=*/true);
}

size_t EventLoop::RunReady() {
  thread_ = std::this_thread::get_id();
  size_t all = 0;
  while (const size_t count = RunRound(/*may_wait=*/false)) all += count;
  return all;
}

void EventLoop::Stop() {
  stopped_ = true;
  Wake();
}

void EventLoop::Post(Task task) {
  bool wake = false;
  {
    base::MutexLock lock(mu_);
    tasks_.push_back(std::move(task));
    wake = std::exchange(sleeps_, false) && !OnLoopThread();
  }
  if (wake) Wake();
}

void EventLoop::Wake() {
  const uint64_t one = 1;
  // It can only fail if the counter is full, and then the loop wakes anyway.
  [[maybe_unused]] const ssize_t ignored = write(wake_fd_, &one, sizeof one);
}

EventLoop::TimerId EventLoop::StartTimer(uint64_t delay_ms, Task fire) {
  const TimerId id = ++last_timer_;
  const uint64_t deadline = NowMicros() + delay_ms * 1000;
  timers_.emplace(std::pair(deadline, id), std::move(fire));
  deadlines_.emplace(id, deadline);
  return id;
}

void EventLoop::CancelTimer(TimerId timer) {
  const auto found = deadlines_.find(timer);
  if (found == deadlines_.end()) return;
  timers_.erase(std::pair(found->second, timer));
  deadlines_.erase(found);
}

size_t EventLoop::RunRound(bool may_wait) {
  std::array<epoll_event, kEventsPerRound> events;
  const int ready = Wait(events, may_wait);
  size_t count = 0;
  for (int i = 0; i < ready; ++i) {
    if (events[i].data.ptr == nullptr) {
      uint64_t ignored = 0;
      [[maybe_unused]] const ssize_t bytes = read(wake_fd_, &ignored, sizeof ignored);
      continue;
    }
    static_cast<Polled*>(events[i].data.ptr)->OnEvents(events[i].events);
    ++count;
  }
  count += FireTimers();
  return count + RunTasks();
}

int EventLoop::Wait(std::span<epoll_event> events, bool may_wait) {
  const int capacity = static_cast<int>(events.size());
  const auto look = [&](int millis) {
    return epoll_wait(epoll_fd_, events.data(), capacity, millis);
  };
  const int wait = WaitMillis(may_wait);
  if (wait == 0 || poll_micros_ == 0) {
    if (wait != 0) ++sleep_count_;
    return look(wait);
  }
  const uint64_t begin = NowMicros();
  while (wait_was_short_) {
    if (const int ready = look(0); ready != 0) return ready;
    const uint64_t waited = NowMicros() - begin;
    if (waited >= uint64_t{1000} * static_cast<uint64_t>(wait)) return 0;  // a timer is due
    wait_was_short_ = waited < poll_micros_;
  }
  ++sleep_count_;
  const int ready = look(wait);
  wait_was_short_ = NowMicros() < begin + poll_micros_;
  return ready;
}

int EventLoop::WaitMillis(bool may_wait) {
  uint64_t wait = kMaxWaitMillis;
  if (!timers_.empty()) {
    const uint64_t deadline = timers_.begin()->first.first;
    const uint64_t now = NowMicros();
    // Rounded up, so that it is due after the wait.
    wait = std::min(wait, deadline > now ? (deadline - now + 999) / 1000 : 0);
  }
  base::MutexLock lock(mu_);
  sleeps_ = may_wait && tasks_.empty() && !stopped_;
  return sleeps_ ? static_cast<int>(wait) : 0;
}

size_t EventLoop::FireTimers() {
  if (timers_.empty()) return 0;
  const uint64_t now = NowMicros();
  size_t count = 0;
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    const auto timer = timers_.extract(timers_.begin());
    deadlines_.erase(timer.key().second);
    timer.mapped()();
    ++count;
  }
  return count;
}

size_t EventLoop::RunTasks() {
  std::vector<Task> tasks;
  {
    base::MutexLock lock(mu_);
    sleeps_ = false;
    tasks.swap(tasks_);
  }
  for (Task& task : tasks) {
    task();
    task = nullptr;  // what it owns goes before the next one runs
  }
  return tasks.size();
}

}  // namespace nokv::rpc::stream
