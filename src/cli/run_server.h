// RunServer: what the servers have in common at their start and end.
//
// Thread safety: pure, but for the signals of the process.
#pragma once

#include <functional>
#include <string>

#include "base/log.h"
#include "cli/command.h"
#include "nokv/status.h"

namespace nokv::cli {

// Opens the log, leaves aside the signals that must not end a server, calls `serve` with the
// command line that began it, prints why it failed and returns the exit code.
int RunServer(const std::string& program, const Environment& environment,
              const std::function<Status(const Args& command_line, base::Logger& logger)>& serve);

}  // namespace nokv::cli
