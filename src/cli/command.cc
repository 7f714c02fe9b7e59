#include "cli/command.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "base/macros.h"
#include "cli/builtins.h"
#include "cli/help.h"
#include "cli/log_sink.h"
#include "cli/settings.h"
#include "cli/text.h"
#include "cli/version.h"
#include "config/suggest.h"

namespace nokv::cli {

namespace {

const Command* FindCommand(const Command& parent, std::string_view name) {
  const auto it = std::find_if(parent.commands.begin(), parent.commands.end(),
                               [name](const Command& command) { return command.name == name; });
  return it == parent.commands.end() ? nullptr : &*it;
}

// A set with the flags of all commands, to tell the values of flags from the command's name.
void DefineEverything(const Command& command, FlagSet& flags) {
  if (command.define) command.define(flags);
  for (const Command& child : command.commands) DefineEverything(child, flags);
}

// `title` is `parent` with the names before it.
int UnknownCommand(const Command& parent, const std::string& title, const std::string& name,
                   std::ostream& err) {
  std::map<std::string, std::string> meant;  // by what may be typed
  for (const Command& command : parent.commands) {
    for (const std::string& also : command.also) meant.emplace(also, command.name);
  }
  for (const Command& command : parent.commands) meant[command.name] = command.name;
  std::vector<std::string> words;
  for (const auto& [word, command] : meant) words.push_back(word);
  Status status = Status::InvalidArgument("unknown command " + Quoted(name));
  const std::string nearest =
      meant.contains(name) ? meant.at(name) : meant[config::Suggest(name, words)];
  if (!nearest.empty()) status = status.WithHint("did you mean " + nearest + "?");
  return FailUsage(status, title, err);
}

Status NoCommand(const std::string& title) {
  const std::string help = title.find(' ') == std::string::npos ? " help" : " --help";
  return Status::InvalidArgument("no command is given")
      .WithHint(title + help + " lists what there is");
}

// The command that arguments name.
struct Found {
  const Command* command;
  std::string title;  // with the names before it: "nokv tso serve"
  Args rest;          // the arguments without these names
  std::string next;   // the first of the rest that is not of a flag; empty: none
};

// `everything` has the flags of all commands below `program`.
Found FindNamed(const Command& program, const FlagSet& everything, const Args& args) {
  Found found = {&program, program.name, args, ""};
  while (true) {
    const size_t position = everything.FirstArgument(found.rest);
    found.next = position < found.rest.size() ? found.rest[position] : "";
    const Command* const below = FindCommand(*found.command, found.next);
    if (below == nullptr) return found;
    found.command = below;
    found.title += " " + below->name;
    found.rest.erase(found.rest.begin() + static_cast<std::ptrdiff_t>(position));
  }
}

bool InColor(const CommonFlags& common, const Environment& environment) {
  if (common.color != "auto") return common.color == "always";
  const auto is = [&](const char* name) {
    return environment.variables && !environment.variables(name).value_or("").empty();
  };
  if (is("NO_COLOR")) return false;
  if (is("FORCE_COLOR")) return true;
  if (is("TERM") && environment.variables("TERM") == "dumb") return false;
  return environment.out_is_terminal;
}

Environment Adapt(const Environment& environment, const CommonFlags& common) {
  Environment adapted = environment;
  if (common.quiet) adapted.verbosity = Verbosity::kQuiet;
  if (common.verbose == 1) adapted.verbosity = Verbosity::kVerbose;
  if (common.verbose > 1) {
    adapted.verbosity = Verbosity::kDebug;
    auto log = OpenLog({.level = base::LogLevel::kDebug, .file = ""});
    if (log.ok()) adapted.engine_log = *std::move(log);
  }
  if (common.progress == "json") adapted.progress = ProgressMode::kJson;
  if (common.progress == "never") adapted.progress = ProgressMode::kNever;
  adapted.out_in_color = InColor(common, environment);
  return adapted;
}

// `title` is the command with the names before it: "nokv stats".
int RunCommand(const Command& command, const std::string& title, bool program, const Args& args,
               const Environment& environment) {
  CommonFlags common;
  FlagSet flags;
  const Action action = command.define ? command.define(flags) : nullptr;
  DefineCommonFlags(flags, &common, command, program);
  if (flags.WantsHelp(args)) {
    PrintText(HelpText(command, title), environment);
    return kExitOk;
  }
  std::optional<Settings> settings;
  const FileValues from_files = [&](const Flag& flag) -> Result<std::optional<FileValue>> {
    if (!settings.has_value()) {
      ASSIGN_OR_RETURN(settings,
                       Settings::Read(environment.fs, SettingsPaths(environment, common.config),
                                      common.config, command.settings()));
    }
    const std::vector<FileValue> values = settings->Find(flag);
    return values.empty() ? std::nullopt : std::optional<FileValue>(values[0]);
  };
  Status status = flags.Parse(args, environment.variables, command.settings ? from_files : nullptr);
  if (common.version) {
    environment.out << VersionLine(title) << "\n";
    return kExitOk;
  }
  if (status.ok() && !action) {
    status = NoCommand(title);
  }
  if (!status.ok()) {
    // Whoever left something out sees a whole line.
    const bool show = flags.missing() && !command.examples.empty();
    return FailUsage(status, title, environment.err, show ? command.examples[0].line : "");
  }
  return action(Adapt(environment, common));
}

}  // namespace

void DefineCommonFlags(FlagSet& flags, CommonFlags* target, const Command& command, bool program) {
  if (program) {
    flags.Switch("version", &target->version, "print the version").everywhere = true;
  }
  flags.Switch("quiet", &target->quiet, "no messages but errors").Short('q').everywhere = true;
  flags.Count("verbose", &target->verbose, 2, "more messages; -vv: the engine's log, too")
      .Short('v')
      .everywhere = true;
  flags.Choice("color", &target->color, {"auto", "always", "never"}, "colours in the output")
      .Env()
      .everywhere = true;
  flags
      .Choice("progress", &target->progress, {"auto", "json", "never"},
              "how long work reports its progress on standard error")
      .Env()
      .everywhere = true;
  if (command.settings) {
    Flag& config = flags
                       .Path("config", "FILE", &target->config,
                             "the file with settings; without it nokv.json of this folder, if it "
                             "is there")
                       .Short('C')
                       .Env();
    config.everywhere = true;
  }
  flags.Switch("help", &target->help, "print this").Short('h').everywhere = true;
  flags.Check([target] {
    return target->quiet && target->verbose > 0
               ? Status::InvalidArgument("--quiet and --verbose contradict each other")
               : Status::Ok();
  });
}

Command WithBuiltins(const Command& program) {
  Command whole = program;
  for (Command& command : BuiltinCommands(program)) whole.commands.push_back(std::move(command));
  return whole;
}

bool IsBuilt(const Command& command) {
  return command.define != nullptr ||
         std::any_of(command.commands.begin(), command.commands.end(), IsBuilt);
}

std::vector<NamedCommand> BuiltCommands(const Command& parent) {
  std::vector<NamedCommand> all;
  for (const Command& command : parent.commands) {
    if (!IsBuilt(command)) continue;
    all.push_back({command.name, &command});
    for (NamedCommand& below : BuiltCommands(command)) {
      below.name.insert(0, command.name + " ");
      all.push_back(std::move(below));
    }
  }
  return all;
}

int RunProgram(const Command& program, const Args& args, const Environment& environment) {
  const Command whole = WithBuiltins(program);
  CommonFlags common;
  FlagSet everything;
  DefineEverything(whole, everything);
  DefineCommonFlags(everything, &common, whole, true);
  const Found found = FindNamed(whole, everything, args);
  if (found.command == &whole) {
    if (!found.next.empty() && !program.define) {
      return UnknownCommand(whole, whole.name, found.next, environment.err);
    }
    if (args.empty() && !program.define) {
      PrintText(GuideText(whole), environment);
      return kExitOk;
    }
    // "nokv --workdir ./data": the flags of a command, without it.
    FlagSet own;
    DefineCommonFlags(own, &common, whole, true);
    if (!program.define && everything.Knows(args) && !own.Knows(args)) {
      return FailUsage(NoCommand(whole.name), whole.name, environment.err);
    }
    return RunCommand(whole, whole.name, true, args, environment);
  }
  if (!IsBuilt(*found.command)) return NotBuilt(found.title, environment.err);
  if (!found.next.empty() && !found.command->commands.empty()) {
    return UnknownCommand(*found.command, found.title, found.next, environment.err);
  }
  return RunCommand(*found.command, found.title, false, found.rest, environment);
}

void PrintText(const std::string& text, const Environment& environment) {
  if (!environment.page || !environment.page(text)) environment.out << text;
}

int ExitCodeFor(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return kExitOk;
    case StatusCode::kNotFound:
      return kExitNotFound;
    case StatusCode::kUnavailable:
    case StatusCode::kDeadlineExceeded:
      return kExitUnavailable;
    case StatusCode::kAlreadyExists:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kAborted:
      return kExitConflict;
    case StatusCode::kDataLoss:
      return kExitCorruption;
    case StatusCode::kPermissionDenied:
      return kExitPermission;
    default:
      return kExitFailed;
  }
}

namespace {

// "error: " or "error[E1203]: ", and the message.
std::string ErrorLine(const Status& status) {
  const uint16_t number = status.error_number();
  return "error" + (number == 0 ? "" : "[E" + std::to_string(number) + "]") + ": " +
         std::string(status.message());
}

}  // namespace

int Fail(const Status& status, std::ostream& err) {
  err << ErrorLine(status) << "\n";
  if (!status.hint().empty()) err << "  " << status.hint() << "\n";
  if (status.error_number() != 0) err << "  see nokv help E" << status.error_number() << "\n";
  return ExitCodeFor(status);
}

int FailUsage(const Status& status, std::string_view command, std::ostream& err,
              std::string_view example) {
  if (status.error_number() != 0) {
    (void)Fail(status, err);
    return kExitUsage;
  }
  err << ErrorLine(status);
  if (!status.hint().empty()) err << "; " << status.hint();
  err << "\nsee " << command << " --help";
  if (!example.empty()) err << ", for example: " << example;
  err << "\n";
  return kExitUsage;
}

}  // namespace nokv::cli
