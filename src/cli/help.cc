#include "cli/help.h"

#include <algorithm>

#include "cli/text.h"

namespace nokv::cli {

namespace {

constexpr size_t kWidth = 80;
// Where the right column begins.
constexpr size_t kRight = 26;
// The width of the names in a list of commands.
constexpr size_t kNames = 13;

// "  LEFT     RIGHT", the right column filled.
std::string TwoColumns(const std::string& left, const std::string& right) {
  std::string text = "  " + left;
  std::string filled = Fill(right, kWidth, std::string(kRight, ' '));
  if (Columns(text) + 2 > kRight) return text + "\n" + filled;
  return text + filled.substr(Columns(text));
}

std::string Examples(const Command& command) {
  size_t width = 0;
  for (const Example& example : command.examples) width = std::max(width, Columns(example.line));
  std::string text;
  for (const Example& example : command.examples) {
    text += example.line;
    if (!example.comment.empty()) {
      text += std::string(width - Columns(example.line) + 2, ' ') + "# " + example.comment;
    }
    text += "\n";
  }
  return text;
}

std::string ListCommands(const Command& command, bool built) {
  std::string text;
  for (const Command& child : command.commands) {
    if (IsBuilt(child) != built) continue;
    const size_t width = child.name.size();
    text += "  " + child.name + std::string(width < kNames ? kNames - width : 1, ' ') +
            child.summary + "\n";
  }
  return text;
}

std::string ListFlags(const std::deque<Flag>& flags, bool everywhere) {
  std::string text;
  for (const Flag& flag : flags) {
    if (flag.everywhere == everywhere) text += TwoColumns(FlagTitle(flag), FlagHelp(flag));
  }
  return text;
}

std::string Section(const std::string& title, const std::string& body) {
  return body.empty() ? "" : "\n" + title + "\n" + body;
}

std::string ExitCodes() {
  std::string text = "Exit codes:";
  for (const ExitMeaning& exit : ExitMeanings()) {
    text += (exit.code == 0 ? " " : ", ") + std::to_string(exit.code) + " " + exit.meaning;
  }
  return "\n" + Fill(text, kWidth, "");
}

}  // namespace

std::string UsageLine(const Command& command, const std::string& title) {
  FlagSet flags;
  if (command.define) command.define(flags);
  std::string line = title;
  if (!command.define) return line + " COMMAND [flags]";
  for (const Flag& argument : flags.arguments()) {
    line += argument.required ? " " + argument.name : " [" + argument.name + "]";
  }
  for (const Flag& flag : flags.flags()) {
    if (flag.required) line += " --" + flag.name + " " + flag.value;
  }
  return line + " [flags]";
}

std::string FlagTitle(const Flag& flag) {
  if (flag.name == flag.value) return flag.name;
  const std::string letter = flag.letter == 0 ? "" : std::string("-") + flag.letter + ", ";
  const std::string name = letter + "--" + flag.name;
  if (!flag.implied.empty()) return name + "[=" + flag.value + "]";
  return name + (flag.value.empty() ? "" : " " + flag.value);
}

std::string FlagHelp(const Flag& flag) {
  std::string facts;
  const auto add = [&facts](const std::string& fact) {
    facts += (facts.empty() ? "" : "; ") + fact;
  };
  if (flag.required && flag.name != flag.value) add("required");
  if (!flag.default_text.empty()) add("default " + flag.default_text);
  if (!flag.environment.empty()) add("or " + flag.environment);
  return flag.help + (facts.empty() ? "" : " (" + facts + ")");
}

const std::vector<ExitMeaning>& ExitMeanings() {
  static const std::vector<ExitMeaning> kMeanings = {{kExitOk, "done"},
                                                     {kExitFailed, "failed"},
                                                     {kExitUsage, "wrong usage"},
                                                     {kExitNotFound, "not found"},
                                                     {kExitUnavailable, "unavailable or timed out"},
                                                     {kExitConflict, "conflict"},
                                                     {kExitCorruption, "damaged data"},
                                                     {kExitPermission, "permission denied"},
                                                     {kExitInterrupted, "interrupted"}};
  return kMeanings;
}

std::string GuideText(const Command& program) {
  return Examples(program) + "\n" + Fill(program.description, kWidth, "") +
         Section("Commands:", ListCommands(program, true)) +
         Section("Not built yet:", ListCommands(program, false)) + "\nMore: " + program.name +
         " --help, " + program.name + " help COMMAND, docs/cli.md\n";
}

std::string HelpText(const Command& command, const std::string& title) {
  CommonFlags common;
  FlagSet flags;
  if (command.define) command.define(flags);
  DefineCommonFlags(flags, &common, command, title.find(' ') == std::string::npos);
  std::string text = Examples(command) + "\n" + Fill(command.description, kWidth, "");
  text += "\nUsage: " + UsageLine(command, title) + "\n";
  text += Section("Arguments:", ListFlags(flags.arguments(), false));
  text += Section("Commands:", ListCommands(command, true));
  text += Section("Not built yet:", ListCommands(command, false));
  text += Section("Flags:", ListFlags(flags.flags(), false));
  text += Section("Flags of every command:", ListFlags(flags.flags(), true));
  text += ExitCodes();
  const bool program = title.find(' ') == std::string::npos;
  const std::string more = program ? " help COMMAND, " : " COMMAND --help, ";
  return text + "More: " + (command.commands.empty() ? "" : title + more) + "docs/cli.md\n";
}

}  // namespace nokv::cli
