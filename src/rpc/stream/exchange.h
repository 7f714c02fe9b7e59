// Exchange: one question to a server and the first line of its answer, for tools that look whether
// something answers.
//
// Thread safety: pure function; blocks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nokv/status.h"

namespace nokv::rpc::stream {

// Connects to `address` ("host:port"), sends `request` and returns what comes back up to the first
// line break, without it, at most 4 KiB. kUnavailable if nobody listens there or the peer hangs up,
// kDeadlineExceeded if `timeout_ms` was not enough, kInvalidArgument for an address of another
// form.
Result<std::string> Exchange(const std::string& address, std::string_view request,
                             uint64_t timeout_ms);

}  // namespace nokv::rpc::stream
