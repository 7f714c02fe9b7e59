// A small HTTP/1.1 server for GET and HEAD, and a client for GET: what the metrics and status pages
// and the tools that read them need. It is no general web server: no bodies are accepted, every
// connection carries one request, and all limits are fixed (below).
//
//   auto server = HttpServer::Start("127.0.0.1:0", {{"/livez", [](const HttpRequest&) {
//     return HttpResponse{.body = "ok\n"};
//   }}});
//   auto answer = HttpGet("http://" + (*server)->address() + "/livez", 2'000);
//
// Built on cpp-httplib, which owns its threads; handlers run on them. Starting a server makes the
// process ignore SIGPIPE.
//
// Thread safety: handlers may run at the same time, on several threads. HttpServer's methods may be
// called by any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "nokv/status.h"

namespace nokv::rpc {

struct HttpRequest {
  std::string path;
  // Decoded parameters behind the question mark; of a repeated one the first counts.
  std::map<std::string, std::string, std::less<>> query;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;
// Exact path to handler. Other paths answer 404 with the list of these; methods other than GET and
// HEAD answer 405.
using HttpHandlers = std::map<std::string, HttpHandler, std::less<>>;

class HttpServer {
 public:
  // Listens on `address`, in a form that ParseHostPort takes; port 0 picks a free one. Returns when
  // connections are accepted. kInvalidArgument if the address has no such form,
  // kUnavailable (E2101) if it cannot be bound. A request of over 8 KiB in its first line or any
  // header line is refused; one that is not complete within 2 seconds is dropped. When all workers
  // are busy and 64 connections wait, further ones stay in the kernel's backlog.
  static Result<std::unique_ptr<HttpServer>> Start(const std::string& address,
                                                   HttpHandlers handlers);

  // Stops.
  virtual ~HttpServer() = default;
  // The address it listens on, with the real port.
  virtual std::string address() const = 0;
  // Ends listening and waits for requests under way, at most a few seconds. Idempotent.
  virtual void Stop() = 0;
};

// Fetches `url` (http only; "http://host:port/path"). Any answer of the server is a value, whatever
// its status; no redirect is followed. kInvalidArgument if the URL has no such form, kUnavailable
// if no server answers within `timeout_ms`.
Result<HttpResponse> HttpGet(const std::string& url, uint64_t timeout_ms);

}  // namespace nokv::rpc
