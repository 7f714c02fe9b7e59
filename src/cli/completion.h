// Completion scripts for shells, made from the tree of commands.
//
// Thread safety: pure function.
#pragma once

#include <string>
#include <string_view>

#include "cli/command.h"

namespace nokv::cli {

// `program` with all of its commands; `shell` is bash, zsh or fish.
std::string CompletionScript(const Command& program, std::string_view shell);

}  // namespace nokv::cli
