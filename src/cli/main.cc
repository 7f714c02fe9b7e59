#include "cli/main.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <optional>
#include <utility>
#include <vector>

#include "cli/pager.h"

namespace nokv::cli {

namespace {

std::optional<std::string> ReadVariable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// The settings of this folder, of the user and of the machine.
std::vector<std::string> SettingsFiles() {
  std::string user = ReadVariable("XDG_CONFIG_HOME").value_or("");
  if (const auto home = ReadVariable("HOME"); user.empty() && home.has_value() && !home->empty()) {
    user = *home + "/.config";
  }
  std::vector<std::string> paths = {"./nokv.json"};
  // What is not absolute is to be ignored, says the XDG Base Directory Specification.
  if (user.starts_with('/')) paths.push_back(user + "/nokv/config.json");
  paths.emplace_back("/etc/nokv/nokv.json");
  return paths;
}

}  // namespace

int RunMain(const Command& program, int argc, char** argv,
            std::function<Result<Inspection>(const std::string&)> inspect) {
  const Args args(argv + (argc > 0 ? 1 : 0), argv + argc);
  Environment environment{.out = std::cout,
                          .err = std::cerr,
                          .inspect = std::move(inspect),
                          .variables = ReadVariable,
                          .args = args,
                          .settings_files = SettingsFiles(),
                          .in = &std::cin,
                          .out_is_terminal = isatty(STDOUT_FILENO) == 1,
                          .err_is_terminal = isatty(STDERR_FILENO) == 1};
  if (environment.out_is_terminal) {
    environment.page = [](const std::string& text) {
      return ShowInPager(text, ReadVariable, TerminalRows());
    };
  }
  const int code = RunProgram(program, args, environment);
  if (code == kExitOk && !std::cout.flush()) {
    return Fail(Status::Unavailable("standard output could not be written"), std::cerr);
  }
  return code;
}

}  // namespace nokv::cli
