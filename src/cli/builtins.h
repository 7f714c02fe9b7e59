// The commands that every program has: version, help, completion and gen-docs.
//
// Thread safety: pure functions, but for what the environment gives the commands.
#pragma once

#include <vector>

#include "cli/command.h"

namespace nokv::cli {

// `program` is what the caller declared, without these commands.
std::vector<Command> BuiltinCommands(const Command& program);

// Refuses a command that is known and not built; returns the exit code.
int NotBuilt(const std::string& title, std::ostream& err);

}  // namespace nokv::cli
