// HostPort: an address as people write it, for those who listen and those who connect.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "nokv/status.h"

namespace nokv::rpc {

struct HostPort {
  std::string host;  // a name or an address; one of version 6 without brackets
  int port = 0;      // 0 to 65535
};

// Takes "host:port", "[v6]:port", and ":port" for loopback. kInvalidArgument, with the forms, if
// `address` is none of them.
Result<HostPort> ParseHostPort(std::string_view address);

// True for hosts, without a port, that only this machine reaches.
bool IsLoopback(std::string_view host);

}  // namespace nokv::rpc
