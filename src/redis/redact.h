// Which words of a command nobody but its sender may see: passwords, and what users are made of.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "redis/commands/spec.h"

namespace nokv::redis {

// The words, with "(redacted)" in place of secret ones, as the slow log and monitors show them.
std::vector<std::string_view> Redacted(const CommandSpec& spec,
                                       std::span<const std::string_view> args);

}  // namespace nokv::redis
