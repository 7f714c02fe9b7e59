#include "cli/completion.h"

#include <algorithm>
#include <functional>
#include <vector>

namespace nokv::cli {

namespace {

// Calls `visit` with the flags of a command; `program` is true for the program itself.
void WithFlags(const Command& command, bool program,
               const std::function<void(const FlagSet&)>& visit) {
  CommonFlags common;
  FlagSet flags;
  // The action keeps what the flags are bound to.
  const Action action = command.define ? command.define(flags) : nullptr;
  DefineCommonFlags(flags, &common, command, program);
  visit(flags);
}

// Calls `visit` with the name (empty: the program itself) and flags of every command that is built.
void ForEachCommand(
    const Command& program,
    const std::function<void(const std::string&, const Command&, const FlagSet&)>& visit) {
  std::vector<NamedCommand> all = BuiltCommands(program);
  all.insert(all.begin(), {"", &program});
  for (const auto& [name, command] : all) {
    WithFlags(*command, name.empty(), [&](const FlagSet& flags) { visit(name, *command, flags); });
  }
}

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// The names of the commands below `command`, of one without them what may stand for its arguments.
std::vector<std::string> Words(const Command& command, const FlagSet& flags) {
  std::vector<std::string> names;
  for (const Command& below : command.commands) {
    if (IsBuilt(below)) names.push_back(below.name);
  }
  if (!names.empty() || flags.arguments().empty()) return names;
  return flags.arguments()[0].choices;
}

// "nokv-redis" as a part of a function's name.
std::string FunctionName(const std::string& program) {
  std::string name = "_" + program;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string Replaced(const std::string& text, char what, const std::string& with) {
  std::string out;
  for (const char c : text) out += c == what ? with : std::string(1, c);
  return out;
}

std::string Bash(const Command& program) {
  const std::string function = FunctionName(program.name);
  std::string values;  // what may stand behind a flag
  std::string words;   // what else a command takes
  std::string names;
  ForEachCommand(
      program, [&](const std::string& name, const Command& command, const FlagSet& flags) {
        if (!name.empty()) names += (names.empty() ? "'" : "|'") + name + "'";
        std::vector<std::string> all = Words(command, flags);
        for (const Flag& flag : flags.flags()) {
          all.push_back("--" + flag.name);
          if (!flag.TakesNext()) continue;
          std::string pattern = "'" + name + " --" + flag.name + "'";
          if (flag.letter != 0) pattern += "|'" + name + " -" + flag.letter + "'";
          values += "    " + pattern + ") ";
          values += flag.is_path
                        ? "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\"))"
                        : "COMPREPLY=($(compgen -W '" + Join(flag.choices) + "' -- \"$current\"))";
          values += "; return ;;\n";
        }
        words += "    '" + name + "') words='" + Join(all) + "' ;;\n";
      });
  return "# bash completion for " + program.name + "; made by " + program.name +
         " completion bash\n" + function +
         "() {\n"
         "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
         "  local command='' word words=''\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case \"${command:+$command }$word\" in\n"
         "    " +
         names +
         ") command=\"${command:+$command }$word\" ;;\n"
         "    esac\n"
         "  done\n"
         "  case \"$command $previous\" in\n" +
         values +
         "  esac\n"
         "  case $command in\n" +
         words +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
         "}\n"
         "complete -F " +
         function + " " + program.name + "\n";
}

// A description inside '…[…]' of _arguments.
std::string ZshText(const std::string& text) {
  std::string out = Replaced(text, '\'', "'\\''");
  for (const char c : {'[', ']', ':'}) out = Replaced(out, c, std::string("\\") + c);
  return out;
}

std::string ZshArguments(const FlagSet& flags) {
  std::string text = "_arguments";
  for (const Flag& flag : flags.flags()) {
    std::string value;
    if (flag.is_path) value = ":" + flag.value + ":_files";
    if (!flag.is_path && flag.TakesNext()) {
      value = ":" + ZshText(flag.value) + ":(" + Join(flag.choices) + ")";
    }
    std::vector<std::string> forms = {"--" + flag.name};
    if (flag.letter != 0) forms.push_back(std::string("-") + flag.letter);
    for (const std::string& form : forms) {
      text += " \\\n      '" + form + "[" + ZshText(flag.help) + "]" + value + "'";
    }
  }
  for (const Flag& argument : flags.arguments()) {
    text += " \\\n      ':" + argument.name + ":(" + Join(argument.choices) + ")'";
  }
  return text;
}

// What completes the words behind `command`, which is ${words[1]}.
std::string ZshBody(const Command& command, bool program) {
  std::string arguments;
  WithFlags(command, program, [&](const FlagSet& flags) { arguments = ZshArguments(flags); });
  std::string commands;
  std::string cases;
  for (const Command& below : command.commands) {
    if (!IsBuilt(below)) continue;
    commands += "    '" + below.name + ":" + ZshText(below.summary) + "'\n";
    cases += "  " + below.name + ")\n    shift words; (( CURRENT-- ))\n    " +
             ZshBody(below, false) + "\n    ;;\n";
  }
  if (commands.empty()) return arguments;
  return "commands=(\n" + commands +
         "  )\n  if (( CURRENT == 2 )) && [[ ${words[2]} != -* ]]; then\n"
         "    _describe command commands\n    return\n  fi\n  case ${words[2]} in\n" +
         cases + "  *)\n    " + arguments + "\n    ;;\n  esac";
}

std::string Zsh(const Command& program) {
  const std::string function = FunctionName(program.name);
  return "#compdef " + program.name + "\n# zsh completion, made by " + program.name +
         " completion zsh\n" + function + "() {\n  local -a commands\n  " + ZshBody(program, true) +
         "\n}\ncompdef " + function + " " + program.name + "\n";
}

std::string FishText(const std::string& text) {
  return "'" + Replaced(Replaced(text, '\\', "\\\\"), '\'', "\\'") + "'";
}

// "-n 'CONDITION'": the words typed name the command `name`, and none below it.
std::string FishWhen(const std::string& name, const Command& command) {
  if (name.empty()) return " -n __fish_use_subcommand";
  const std::string seen = "__fish_seen_subcommand_from ";
  std::string when = seen + Replaced(name, ' ', "; and " + seen);
  const std::vector<std::string> below = Words(command, FlagSet());
  if (!below.empty()) when += "; and not " + seen + Join(below);
  return " -n '" + when + "'";
}

std::string Fish(const Command& program) {
  const std::string start = "complete -c " + program.name;
  std::string text = "# fish completion for " + program.name + "; made by " + program.name +
                     " completion fish\n" + start + " -f\n";
  ForEachCommand(
      program, [&](const std::string& name, const Command& command, const FlagSet& flags) {
        const std::string when = FishWhen(name, command);
        for (const Command& below : command.commands) {
          if (!IsBuilt(below)) continue;
          text += start + when + " -a " + below.name + " -d " + FishText(below.summary) + "\n";
        }
        if (command.commands.empty()) {
          const std::vector<std::string> words = Words(command, flags);
          if (!words.empty()) text += start + when + " -a '" + Join(words) + "'\n";
        }
        for (const Flag& flag : flags.flags()) {
          text += start + when + " -l " + flag.name;
          if (flag.letter != 0) text += std::string(" -s ") + flag.letter;
          if (flag.is_path) text += " -r -F";
          if (!flag.is_path && flag.TakesNext()) text += " -x";
          if (!flag.choices.empty()) text += " -a '" + Join(flag.choices) + "'";
          text += " -d " + FishText(flag.help) + "\n";
        }
      });
  return text;
}

}  // namespace

std::string CompletionScript(const Command& program, std::string_view shell) {
  if (shell == "zsh") return Zsh(program);
  return shell == "fish" ? Fish(program) : Bash(program);
}

}  // namespace nokv::cli
