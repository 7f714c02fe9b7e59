// Poller: tells connections when their sockets can be read or written. Private to rpc/stream.
//
// It is an epoll set of its own, level-triggered, that asio watches as one descriptor. asio's own
// waits fire once and cost a system call each to arm again; for small requests that is a fifth of a
// server's time.
//
// Thread safety: owned by one loop.
#pragma once

#include <asio.hpp>
#include <cstdint>

namespace nokv::rpc::stream {

class Polled {
 public:
  virtual ~Polled() = default;
  // EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP. The object must stay until the callback has returned to
  // the loop, also if it is removed.
  virtual void OnEvents(uint32_t events) = 0;
};

class Poller {
 public:
  explicit Poller(asio::io_context& context);

  // `polled` is borrowed until Remove.
  void Add(int fd, Polled& polled, uint32_t events);
  void Change(int fd, Polled& polled, uint32_t events);
  void Remove(int fd);

 private:
  void Wait();
  void Dispatch();

  int epoll_fd_;
  asio::posix::stream_descriptor descriptor_;  // owns epoll_fd_
};

}  // namespace nokv::rpc::stream
