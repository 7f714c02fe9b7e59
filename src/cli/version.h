// What the programs were built from, and the command that says so.
//
// Thread safety: pure functions.
#pragma once

#include <string>

#include "cli/command.h"
#include "console/stats_json.h"

namespace nokv::cli {

// Version, commit ("unknown" outside git), compiler and on-disk formats.
console::BuildInfo CurrentBuild();

// "nokv 0.1.0 (commit 0123456789ab, GNU 12.2.0, Release)".
std::string VersionLine(const std::string& program);

// The command `PROGRAM version [-o FORMAT]`.
Command VersionCommand(const std::string& program);

}  // namespace nokv::cli
