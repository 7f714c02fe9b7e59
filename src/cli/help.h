// The help of a command, made from its description: examples first, then what it does, its flags
// with defaults and variables, and the exit codes.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace nokv::cli {

// For a terminal of 80 columns. `title` is the command with the names before it: "nokv stats".
std::string HelpText(const Command& command, const std::string& title);

// The short guide that a program prints when it is called without arguments.
std::string GuideText(const Command& program);

// "nokv get KEY --workdir DIR [flags]"
std::string UsageLine(const Command& command, const std::string& title);
// "-o, --output table|json"; of a switch "--json"; of an argument "KEY".
std::string FlagTitle(const Flag& flag);
// "where clients connect (default 127.0.0.1:6380; or NOKV_ADDR)".
std::string FlagHelp(const Flag& flag);

struct ExitMeaning {
  int code;
  std::string meaning;
};
const std::vector<ExitMeaning>& ExitMeanings();

}  // namespace nokv::cli
