#include "rpc/stream/exchange.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/clock.h"
#include "base/macros.h"
#include "rpc/http/host_port.h"

namespace nokv::rpc::stream {

namespace {

constexpr size_t kMaxLine = 4096;

// A socket and the moment at which patience ends.
class Call {
 public:
  Call(std::string address, uint64_t timeout_ms)
      : address_(std::move(address)),
        deadline_us_(base::SystemClock().MonotonicMicros() + timeout_ms * 1000) {}
  ~Call() {
    if (fd_ >= 0) ::close(fd_);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  Status Connect(const addrinfo& info) {
    fd_ = ::socket(info.ai_family, info.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return Failed(errno);
    if (::connect(fd_, info.ai_addr, info.ai_addrlen) == 0) return Status::Ok();
    if (errno != EINPROGRESS) return Failed(errno);
    RETURN_IF_ERROR(Wait(POLLOUT));
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
    return error == 0 ? Status::Ok() : Failed(error);
  }

  Status Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent >= 0) {
        bytes.remove_prefix(static_cast<size_t>(sent));
      } else if (errno == EAGAIN || errno == EINTR) {
        RETURN_IF_ERROR(Wait(POLLOUT));
      } else {
        return Failed(errno);
      }
    }
    return Status::Ok();
  }

  Result<std::string> ReadLine() {
    std::string line;
    char buffer[512];
    while (line.find('\n') == std::string::npos && line.size() < kMaxLine) {
      RETURN_IF_ERROR(Wait(POLLIN));
      const ssize_t got = ::recv(fd_, buffer, sizeof buffer, 0);
      if (got == 0) {
        return Status::Unavailable(address_ + " hung up without an answer");
      }
      if (got > 0) line.append(buffer, static_cast<size_t>(got));
      if (got < 0 && errno != EAGAIN && errno != EINTR) return Failed(errno);
    }
    line.resize(std::min(line.find('\n'), line.size()));
    if (line.ends_with('\r')) line.pop_back();
    return line;
  }

 private:
  Status Wait(short events) {
    pollfd poll{.fd = fd_, .events = events, .revents = 0};
    const uint64_t now_us = base::SystemClock().MonotonicMicros();
    const uint64_t left_ms = now_us < deadline_us_ ? (deadline_us_ - now_us + 999) / 1000 : 0;
    const int ready = ::poll(&poll, 1, static_cast<int>(left_ms));
    if (ready > 0 || (ready < 0 && errno == EINTR)) return Status::Ok();
    if (ready < 0) return Failed(errno);
    return {StatusCode::kDeadlineExceeded, address_ + " did not answer in time"};
  }
  Status Failed(int error) const {
    return Status::Unavailable(address_ + ": " + std::strerror(error));
  }

  const std::string address_;
  const uint64_t deadline_us_;
  int fd_ = -1;
};

}  // namespace

Result<std::string> Exchange(const std::string& address, std::string_view request,
                             uint64_t timeout_ms) {
  ASSIGN_OR_RETURN(const HostPort target, ParseHostPort(address));
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(target.host.c_str(), std::to_string(target.port).c_str(), &hints, &found);
  if (error != 0) return Status::Unavailable(address + ": " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, &::freeaddrinfo);
  Status status;
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    Call call(address, timeout_ms);
    status = call.Connect(*info);
    if (!status.ok()) continue;
    RETURN_IF_ERROR(call.Send(request));
    return call.ReadLine();
  }
  return status;
}

}  // namespace nokv::rpc::stream
