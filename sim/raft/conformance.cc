#include "sim/raft/conformance.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "base/macros.h"
#include "sim/raft/confchange_script.h"
#include "sim/raft/quorum_script.h"
#include "sim/raft/script_group.h"

namespace nokv::sim {
namespace {

// The suite that has `directive`.
datadriven::Handler NewSuite(const std::string& directive) {
  if (directive == "committed" || directive == "vote") return RunQuorumDirective;
  if (directive == "simple" || directive == "enter-joint" || directive == "leave-joint") {
    const auto script = std::make_shared<ConfChangeScript>();
    return [script](const datadriven::DataCase& d) { return script->Run(d); };
  }
  const auto group = std::make_shared<ScriptGroup>();
  return [group](const datadriven::DataCase& d) { return group->Run(d); };
}

bool IsLogLine(std::string_view line) {
  static constexpr std::array<std::string_view, 5> kLevels = {"DEBUG ", "INFO ", "WARN ", "ERROR ",
                                                              "FATAL "};
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  return std::any_of(kLevels.begin(), kLevels.end(),
                     [line](std::string_view level) { return line.starts_with(level); });
}

std::string WithoutLogLines(std::string_view expected) {
  std::string kept;
  while (!expected.empty()) {
    const std::string_view line = expected.substr(0, expected.find('\n') + 1);
    if (!IsLogLine(line)) kept += line;
    expected.remove_prefix(line.size());
  }
  return kept.empty() ? "ok\n" : kept;
}

}  // namespace

datadriven::Handler NewScript() {
  return [suite = datadriven::Handler()](const datadriven::DataCase& directive) mutable {
    if (!suite) suite = NewSuite(directive.command);
    return suite(directive);
  };
}

Result<std::string> RunScript(const std::string& path) {
  ASSIGN_OR_RETURN(const std::vector<datadriven::DataCase> cases, datadriven::ReadDataFile(path));
  const datadriven::Handler script = NewScript();
  for (const datadriven::DataCase& directive : cases) {
    std::string actual = script(directive);
    if (!actual.ends_with('\n')) actual += '\n';
    const std::string expected = WithoutLogLines(directive.expected);
    if (actual != expected) {
      return directive.position + ": " + directive.command + "\nexpected:\n" + expected +
             "actual:\n" + actual;
    }
  }
  return std::string();
}

Result<ConformanceResult> RunScripts(const std::string& directory, std::ostream& out) {
  std::vector<std::string> paths;
  std::error_code error;
  // lint: allow(file) scripts are read without vfs, as in src/testing
  for (std::filesystem::recursive_directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() == ".txt") paths.push_back(at->path().string());
  }
  if (error) return Status::IoError("list " + directory, error.value());
  std::sort(paths.begin(), paths.end());
  ConformanceResult result;
  for (const std::string& path : paths) {
    const Result<std::string> difference = RunScript(path);
    if (difference.ok() && difference->empty()) {
      result.passed++;
      continue;
    }
    result.failed++;
    out << "FAILED " << path << "\n"
        << (difference.ok() ? *difference : difference.status().ToString()) << "\n";
  }
  out << result.passed << " passed, " << result.failed << " failed\n";
  return result;
}

}  // namespace nokv::sim
