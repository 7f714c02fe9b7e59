// How COMMAND shows what a command is.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "redis/commands/spec.h"
#include "redis/resp/reply.h"

namespace nokv::redis {

// The element of COMMAND INFO.
void ReplyCommandInfo(Reply& reply, const CommandSpec& spec);
// The name and the map of COMMAND DOCS.
void ReplyCommandDocs(Reply& reply, const CommandSpec& spec);
// Those of `names` whose bit is in `set`, each with `prefix` before it.
void ReplyNames(Reply& reply, std::span<const std::string_view> names, uint32_t set,
                std::string_view prefix = "");

}  // namespace nokv::redis
