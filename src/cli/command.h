// What the commands of every program here share: how a command describes itself, where it prints,
// how it ends, and how a program finds it by its name.
//
// A command is a value; what it does is a function that prints to the streams it is given, so that
// tests run it without a process. Its description is the only one: help, completion, the manual
// pages and docs/reference.md are made from it.
//
//   Command command{
//       .name = "get",
//       .summary = "the value of a key",
//       .examples = {{"nokv get greeting --workdir ./data"}},
//       .description = "Prints the value …",
//       .define = [](FlagSet& flags) -> Action {
//         auto options = std::make_shared<GetOptions>();
//         flags.Path("workdir", "DIR", &options->workdir, "the database
//         directory").Required().Env(); return [options](const Environment& environment) { return
//         Get(*options, environment); };
//       }};
#pragma once

#include <functional>
#include <istream>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "cli/flags.h"
#include "nokv/stats.h"
#include "nokv/status.h"
#include "vfs/vfs.h"

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
  kExitInterrupted = 130,
};

// What can be learned from a database directory without changing it.
struct Inspection {
  nokv::Stats stats;
  nokv::ManifestStats manifest;
  nokv::ValueFilesStats values;
};

enum class Verbosity { kQuiet, kNormal, kVerbose, kDebug };
// Whether the progress of long work is shown: on a terminal, as JSON events, or not at all.
enum class ProgressMode { kAuto, kJson, kNever };

// What a command may use of the world.
struct Environment {
  std::ostream& out;
  std::ostream& err;
  // Reads a database directory; InspectDirectory, except in tests.
  std::function<Result<Inspection>(const std::string& workdir)> inspect;
  vfs::FileSystem& fs = vfs::PosixFileSystem();
  // Environment variables; empty: none is set.
  Variables variables = {};
  // The arguments of main, without the program's name.
  Args args = {};
  // Where settings are looked for, the most important first. They need not exist.
  std::vector<std::string> settings_files = {};
  // Standard input; null: empty.
  std::istream* in = nullptr;
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  // The three below follow the flags that every command has.
  Verbosity verbosity = Verbosity::kNormal;
  ProgressMode progress = ProgressMode::kAuto;
  bool out_in_color = false;
  // What the engine has to say; null: it is not shown.
  std::shared_ptr<base::Logger> engine_log = nullptr;
  // Shows a text in the program with which the user reads long ones; false: it is better printed.
  std::function<bool(const std::string& text)> page = {};
};

// What a command does once its flags are set; returns the exit code.
using Action = std::function<int(const Environment&)>;

class SettingsSchema;

struct Example {
  std::string line;          // as typed
  std::string comment = {};  // what it is for; may be empty
};

struct Command {
  std::string name;
  // One line for lists of commands.
  std::string summary = {};
  // Help begins with them. Every one is run by a test.
  std::vector<Example> examples = {};
  // Paragraphs, one line each; lines that begin with a blank are kept.
  std::string description = {};
  // Declares the flags, each bound to a field of an options object that the action returned uses.
  // Empty for what only has commands below it, and for a command that is known and refused because
  // it is not built yet.
  std::function<Action(FlagSet& flags)> define = {};
  // Below it: "serve" of "nokv tso serve". One that has some takes no arguments of its own.
  std::vector<Command> commands = {};
  // What other programs call it; a suggestion, no name.
  std::vector<std::string> also = {};
  // The settings that there are, of this and other programs (cli/settings.h); empty: it reads no
  // files, and has no --config.
  std::function<SettingsSchema()> settings = {};
};

// False for one that is known and refused.
bool IsBuilt(const Command& command);

struct NamedCommand {
  std::string name;  // with those above it: "tso serve"
  const Command* command;
};
// The commands below `parent` that are built, each behind the one that it is below.
std::vector<NamedCommand> BuiltCommands(const Command& parent);

// Runs `program` with the arguments of main, without the program's name. Beside its own commands
// each program has help, version, completion and gen-docs. Flags may stand before or behind the
// command. Usage errors print two lines to err and return kExitUsage.
int RunProgram(const Command& program, const Args& args, const Environment& environment);

// `program` with the commands that every program has.
Command WithBuiltins(const Command& program);
struct CommonFlags {
  bool help = false;
  bool version = false;
  bool quiet = false;
  uint64_t verbose = 0;
  std::string color = "auto";
  std::string progress = "auto";
  std::string config;
};
// Declares the flags that every command has; `program` is true for the program itself.
void DefineCommonFlags(FlagSet& flags, CommonFlags* target, const Command& command, bool program);

// Prints a text of any length, such as help, to `environment.out` or in the user's pager.
void PrintText(const std::string& text, const Environment& environment);

// The exit code for a failed call; kExitOk for an OK one.
int ExitCodeFor(const Status& status);
// Prints "error: MESSAGE" or "error[E1203]: MESSAGE", then the hint and where to read on, each on a
// line of its own; returns ExitCodeFor(status).
int Fail(const Status& status, std::ostream& err);
// Prints the error and how to get help for `command` ("nokv stats"), with an example if there is
// one; returns kExitUsage.
int FailUsage(const Status& status, std::string_view command, std::ostream& err,
              std::string_view example = "");

}  // namespace nokv::cli
