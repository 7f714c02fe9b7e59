// The documents that are made from the tree of commands: a manual page for a program and for each
// of its commands, and a page of reference in Markdown.
//
// Thread safety: pure functions.
#pragma once

#include <map>
#include <string>

#include "cli/command.h"

namespace nokv::cli {

// File name to content: "nokv.1", "nokv-get.1", …
std::map<std::string, std::string> ManualPages(const Command& program);

// docs/reference/PROGRAM.md.
std::string ReferencePage(const Command& program);

}  // namespace nokv::cli
