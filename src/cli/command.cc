#include "cli/command.h"

#include <algorithm>
#include <charconv>

#include "cli/error_pages.h"
#include "cli/suggest.h"
#include "cli/version.h"

namespace nokv::cli {

namespace {

constexpr size_t kNameWidth = 13;

const Command* FindCommand(const Program& program, std::string_view name) {
  const auto it = std::find_if(program.commands.begin(), program.commands.end(),
                               [name](const Command& command) { return command.name == name; });
  return it == program.commands.end() ? nullptr : &*it;
}

std::string ListCommands(const Program& program, bool built) {
  std::string text;
  for (const Command& command : program.commands) {
    if (static_cast<bool>(command.run) != built) continue;
    text += "  " + command.name;
    const size_t width = command.name.size();
    text += std::string(width < kNameWidth ? kNameWidth - width : 1, ' ') + command.summary + "\n";
  }
  return text;
}

std::string Guide(const Program& program) {
  std::string text = program.guide + "\nCommands:\n" + ListCommands(program, true) +
                     "  version      what this program was built from\n"
                     "  help         help for a command or an error number\n";
  const std::string missing = ListCommands(program, false);
  if (!missing.empty()) text += "\nNot built yet:\n" + missing;
  return text + "\nMore: " + program.name + " help COMMAND, docs/cli.md\n";
}

int UnknownCommand(const Program& program, const std::string& name, std::ostream& err) {
  std::vector<std::string> names = {"help", "version"};
  for (const Command& command : program.commands) names.push_back(command.name);
  Status status = Status::InvalidArgument("unknown command \"" + name + "\"");
  const std::string nearest = Suggest(name, names);
  if (!nearest.empty()) status = status.WithHint("did you mean " + nearest + "?");
  return FailUsage(status, program.name, err);
}

int NotBuilt(const Program& program, const Command& command, std::ostream& err) {
  return Fail(Status::Unimplemented(program.name + " " + command.name + " is not built yet")
                  .WithHint("nothing was done; " + program.name + " help lists what there is"),
              err);
}

// "E1203" or "e1203".
bool ParseErrorNumber(std::string_view text, uint16_t* number) {
  if (text.size() < 2 || (text[0] != 'E' && text[0] != 'e')) return false;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + 1, end, *number);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

int Help(const Program& program, const Args& args, const Environment& environment) {
  if (args.empty() || args[0] == "-h" || args[0] == "--help") {
    environment.out << Guide(program);
    return kExitOk;
  }
  uint16_t number = 0;
  if (ParseErrorNumber(args[0], &number)) {
    const ErrorPage* page = FindErrorPage(number);
    if (page == nullptr) {
      return Fail(Status::NotFound("no error has the number " + args[0])
                      .WithHint("docs/errors.md lists them all"),
                  environment.err);
    }
    environment.out << RenderErrorPage(*page);
    return kExitOk;
  }
  if (args[0] == "help" || args[0] == "version") {
    environment.out << program.name + " help [COMMAND | E1203]\n" + program.name +
                           " version [--json]\n";
    return kExitOk;
  }
  const Command* command = FindCommand(program, args[0]);
  if (command == nullptr) return UnknownCommand(program, args[0], environment.err);
  if (!command->run) return NotBuilt(program, *command, environment.err);
  environment.out << command->help;
  return kExitOk;
}

bool WantsHelp(const Args& args) {
  const auto end = std::find(args.begin(), args.end(), "--");
  return std::any_of(args.begin(), end, [](const std::string& arg) {
    return arg == "-h" || arg == "--help" || arg == "-help";
  });
}

}  // namespace

int RunProgram(const Program& program, const Args& args, const Environment& environment) {
  if (args.empty()) return Help(program, {}, environment);
  const std::string& name = args[0];
  const Args rest(args.begin() + 1, args.end());
  if (name == "-h" || name == "--help" || name == "-help") return Help(program, {}, environment);
  if (name == "help") return Help(program, rest, environment);
  if (name == "--version") return RunVersion(program.name, {}, environment);
  if (name == "version") {
    return WantsHelp(rest) ? Help(program, {name}, environment)
                           : RunVersion(program.name, rest, environment);
  }
  if (name.starts_with("-")) {
    return FailUsage(Status::InvalidArgument("unknown flag \"" + name + "\""), program.name,
                     environment.err);
  }
  const Command* command = FindCommand(program, name);
  if (command == nullptr) return UnknownCommand(program, name, environment.err);
  if (!command->run) return NotBuilt(program, *command, environment.err);
  if (WantsHelp(rest)) return Help(program, {name}, environment);
  return command->run(rest, environment);
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

int Fail(const Status& status, std::ostream& err) {
  const std::string number =
      status.error_number() == 0 ? "" : "E" + std::to_string(status.error_number());
  err << "error" << (number.empty() ? "" : "[" + number + "]") << ": " << status.message() << "\n";
  if (!status.hint().empty()) err << "  " << status.hint() << "\n";
  if (!number.empty()) err << "  see nokv help " << number << "\n";
  return ExitCodeFor(status);
}

int FailUsage(const Status& status, std::string_view command, std::ostream& err) {
  err << "error: " << status.message();
  if (!status.hint().empty()) err << "; " << status.hint();
  err << "\nsee " << command << " --help\n";
  return kExitUsage;
}

}  // namespace nokv::cli
