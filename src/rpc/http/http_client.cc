#include <httplib.h>

#include <charconv>
#include <string>
#include <utility>

#include "rpc/http/http.h"

namespace nokv::rpc {

namespace {
constexpr size_t kMaxBodyBytes = size_t{64} << 20;
constexpr std::string_view kScheme = "http://";
}  // namespace

Result<HostPort> ParseHostPort(std::string_view address) {
  const Status bad =
      Status::InvalidArgument("address \"" + std::string(address) + "\" is not host:port")
          .WithHint("write 127.0.0.1:9100, [::1]:9100 or :9100");
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return bad;
  std::string_view host = address.substr(0, colon);
  const std::string_view digits = address.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) return bad;
  } else if (host.find_first_of(":[]/ ") != std::string_view::npos) {
    return bad;
  }
  int port = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return bad;
  if (port < 0 || port > 65535) return bad;
  return HostPort{.host = host.empty() ? "127.0.0.1" : std::string(host), .port = port};
}

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
    return Status::Unavailable(url + ": " + httplib::to_string(answer.error()))
        .WithHint("check that the server runs and serves HTTP at this address");
  }
  return HttpResponse{.status = answer->status,
                      .content_type = answer->get_header_value("Content-Type"),
                      .body = std::move(body)};
}

}  // namespace nokv::rpc
