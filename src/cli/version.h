// What the programs were built from, and the command that says so.
//
// Thread safety: pure functions.
#pragma once

#include <string>

#include "cli/flags.h"
#include "console/stats_json.h"

namespace nokv::cli {

struct Environment;

// Version, commit ("unknown" outside git), compiler and on-disk formats.
console::BuildInfo CurrentBuild();

// "nokv 0.1.0 (commit 0123456789ab, GNU 12.2.0, Release)".
std::string VersionLine(const std::string& program);

// `PROGRAM version [--json]`.
int RunVersion(const std::string& program, const Args& args, const Environment& environment);

}  // namespace nokv::cli
