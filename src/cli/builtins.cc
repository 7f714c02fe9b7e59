#include "cli/builtins.h"

#include <algorithm>
#include <map>
#include <memory>

#include "cli/completion.h"
#include "cli/error_pages.h"
#include "cli/flag_values.h"
#include "cli/gen_docs.h"
#include "cli/help.h"
#include "cli/text.h"
#include "cli/version.h"
#include "config/suggest.h"

namespace nokv::cli {

namespace {

// "E1203" or "e1203".
bool ParseErrorNumber(std::string_view text, uint64_t* number) {
  if (text.size() < 2 || (text[0] != 'E' && text[0] != 'e')) return false;
  const auto parsed = ParseNumber(text.substr(1));
  if (parsed.has_value()) *number = *parsed;
  return parsed.has_value();
}

int PrintErrorPage(const std::string& topic, uint64_t number, const Environment& environment) {
  const ErrorPage* page =
      number <= UINT16_MAX ? FindErrorPage(static_cast<uint16_t>(number)) : nullptr;
  if (page != nullptr) {
    PrintText(RenderErrorPage(*page), environment);
    return kExitOk;
  }
  std::vector<std::string> known;
  for (const ErrorPage& each : ErrorPages()) known.push_back("E" + std::to_string(each.number));
  const std::string nearest = config::Suggest(topic, known);
  return Fail(Status::NotFound("no error has the number " + topic)
                  .WithHint(nearest.empty()
                                ? "docs/errors.md lists them all"
                                : "did you mean " + nearest + "? docs/errors.md lists them all"),
              environment.err);
}

int RunHelp(const Command& program, const std::string& topic, const Environment& environment) {
  const Command whole = WithBuiltins(program);
  uint64_t number = 0;
  if (topic.empty()) {
    PrintText(HelpText(whole, whole.name), environment);
    return kExitOk;
  }
  if (ParseErrorNumber(topic, &number)) return PrintErrorPage(topic, number, environment);
  std::vector<std::string> names;
  for (const Command& command : whole.commands) {
    const std::string title = whole.name + " " + command.name;
    if (command.name == topic) {
      if (!IsBuilt(command)) return NotBuilt(title, environment.err);
      PrintText(HelpText(command, title), environment);
      return kExitOk;
    }
    names.push_back(command.name);
  }
  Status status = Status::InvalidArgument("unknown command " + Quoted(topic));
  const std::string nearest = config::Suggest(topic, names);
  if (!nearest.empty()) status = status.WithHint("did you mean " + nearest + "?");
  return FailUsage(status, whole.name, environment.err);
}

Command HelpCommand(const Command& program) {
  return {.name = "help",
          .summary = "help for a command or an error number",
          .examples = {{program.name + " help", "what there is"},
                       {program.name + " help E1203", "what an error means and the way out"}},
          .description = "Prints what --help of a command prints, or the page of an error.",
          .define = [program](FlagSet& flags) -> Action {
            auto topic = std::make_shared<std::string>();
            Flag& argument =
                flags.Argument("TOPIC", topic.get(), "a command or an error number such as E1203");
            // Offered by completion; other words get a suggestion.
            for (const Command& command : program.commands) {
              if (IsBuilt(command)) argument.choices.push_back(command.name);
            }
            return [program, topic](const Environment& environment) {
              return RunHelp(program, *topic, environment);
            };
          }};
}

Command CompletionCommand(const Command& program) {
  return {
      .name = "completion",
      .summary = "a completion script for a shell",
      .examples = {{"source <(" + program.name + " completion bash)", "for this shell"},
                   {program.name + " completion zsh >_" + program.name, "into a folder of $fpath"},
                   {program.name + " completion fish >" + program.name + ".fish"}},
      .description = "Prints a script that completes commands, flags and their values.",
      .define = [program](FlagSet& flags) -> Action {
        auto shell = std::make_shared<std::string>();
        flags.ChoiceArgument("SHELL", shell.get(), {"bash", "zsh", "fish"}, "bash, zsh or fish")
            .Required();
        return [program, shell](const Environment& environment) {
          environment.out << CompletionScript(WithBuiltins(program), *shell);
          return kExitOk;
        };
      }};
}

struct GenDocsOptions {
  std::string man, markdown;
};

int RunGenDocs(const Command& program, const GenDocsOptions& options,
               const Environment& environment) {
  const Command whole = WithBuiltins(program);
  std::map<std::string, std::string> files;
  if (!options.man.empty()) {
    for (auto& [name, page] : ManualPages(whole)) files[vfs::JoinPath(options.man, name)] = page;
  }
  if (!options.markdown.empty()) {
    files[vfs::JoinPath(options.markdown, whole.name + ".md")] = ReferencePage(whole);
  }
  for (const auto& [path, content] : files) {
    Status status = environment.fs.CreateDirs(vfs::DirName(path));
    if (status.ok()) status = vfs::WriteFileAtomically(environment.fs, path, content);
    if (!status.ok()) return Fail(status, environment.err);
    if (environment.verbosity >= Verbosity::kVerbose) environment.err << path << "\n";
  }
  return kExitOk;
}

Command GenDocsCommand(const Command& program) {
  return {.name = "gen-docs",
          .summary = "manual pages and reference of this program",
          .examples = {{program.name + " gen-docs --man ./man1"},
                       {program.name + " gen-docs --markdown ./reference"}},
          .description =
              "Writes what help prints as manual pages (section 1) or as a page in "
              "Markdown. Files of the same name are replaced.",
          .define = [program](FlagSet& flags) -> Action {
            auto options = std::make_shared<GenDocsOptions>();
            flags.Path("man", "DIR", &options->man, "write the manual pages into this directory");
            flags.Path("markdown", "DIR", &options->markdown,
                       "write " + program.name + ".md into this directory");
            flags.Check([given = options.get()] {
              return given->man.empty() && given->markdown.empty()
                         ? Status::InvalidArgument("either --man or --markdown must be specified")
                         : Status::Ok();
            });
            return [program, options](const Environment& environment) {
              return RunGenDocs(program, *options, environment);
            };
          }};
}

}  // namespace

std::vector<Command> BuiltinCommands(const Command& program) {
  return {VersionCommand(program.name), HelpCommand(program), CompletionCommand(program),
          GenDocsCommand(program)};
}

int NotBuilt(const std::string& title, std::ostream& err) {
  return Fail(Status::Unimplemented(title + " is not built yet")
                  .WithHint("nothing was done; " + title.substr(0, title.find(' ')) +
                            " help lists what there is"),
              err);
}

}  // namespace nokv::cli
