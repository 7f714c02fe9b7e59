#include "rpc/stream/signal_pipe.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/check.h"

namespace nokv::rpc::stream {

namespace {

// Where the handler writes; -1: nowhere.
std::atomic<int> pipe_end{-1};
static_assert(std::atomic<int>::is_always_lock_free);

void HandleSignal(int signal) {
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(signal);
  // If the pipe is full, its reader has enough to do with the same signals.
  [[maybe_unused]] const ssize_t ignored = write(pipe_end.load(), &byte, 1);
  errno = saved;
}

}  // namespace

SignalPipe::SignalPipe(EventLoop& loop, std::vector<int> signals, std::function<void(int)> handler)
    : loop_(loop), signals_(std::move(signals)), handler_(std::move(handler)) {
  int ends[2];
  NOKV_CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) << "pipe2: errno " << errno;
  read_fd_ = ends[0];
  write_fd_ = ends[1];
  NOKV_CHECK(pipe_end.exchange(write_fd_) == -1) << "two loops ask for signals";
  loop_.Add(read_fd_, *this, EPOLLIN);
  for (const int signal : signals_) {
    struct sigaction action{};
    action.sa_handler = HandleSignal;
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    NOKV_CHECK(sigaction(signal, &action, nullptr) == 0) << "sigaction " << signal;
  }
}

SignalPipe::~SignalPipe() {
  for (const int signal : signals_) (void)std::signal(signal, SIG_DFL);
  pipe_end = -1;
  loop_.Remove(read_fd_);
  close(read_fd_);
  close(write_fd_);
}

void SignalPipe::OnEvents(uint32_t /*events*/) {
  unsigned char byte = 0;
  while (read(read_fd_, &byte, 1) == 1) handler_(byte);
}

}  // namespace nokv::rpc::stream
