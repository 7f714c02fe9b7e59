// What the commands of every program here share: where they print, how they end, and how a program
// finds the command by its name.
//
// A command is a function from arguments to an exit code that prints to the streams it is given, so
// that tests run it without a process.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/flags.h"
#include "nokv/stats.h"
#include "nokv/status.h"

namespace nokv::cli {

// Exit codes of every program. docs/cli.md promises them.
enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  kExitNotFound = 3,
  kExitUnavailable = 4,
  kExitConflict = 5,
  kExitCorruption = 6,
  kExitPermission = 7,
};

// What can be learned from a database directory without changing it.
struct Inspection {
  nokv::Stats stats;
  nokv::ManifestStats manifest;
};

// What a command may use of the world.
struct Environment {
  std::ostream& out;
  std::ostream& err;
  // Reads a database directory; InspectDirectory, except in tests.
  std::function<Result<Inspection>(const std::string& workdir)> inspect;
};

struct Command {
  std::string name;
  // One line for the list of commands.
  std::string summary;
  // For `help NAME`; begins with examples.
  std::string help;
  // Gets the arguments behind the command's name, without -h and --help. Empty: the command is
  // known and refused, because it is not built yet.
  std::function<int(const Args&, const Environment&)> run;
};

struct Program {
  std::string name;
  // For `help` and for no argument at all; the list of commands is added below it.
  std::string guide;
  std::vector<Command> commands;
};

// Runs `NAME COMMAND ARGS…` without the NAME, with `help`, `version` and their flags. Usage errors
// print two lines to err and return kExitUsage.
int RunProgram(const Program& program, const Args& args, const Environment& environment);

// The exit code for a failed call; kExitOk for an OK one.
int ExitCodeFor(const Status& status);
// Prints "error: MESSAGE" or "error[E1203]: MESSAGE", then the hint and where to read on, each on a
// line of its own; returns ExitCodeFor(status).
int Fail(const Status& status, std::ostream& err);
// Prints the error and how to get help for `command` ("nokv stats"); returns kExitUsage.
int FailUsage(const Status& status, std::string_view command, std::ostream& err);

}  // namespace nokv::cli
