// docs/redis-compatibility.md says what the tables say.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "redis/commands/absent.h"
#include "redis/commands/common.h"
#include "redis/commands/table.h"
#include "redis/parameters.h"

namespace nokv::redis {
namespace {

// "`GET` `SET`" of "get set".
std::string Names(std::string_view words) {
  std::string out;
  while (!words.empty()) {
    std::string name(TakeUntil(&words, ' '));
    for (char& c : name) c = c == '|' ? ' ' : static_cast<char>(std::toupper(c));
    out += (out.empty() ? "`" : " `") + name + "`";
  }
  return out;
}

std::string BuiltCommands() {
  std::map<std::string_view, std::string> groups;
  const CommandTable table;
  for (const CommandSpec* spec : table.all()) {
    std::string& names = groups[spec->group];
    names += (names.empty() ? "" : " ") + Names(spec->name);
    if (spec->subcommands.empty()) continue;
    names += " (";
    for (const CommandSpec& sub : spec->subcommands) {
      if (&sub != spec->subcommands.data()) names += " ";
      names += Names(sub.name.substr(spec->name.size() + 1));
    }
    names += ")";
  }
  std::string out = "| group | commands |\n|---|---|\n";
  for (const auto& [group, names] : groups) {
    out += "| " + std::string(group) + " | " + names + " |\n";
  }
  return out;
}

std::string AbsentCommands() {
  std::string out = "| family | commands |\n|---|---|\n";
  for (const AbsentFamily& absent : AbsentFamilies()) {
    out += "| " + std::string(absent.family) + " | " + Names(absent.commands) + " |\n";
  }
  return out;
}

std::string Refused() {
  std::string out = "| commands | reason |\n|---|---|\n";
  for (const RefusedCommands& refused : AllRefusedCommands()) {
    out += "| " + Names(refused.commands) + " | " + std::string(refused.reason) + " |\n";
  }
  return out;
}

std::string ParameterList() {
  std::map<Parameter::Effect, std::string> lists;
  for (const Parameter& parameter : Parameters()) {
    std::string& list = lists[parameter.effect];
    list += (list.empty() ? "`" : " `") + std::string(parameter.name) + "`";
    if (!parameter.old_name.empty()) list += " (`" + std::string(parameter.old_name) + "`)";
  }
  return "| what it does | parameters |\n|---|---|\n| acts | " + lists[Parameter::Effect::kActs] +
         " |\n| kept and shown, changes nothing | " + lists[Parameter::Effect::kStored] +
         " |\n| fixed | " + lists[Parameter::Effect::kFixed] + " |\n";
}

// Puts `text` between the markers of this name; empty if they are not there.
std::string Replaced(const std::string& page, const std::string& name, const std::string& text) {
  const std::string begin = "<!-- " + name + ":begin -->\n";
  const std::string end = "<!-- " + name + ":end -->\n";
  const size_t from = page.find(begin);
  const size_t to = page.find(end);
  if (from == std::string::npos || to == std::string::npos) return "";
  return page.substr(0, from + begin.size()) + text + page.substr(to);
}

TEST(CompatibilityDocTest, SaysWhatTheTablesSay) {
  const std::string path = std::string(NOKV_SOURCE_DIR) + "/docs/redis-compatibility.md";
  std::stringstream stream;
  stream << std::ifstream(path).rdbuf();
  const std::string page = stream.str();
  std::string wanted = Replaced(page, "commands", BuiltCommands());
  wanted = Replaced(wanted, "absent", AbsentCommands());
  wanted = Replaced(wanted, "refused", Refused());
  wanted = Replaced(wanted, "parameters", ParameterList());
  ASSERT_NE(wanted, "") << "markers are missing in " << path;
  if (std::getenv("NOKV_REWRITE") != nullptr) std::ofstream(path) << wanted;
  EXPECT_EQ(page, wanted) << "NOKV_REWRITE=1 writes the page anew";
}

TEST(AbsentCommandsTest, NoneOfThemIsThere) {
  const CommandTable table;
  const auto check = [&](std::string_view words) {
    while (!words.empty()) {
      const std::string_view name = TakeUntil(&words, ' ');
      EXPECT_EQ(table.FindFull(name), nullptr) << name << " is built: take it off absent.cc";
    }
  };
  for (const AbsentFamily& absent : AbsentFamilies()) check(absent.commands);
  for (const RefusedCommands& refused : AllRefusedCommands()) check(refused.commands);
}

}  // namespace
}  // namespace nokv::redis
