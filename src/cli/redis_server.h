// nokv-redis: serves a database directory to Redis clients. Flags, start and orderly end.
#pragma once

#include "cli/command.h"

namespace nokv::cli {

// Runs the gateway with the arguments of main, without the program's name, until SIGTERM or
// SIGINT; returns the exit code.
int RunRedisServer(const Args& args, const Environment& environment);

}  // namespace nokv::cli
