#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include "base/mutex.h"
#include "rpc/http/host_port.h"
#include "rpc/http/http.h"

namespace nokv::rpc {

namespace {

constexpr size_t kWorkers = 4;
constexpr size_t kMaxWaitingConnections = 64;
constexpr int kRequestTimeoutSeconds = 2;
constexpr uint16_t kPortInUse = 2101;

// cpp-httplib's pool queues without bound. Above the limit this one serves the connection in the
// accepting thread, which so accepts no more until there is room.
class BoundedPool final : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> task) override {
    if (waiting_.load() >= kMaxWaitingConnections) {
      task();
      return;
    }
    waiting_.fetch_add(1);
    pool_.enqueue([this, task = std::move(task)] {
      waiting_.fetch_sub(1);
      task();
    });
  }
  void shutdown() override { pool_.shutdown(); }

 private:
  std::atomic<size_t> waiting_{0};
  httplib::ThreadPool pool_{kWorkers};
};

class Server final : public HttpServer {
 public:
  Server(HostPort address, HttpHandlers handlers)
      : address_(std::move(address)), handlers_(std::move(handlers)) {}
  ~Server() override { Stop(); }

  Status Listen();
  std::string address() const override;
  void Stop() override EXCLUDES(mu_);

 private:
  void Configure();
  void Answer(const httplib::Request& request, httplib::Response& response) const;

  HostPort address_;
  const HttpHandlers handlers_;
  httplib::Server server_;
  base::Mutex mu_;
  base::CondVar running_changed_;
  bool running_ GUARDED_BY(mu_) = false;
  // lint: allow(thread) the accept loop of a third-party server; it ends at this door
  std::thread thread_ GUARDED_BY(mu_);
};

std::string KnownPaths(const HttpHandlers& handlers) {
  std::string paths = "no such page; there are:\n";
  for (const auto& [path, handler] : handlers) paths += "  " + path + "\n";
  return paths;
}

void Server::Answer(const httplib::Request& request, httplib::Response& response) const {
  HttpResponse answer;
  const auto handler = handlers_.find(request.path);
  if (request.method != "GET" && request.method != "HEAD") {
    response.set_header("Allow", "GET, HEAD");
    answer = {.status = 405, .body = "only GET and HEAD are served\n"};
  } else if (handler == handlers_.end()) {
    answer = {.status = 404, .body = KnownPaths(handlers_)};
  } else {
    HttpRequest ours{.path = request.path, .query = {}};
    for (const auto& [name, value] : request.params) ours.query.emplace(name, value);
    answer = handler->second(ours);
  }
  response.status = answer.status;
  response.set_content(answer.body, answer.content_type);
}

void Server::Configure() {
  server_.set_keep_alive_max_count(1);
  server_.set_keep_alive_timeout(kRequestTimeoutSeconds);
  server_.set_read_timeout(kRequestTimeoutSeconds);
  server_.set_write_timeout(kRequestTimeoutSeconds);
  // The library's default also sets SO_REUSEPORT, with which two servers share a port unnoticed.
  server_.set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  server_.new_task_queue = [this]() -> httplib::TaskQueue* {
    base::MutexLock lock(mu_);
    running_ = true;
    running_changed_.SignalAll();
    return new BoundedPool;  // owned by the library
  };
  server_.set_pre_routing_handler(
      [this](const httplib::Request& request, httplib::Response& response) {
        Answer(request, response);
        return httplib::Server::HandlerResponse::Handled;
      });
}

Status Server::Listen() {
  Configure();
  errno = 0;
  if (address_.port == 0) {
    address_.port = std::max(0, server_.bind_to_any_port(address_.host));
  } else if (!server_.bind_to_port(address_.host, address_.port)) {
    const std::string reason = errno == 0 ? "no such address" : std::strerror(errno);
    return Status::Unavailable("cannot listen on " + address() + ": " + reason)
        .WithHint("stop what uses the port, or choose another address")
        .WithErrorNumber(kPortInUse);
  }
  if (address_.port == 0) {
    return Status::Unavailable("cannot listen on " + address() + ": no such address, or no port")
        .WithErrorNumber(kPortInUse);
  }
  base::MutexLock lock(mu_);
  // lint: allow(thread) see thread_
  thread_ = std::thread([this] { server_.listen_after_bind(); });
  // Stop() does nothing before the loop runs, so it must not be reachable until then.
  while (!running_) running_changed_.Wait(mu_);
  return Status::Ok();
}

std::string Server::address() const {
  const bool v6 = address_.host.find(':') != std::string::npos;
  return (v6 ? "[" + address_.host + "]" : address_.host) + ":" + std::to_string(address_.port);
}

void Server::Stop() {
  base::MutexLock lock(mu_);
  if (!thread_.joinable()) return;
  server_.stop();
  thread_.join();
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const std::string& address,
                                                      HttpHandlers handlers) {
  auto parsed = ParseHostPort(address);
  if (!parsed.ok()) return parsed.status();
  auto server = std::make_unique<Server>(std::move(parsed).value(), std::move(handlers));
  const Status status = server->Listen();
  if (!status.ok()) return status;
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace nokv::rpc
