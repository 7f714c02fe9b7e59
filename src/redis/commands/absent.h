// Commands of Redis that are known but not built, and what a client is told that sends one.
//
// Most are simply not there yet: they are answered as any unknown command, which client libraries
// know how to handle. A few ask for something that this server does in another way or never will;
// those say so. docs/redis-compatibility.md shows both; tests compare it with these tables.
//
// Thread safety: immutable.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace nokv::redis {

class CommandTable;

// A family that is not built.
struct AbsentFamily {
  std::string_view family;
  std::string_view commands;  // separated by spaces
};
std::span<const AbsentFamily> AbsentFamilies();

// Commands that are refused.
struct RefusedCommands {
  std::string_view commands;  // separated by spaces; subcommands: "function|load"
  std::string_view reason;    // "… is not supported: reason"
};
std::span<const RefusedCommands> AllRefusedCommands();

// The error for a request whose command, or subcommand, is not in the table.
std::string NoSuchCommand(const CommandTable& table, std::span<const std::string_view> args);

}  // namespace nokv::redis
