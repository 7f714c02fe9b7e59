#include "cli/gen_docs.h"

#include <functional>

#include "cli/help.h"
#include "cli/text.h"
#include "cli/version.h"

namespace nokv::cli {

namespace {

// Text for troff: its own characters escaped, and no line taken for a request.
std::string Roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) {
      out += std::string("\\&") + c;
    } else {
      out += c;
    }
  }
  return out;
}

// `title` as the name of a page: "nokv get" is nokv-get.
std::string PageName(std::string title) {
  for (char& c : title) c = c == ' ' ? '-' : c;
  return title;
}

std::string RoffFlags(const std::deque<Flag>& flags) {
  std::string text;
  for (const Flag& flag : flags) {
    text += ".TP\n.B " + Roff(FlagTitle(flag)) + "\n" + Roff(FlagHelp(flag)) + ".\n";
  }
  return text;
}

// `title` is `parent` with the names before it.
std::string RoffCommands(const Command& parent, const std::string& title) {
  std::string text;
  for (const Command& command : parent.commands) {
    if (!IsBuilt(command)) continue;
    text += ".TP\n.BR " + Roff(PageName(title + " " + command.name)) + " (1)\n" +
            Roff(command.summary) + ".\n";
  }
  return text;
}

std::string ManualPage(const Command& command, const std::string& title,
                       const std::string& see_also) {
  CommonFlags common;
  FlagSet flags;
  // The action keeps what the flags are bound to.
  const Action action = command.define ? command.define(flags) : nullptr;
  DefineCommonFlags(flags, &common, command, title == see_also);
  std::string text = ".TH " + Roff(PageName(title)) + " 1 \"\" \"nokv " +
                     Roff(CurrentBuild().version) + "\" \"nokv manual\"\n";
  text += ".SH NAME\n" + Roff(PageName(title)) + " \\- " + Roff(command.summary) + "\n";
  text += ".SH SYNOPSIS\n.B " + Roff(UsageLine(command, title)) + "\n";
  text += ".SH EXAMPLES\n.nf\n";
  for (const Example& example : command.examples) {
    text += Roff(example.line) + "\n";
    if (!example.comment.empty()) text += Roff("    " + example.comment) + "\n";
  }
  text += ".fi\n.SH DESCRIPTION\n" + Roff(command.description) + "\n";
  if (!flags.arguments().empty()) text += ".SH ARGUMENTS\n" + RoffFlags(flags.arguments());
  if (!command.commands.empty()) text += ".SH COMMANDS\n" + RoffCommands(command, title);
  text += ".SH OPTIONS\n" + RoffFlags(flags.flags());
  text += ".SH EXIT STATUS\n";
  for (const ExitMeaning& exit : ExitMeanings()) {
    text += ".TP\n.B " + std::to_string(exit.code) + "\n" + exit.meaning + "\n";
  }
  if (title != see_also) text += ".SH SEE ALSO\n.BR " + Roff(see_also) + " (1)\n";
  return text;
}

// The cells of a table keep their own bars.
std::string MarkdownCell(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '|' ? "\\|" : std::string(1, c);
  return out;
}

std::string MarkdownFlags(const std::deque<Flag>& flags, bool everywhere) {
  std::string rows;
  for (const Flag& flag : flags) {
    if (flag.everywhere != everywhere) continue;
    rows += "| `" + MarkdownCell(FlagTitle(flag)) + "` | " + MarkdownCell(FlagHelp(flag)) + " |\n";
  }
  return rows.empty() ? "" : "\n| flag | meaning |\n|---|---|\n" + rows;
}

std::string MarkdownCommand(const Command& command, const std::string& title, int level) {
  FlagSet flags;
  const Action action = command.define ? command.define(flags) : nullptr;
  std::string text = std::string(static_cast<size_t>(level), '#') + " " + title + "\n\n" +
                     command.description + "\n\n```text\n";
  for (const Example& example : command.examples) text += example.line + "\n";
  text += "```\n\n`" + UsageLine(command, title) + "`\n";
  text += MarkdownFlags(flags.arguments(), false);
  return text + MarkdownFlags(flags.flags(), false);
}

}  // namespace

std::map<std::string, std::string> ManualPages(const Command& program) {
  std::map<std::string, std::string> pages;
  pages[program.name + ".1"] = ManualPage(program, program.name, program.name);
  for (const auto& [name, command] : BuiltCommands(program)) {
    const std::string title = program.name + " " + name;
    pages[PageName(title) + ".1"] = ManualPage(*command, title, program.name);
  }
  return pages;
}

std::string ReferencePage(const Command& program) {
  CommonFlags common;
  FlagSet common_flags;
  DefineCommonFlags(common_flags, &common, program, true);
  std::string text =
      "<!-- Made by `" + program.name + " gen-docs --markdown docs/reference`. -->\n";
  text += MarkdownCommand(program, program.name, 1);
  for (const auto& [name, command] : BuiltCommands(program)) {
    text += "\n" + MarkdownCommand(*command, program.name + " " + name, 2);
  }
  text += "\n## Flags of every command\n" + MarkdownFlags(common_flags.flags(), true);
  text += "\n## Exit codes\n\n| code | meaning |\n|---|---|\n";
  for (const ExitMeaning& exit : ExitMeanings()) {
    text += "| " + std::to_string(exit.code) + " | " + exit.meaning + " |\n";
  }
  return text;
}

}  // namespace nokv::cli
