#include "rpc/stream/poller.h"

#include <sys/epoll.h>

#include "base/check.h"

namespace nokv::rpc::stream {

namespace {

constexpr int kEventsPerCall = 256;

void Control(int epoll_fd, int operation, int fd, Polled* polled, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = polled;
  NOKV_CHECK(epoll_ctl(epoll_fd, operation, fd, &event) == 0)
      << "epoll_ctl " << operation << " on " << fd << ": errno " << errno;
}

}  // namespace

Poller::Poller(asio::io_context& context)
    : epoll_fd_(epoll_create1(EPOLL_CLOEXEC)), descriptor_(context) {
  NOKV_CHECK(epoll_fd_ >= 0) << "epoll_create1: errno " << errno;
  descriptor_.assign(epoll_fd_);
  Wait();
}

void Poller::Add(int fd, Polled& polled, uint32_t events) {
  Control(epoll_fd_, EPOLL_CTL_ADD, fd, &polled, events);
}

void Poller::Change(int fd, Polled& polled, uint32_t events) {
  Control(epoll_fd_, EPOLL_CTL_MOD, fd, &polled, events);
}

void Poller::Remove(int fd) {
  Control(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr, 0);
}

void Poller::Wait() {
  descriptor_.async_wait(asio::posix::descriptor_base::wait_read,
                         [this](const asio::error_code& error) {
                           if (error) return;
                           Dispatch();
                           Wait();
                         });
}

void Poller::Dispatch() {
  epoll_event events[kEventsPerCall];
  const int count = epoll_wait(epoll_fd_, events, kEventsPerCall, 0);
  for (int i = 0; i < count; ++i) {
    static_cast<Polled*>(events[i].data.ptr)->OnEvents(events[i].events);
  }
}

}  // namespace nokv::rpc::stream
