// The sections of INFO. Names of fields are Redis's where they mean the same; nokv_… are ours. What
// is not there at all (snapshots, replicas) is 0, as in a Redis that does not use it.
//
// Thread safety: as commands/command.h.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "redis/commands/command.h"

namespace nokv::redis {

struct InfoSection {
  std::string_view name;                                // as it is asked for
  std::string_view title;                               // as it is shown
  Status (*write)(Context& context, std::string* out);  // appends lines
  bool by_default = true;
};

// In the order in which they are shown.
std::span<const InfoSection> InfoSections();

}  // namespace nokv::redis
