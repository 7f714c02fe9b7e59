#include "rpc/http/host_port.h"

#include <charconv>

namespace nokv::rpc {

Result<HostPort> ParseHostPort(std::string_view address) {
  const Status bad =
      Status::InvalidArgument("address \"" + std::string(address) + "\" is not HOST:PORT")
          .WithHint("write for example 127.0.0.1:6380, [::1]:6380 or :6380");
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || address.find('\0') < colon) return bad;
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

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

}  // namespace nokv::rpc
