// Holder: by what a coordinator is known as the holder of the lease: "c1@127.0.0.1:2379#5f3a21bc".
//
// The part behind the number sign is drawn anew by each process, so that two processes that were
// given one id never renew each other's lease, and a restarted one waits for its former self. The
// address is for those who look for the holder.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "nokv/status.h"

namespace nokv::coordinator {

struct Holder {
  std::string id = {};
  std::string addr = {};
  std::string incarnation = {};
  bool operator==(const Holder&) const = default;
};

inline constexpr size_t kMaxCoordinatorIdBytes = 64;

// kInvalidArgument unless it is 1 to kMaxCoordinatorIdBytes letters, digits, '-', '_' and '.'.
Status CheckCoordinatorId(std::string_view id);

std::string FormatHolder(const Holder& holder);
// Takes any text; what does not look like a holder is an id.
Holder ParseHolder(std::string_view text);

}  // namespace nokv::coordinator
