// nokv-redis: serves a database directory to Redis clients. Flags, start and orderly end.
#pragma once

#include "cli/command.h"

namespace nokv::cli {

// Its action runs the gateway until SIGTERM or SIGINT.
Command NokvRedisProgram();

}  // namespace nokv::cli
