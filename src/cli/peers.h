// The three members of the metadata root, as flags name them: "1=127.0.0.1:2380".
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nokv/status.h"

namespace nokv::cli {

struct NumberedAddress {
  uint64_t id = 0;
  std::string address;
};

// kInvalidArgument, naming `flag` and saying what it takes, unless there are three with different
// ids above zero and different addresses. In the order of their ids.
Result<std::vector<NumberedAddress>> ParsePeers(const std::string& flag,
                                                const std::vector<std::string>& peers);

}  // namespace nokv::cli
