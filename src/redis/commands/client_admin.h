// The subcommands of CLIENT that are about all connections.
//
// Thread safety: as commands/command.h.
#pragma once

#include <string>

#include "redis/commands/command.h"

namespace nokv::redis {

// One line of CLIENT LIST, with its line end.
std::string DescribeClient(Services& services, const ClientState& client, uint64_t now_ms);

Status ClientInfo(Context& context);
Status ClientList(Context& context);
Status ClientKill(Context& context);
Status ClientPauseAll(Context& context);
Status ClientUnpause(Context& context);
Status ClientUnblock(Context& context);

}  // namespace nokv::redis
