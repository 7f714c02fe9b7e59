// --watch: a reading command that shows its results again and again.
//
// Thread safety: none; one owner.
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>

#include "cli/command.h"
#include "cli/flags.h"
#include "cli/output.h"

namespace nokv::cli {

struct WatchOptions {
  uint64_t interval_ms = 0;  // 0: only once
};

// Declares --watch.
void DefineWatch(FlagSet& flags, WatchOptions* target);

// Prints the results to `out` and returns the exit code; failures go to the environment's `err`.
using Show = std::function<int(const OutputOptions& output, std::ostream& out)>;

// Calls `show` once, or at every interval until SIGINT or SIGTERM, which is success: on a terminal
// each time over what was there before, elsewhere one block behind the other. A first time that
// fails ends it; later failures, of a server that restarts say, do not.
int Watch(const WatchOptions& watch, const OutputOptions& output, const Environment& environment,
          const Show& show);

}  // namespace nokv::cli
