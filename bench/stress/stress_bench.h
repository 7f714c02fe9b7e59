// `nokv-bench stress`: a process that works on a database with random options is killed, another
// one finds out whether anything was lost, and so on. `nokv-bench stress-worker` is that process.
#pragma once

#include "cli/command.h"

namespace nokv::bench {

cli::Command StressCommand();
cli::Command StressWorkerCommand();

}  // namespace nokv::bench
