// What a command would touch, as far as its arguments tell: keys and channels.
//
// Thread safety: thread-safe.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "redis/commands/command.h"

namespace nokv::redis::acl {

struct KeyUse {
  size_t position;  // among the arguments
  bool reads;
  bool writes;
};

std::vector<KeyUse> KeysUsed(const CommandSpec& spec, std::span<const std::string_view> args);

// Arguments [begin, end) are channels, or patterns of channels.
struct ChannelUse {
  size_t begin = 0;
  size_t end = 0;
  bool patterns = false;
};

ChannelUse ChannelsUsed(const CommandSpec& spec, std::span<const std::string_view> args);

}  // namespace nokv::redis::acl
