#include "rpc/stream/tcp_listener.h"

#include <netdb.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/macros.h"
#include "rpc/http/host_port.h"

namespace nokv::rpc::stream {

namespace {

constexpr int kBacklog = 511;
constexpr uint64_t kAcceptRetryMs = 100;
// The other sockets of the loop wait meanwhile.
constexpr int kAcceptsPerRound = 64;

Status ListenError(const std::string& address, int error) {
  constexpr uint16_t kCannotListen = 2101;
  const std::string what = "cannot listen on " + address + ": " + std::strerror(error);
  Status status = Status::Unavailable(what).WithHint("choose an address of this machine");
  if (error == EADDRINUSE) {
    status = Status::Unavailable(what).WithHint(
        "stop the process that uses the port or choose another address");
  } else if (error == EACCES) {
    status = Status::PermissionDenied(what).WithHint("choose a port above 1023");
  }
  return status.WithErrorNumber(kCannotListen);
}

// Returns the descriptor, or -errno.
int ListenOn(const addrinfo& where) {
  const int fd = socket(where.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  const int on = 1;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      bind(fd, where.ai_addr, where.ai_addrlen) == 0 && listen(fd, kBacklog) == 0) {
    return fd;
  }
  const int error = errno;
  close(fd);
  return -error;
}

bool IsShortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

// Held by the tasks that it posts, so that it is there for an event that is on its way.
class TcpListener::Acceptor final : private Polled, public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(LoopState& home, std::vector<Place> places) : home_(home), places_(std::move(places)) {}
  ~Acceptor() override {
    if (fd_ >= 0) close(fd_);
  }

  void Begin(int fd) {
    fd_ = fd;
    home_.loop.Add(fd_, *this, EPOLLIN);
  }
  void End() {
    if (fd_ < 0) return;
    ended_ = true;
    home_.loop.CancelTimer(retry_);
    home_.loop.Remove(fd_);
    close(std::exchange(fd_, -1));
    home_.loop.Post([self = shared_from_this()] {});
  }

 private:
  void OnEvents(uint32_t /*events*/) override {
    for (int i = 0; i < kAcceptsPerRound && !ended_; ++i) {
      const int fd = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        Hand(AcceptedSocket(fd));
        continue;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      if (IsShortage(errno)) return RetryLater(errno);
      // The peer has gone, or a signal came: the next one.
    }
  }

  void Hand(AcceptedSocket socket) {
    const Place& place = places_[next_++ % places_.size()];
    if (place.loop == &home_) return Start(std::move(socket), place);
    // A task must be copyable.
    auto shared = std::make_shared<AcceptedSocket>(std::move(socket));
    place.loop->loop.Post([shared, place] { Start(std::move(*shared), place); });
  }

  static void Start(AcceptedSocket socket, const Place& place) {
    std::make_shared<TcpConnection>(std::move(socket), *place.loop)->Start(place.reception);
  }

  // Without a free descriptor the connection stays in the backlog and accept fails at once: trying
  // again without a pause would spin.
  void RetryLater(int error) {
    home_.logger.Warning(std::string("accept: ") + std::strerror(error) +
                         "; trying again in 100 ms");
    home_.loop.Change(fd_, *this, 0);
    retry_ =
        home_.loop.StartTimer(kAcceptRetryMs, [this] { home_.loop.Change(fd_, *this, EPOLLIN); });
  }

  LoopState& home_;
  const std::vector<Place> places_;
  size_t next_ = 0;
  int fd_ = -1;
  EventLoop::TimerId retry_ = 0;
  bool ended_ = false;
};

TcpListener::TcpListener(LoopState& home, std::vector<Place> places)
    : acceptor_(std::make_shared<Acceptor>(home, std::move(places))) {}

TcpListener::~TcpListener() {
  acceptor_->End();
}

Status TcpListener::Open(const std::string& address) {
  ASSIGN_OR_RETURN(const HostPort parts, ParseHostPort(address));
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(parts.port);
  if (getaddrinfo(parts.host.c_str(), port.c_str(), &hints, &found) != 0) {
    return Status::InvalidArgument("address '" + address + "': host not found")
        .WithHint("use an IP address of this machine");
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, &freeaddrinfo);
  const int fd = ListenOn(*found);
  if (fd < 0) return ListenError(address, -fd);
  const Endpoint local = LocalEndpoint(fd);
  address_ = local.text;
  is_loopback_ = local.is_loopback;
  acceptor_->Begin(fd);
  return Status::Ok();
}

}  // namespace nokv::rpc::stream
