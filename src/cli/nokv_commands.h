// The commands of `nokv` and `nokv-config`, one file each.
//
// Thread safety: pure functions, but for what the environment gives them.
#pragma once

#include "cli/command.h"

namespace nokv::cli {

// `nokv stats --workdir DIR | --expvar URL [--json] [--no-region-metrics]`
Command StatsCommand();
// `nokv manifest --workdir DIR [--json]`
Command ManifestCommand();

// The whole programs.
Command NokvProgram();
Command NokvConfigProgram();

}  // namespace nokv::cli
