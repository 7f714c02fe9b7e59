// `nokv-bench redis`: the gateway beside Debian's redis-server, in one run.
#pragma once

#include "cli/command.h"

namespace nokv::bench {

cli::Command RedisCommand();

}  // namespace nokv::bench
