#include <asio.hpp>
#include <charconv>
#include <thread>
#include <utility>

#include "base/macros.h"
#include "rpc/stream/bridge.h"
#include "rpc/stream/stream.h"
#include "rpc/stream/tcp_connection.h"

namespace nokv::rpc::stream {

namespace {

using asio::ip::tcp;

constexpr size_t kReadBufferBytes = size_t{64} << 10;
constexpr int kBacklog = 511;
constexpr auto kAcceptRetry = std::chrono::milliseconds(100);

struct HostPort {
  std::string host;
  std::string port;
};

Status BadAddress(const std::string& address) {
  return Status::InvalidArgument("address '" + address + "' is not HOST:PORT")
      .WithHint("write for example 127.0.0.1:6380 or [::1]:6380");
}

Result<HostPort> SplitAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return BadAddress(address);
  HostPort parts{address.substr(0, colon), address.substr(colon + 1)};
  if (parts.host.front() == '[') {
    if (parts.host.size() < 3 || parts.host.back() != ']') return BadAddress(address);
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  } else if (parts.host.find(':') != std::string::npos) {
    return BadAddress(address);
  }
  uint16_t port = 0;
  const char* end = parts.port.data() + parts.port.size();
  const auto parsed = std::from_chars(parts.port.data(), end, port);
  if (parsed.ec != std::errc() || parsed.ptr != end) return BadAddress(address);
  return parts;
}

Status ListenError(const std::string& address, const asio::error_code& error) {
  constexpr uint16_t kCannotListen = 2101;
  const std::string what = "cannot listen on " + address + ": " + error.message();
  Status status = Status::Unavailable(what).WithHint("choose an address of this machine");
  if (error == asio::error::address_in_use) {
    status = Status::Unavailable(what).WithHint(
        "stop the process that uses the port or choose another address");
  } else if (error == asio::error::access_denied) {
    status = Status::PermissionDenied(what).WithHint("choose a port above 1023");
  }
  return status.WithErrorNumber(kCannotListen);
}

// A loop that serves sockets, and what it does with new ones.
struct Place {
  LoopState* loop;
  std::shared_ptr<const Reception> reception;
};

class AsioListener final : public Listener {
 public:
  // Connections go to `places` in turns.
  AsioListener(asio::io_context& context, std::vector<Place> places, base::Logger& logger)
      : state_(std::make_shared<State>(context, std::move(places), logger)) {}
  ~AsioListener() override {
    state_->stopped = true;
    asio::error_code ignored;
    state_->acceptor.close(ignored);
    state_->retry.cancel();
  }

  Status Open(const std::string& address) {
    ASSIGN_OR_RETURN(const HostPort parts, SplitAddress(address));
    asio::error_code error;
    tcp::resolver resolver(state_->acceptor.get_executor());
    const auto found = resolver.resolve(parts.host, parts.port, tcp::resolver::passive, error);
    if (error || found.empty()) {
      return Status::InvalidArgument("address '" + address + "': host not found")
          .WithHint("use an IP address of this machine");
    }
    const tcp::endpoint endpoint = found.begin()->endpoint();
    tcp::acceptor& acceptor = state_->acceptor;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(kBacklog, error);
    if (!error) acceptor.non_blocking(true, error);
    if (error) return ListenError(address, error);
    address_ = FormatEndpoint(acceptor.local_endpoint(error));
    is_loopback_ = endpoint.address().is_loopback();
    State::Accept(state_);
    return Status::Ok();
  }

  const std::string& address() const override { return address_; }
  bool is_loopback() const override { return is_loopback_; }

 private:
  // Outlives the listener while asio still holds a wait.
  struct State {
    State(asio::io_context& context, std::vector<Place> to, base::Logger& log)
        : acceptor(context), retry(context), places(std::move(to)), logger(log) {}

    static void Accept(const std::shared_ptr<State>& self) {
      self->acceptor.async_accept([self](const asio::error_code& error, tcp::socket socket) {
        if (self->stopped || error == asio::error::operation_aborted) return;
        if (error) return RetryLater(self, error);
        self->Hand(AcceptedSocket(std::move(socket)));
        Accept(self);
      });
    }

    void Hand(AcceptedSocket socket) {
      const Place& place = places[next++ % places.size()];
      if (&place.loop->context == &acceptor.get_executor().context()) {
        return Start(std::move(socket), place);
      }
      asio::post(place.loop->context, [socket = std::move(socket), place]() mutable {
        Start(std::move(socket), place);
      });
    }

    static void Start(AcceptedSocket socket, const Place& place) {
      std::make_shared<TcpConnection>(std::move(socket), *place.loop)->Start(place.reception);
    }

    // Without a free descriptor the connection stays in the backlog and accept fails at once:
    // trying again without a pause would spin.
    static void RetryLater(const std::shared_ptr<State>& self, const asio::error_code& error) {
      self->logger.Warning("accept: " + error.message() + "; trying again in 100 ms");
      self->retry.expires_after(kAcceptRetry);
      self->retry.async_wait([self](const asio::error_code& cancelled) {
        if (!cancelled && !self->stopped) Accept(self);
      });
    }

    tcp::acceptor acceptor;
    asio::steady_timer retry;
    const std::vector<Place> places;
    size_t next = 0;
    base::Logger& logger;
    bool stopped = false;
  };

  std::shared_ptr<State> state_;
  std::string address_;
  bool is_loopback_ = false;
};

class AsioTimer final : public Timer {
 public:
  AsioTimer(asio::io_context& context, uint64_t interval_ms, std::function<void()> tick)
      : state_(std::make_shared<State>(context, interval_ms, std::move(tick))) {
    State::Arm(state_);
  }
  ~AsioTimer() override {
    state_->stopped = true;
    state_->timer.cancel();
  }

 private:
  struct State {
    State(asio::io_context& context, uint64_t interval_ms, std::function<void()> on_tick)
        : timer(context), interval(interval_ms), tick(std::move(on_tick)) {}
    static void Arm(const std::shared_ptr<State>& self) {
      self->timer.expires_after(self->interval);
      self->timer.async_wait([self](const asio::error_code& error) {
        if (error || self->stopped) return;
        self->tick();
        if (!self->stopped) Arm(self);
      });
    }
    asio::steady_timer timer;
    std::chrono::milliseconds interval;
    std::function<void()> tick;
    bool stopped = false;
  };
  std::shared_ptr<State> state_;
};

class AsioLoop final : public Loop {
 public:
  explicit AsioLoop(base::Logger& logger)
      : context_(1), state_(context_, logger), signals_(context_) {
    state_.read_buffer.resize(kReadBufferBytes);
  }

  void Run() override {
    thread_ = std::this_thread::get_id();
    auto keep_running = asio::make_work_guard(context_);
    context_.restart();
    context_.run();
  }
  size_t Poll() override {
    thread_ = std::this_thread::get_id();
    context_.restart();
    return context_.poll();
  }
  void Stop() override { context_.stop(); }
  void Post(std::function<void()> task) override { asio::post(context_, std::move(task)); }
  bool OnLoopThread() const override { return thread_ == std::this_thread::get_id(); }

  std::unique_ptr<Timer> Every(uint64_t interval_ms, std::function<void()> tick) override {
    return std::make_unique<AsioTimer>(context_, interval_ms, std::move(tick));
  }
  void OnSignals(const std::vector<int>& signals, std::function<void(int)> handler) override {
    for (const int signal : signals) signals_.add(signal);
    on_signal_ = std::move(handler);
    WaitSignal();
  }
  Result<std::unique_ptr<Listener>> Listen(const std::string& address, AcceptHandler accept,
                                           const ListenOptions& options) override {
    auto listener = std::make_unique<AsioListener>(context_, PlacesOf(std::move(accept), options),
                                                   state_.logger);
    RETURN_IF_ERROR(listener->Open(address));
    return std::unique_ptr<Listener>(std::move(listener));
  }

 private:
  std::vector<Place> PlacesOf(AcceptHandler accept, const ListenOptions& options) {
    std::vector<Place> places;
    for (Loop* loop : options.io_loops) {
      LoopState& io = static_cast<AsioLoop*>(loop)->state_;
      auto bridge = std::make_shared<Bridge>(context_, io.context, accept);
      places.push_back({&io, std::make_shared<const Reception>(Reception{
                                 [bridge](Connection& c) { return bridge->Accept(c); }, options})});
    }
    if (places.empty()) {
      places.push_back(
          {&state_, std::make_shared<const Reception>(Reception{std::move(accept), options})});
    }
    return places;
  }

  void WaitSignal() {
    signals_.async_wait([this](const asio::error_code& error, int signal) {
      if (error) return;
      on_signal_(signal);
      WaitSignal();
    });
  }

  std::thread::id thread_ = std::this_thread::get_id();  // of Run; set before callbacks run
  asio::io_context context_;
  LoopState state_;
  asio::signal_set signals_;
  std::function<void(int)> on_signal_;
};

}  // namespace

std::unique_ptr<Loop> NewLoop(base::Logger& logger) {
  return std::make_unique<AsioLoop>(logger);
}

}  // namespace nokv::rpc::stream
