#include <httplib.h>

#include <string>
#include <utility>

#include "rpc/http/host_port.h"
#include "rpc/http/http.h"

namespace nokv::rpc {

namespace {
constexpr size_t kMaxBodyBytes = size_t{64} << 20;
constexpr std::string_view kScheme = "http://";

std::string Why(httplib::Error error) {
  switch (error) {
    case httplib::Error::Connection:
      return "nobody answers there";
    case httplib::Error::Read:
      return "no answer came, or one that is not HTTP";
    default:
      return httplib::to_string(error);
  }
}

}  // namespace

Result<HttpResponse> HttpGet(const std::string& url, uint64_t timeout_ms) {
  if (!url.starts_with(kScheme)) {
    return Status::InvalidArgument("URL \"" + url + "\" does not start with http://");
  }
  const size_t slash = url.find('/', kScheme.size());
  const std::string authority = url.substr(kScheme.size(), slash - kScheme.size());
  const std::string path = slash == std::string::npos ? "/" : url.substr(slash);
  const bool has_port = authority.find(':', authority.rfind(']') + 1) != std::string::npos;
  auto server = ParseHostPort(has_port ? authority : authority + ":80");
  if (!server.ok()) return server.status().Prefixed("URL \"" + url + "\"");

  httplib::Client client(server->host, server->port);
  const auto seconds = static_cast<time_t>(timeout_ms / 1000);
  const auto micros = static_cast<time_t>(timeout_ms % 1000 * 1000);
  client.set_connection_timeout(seconds, micros);
  client.set_read_timeout(seconds, micros);
  std::string body;
  const auto answer = client.Get(path, [&body](const char* data, size_t size) {
    if (size > kMaxBodyBytes - body.size()) return false;
    body.append(data, size);
    return true;
  });
  if (!answer) {
    return Status::Unavailable(url + ": " + Why(answer.error()))
        .WithHint("check that the server runs and serves HTTP at this address");
  }
  return HttpResponse{.status = answer->status,
                      .content_type = answer->get_header_value("Content-Type"),
                      .body = std::move(body)};
}

}  // namespace nokv::rpc
