// Runs scripts in the grammar of etcd's raft tests (quorum, confchange, interaction) against the
// raft core. The suite of a file shows by its first directive.
//
// Lines that such a file expects of the other library's log are left out, because they are its own
// words; everything else is compared byte for byte.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>

#include "nokv/status.h"
#include "testing/data_driven.h"

namespace nokv::sim {

struct ConformanceResult {
  size_t passed = 0;
  size_t failed = 0;
};

// Answers the directives of one script, in order.
datadriven::Handler NewScript();

// One file; a description of its first difference, empty if there is none. kInvalidArgument if the
// file cannot be parsed.
Result<std::string> RunScript(const std::string& path);

// All *.txt files in `directory` and the folders below it, in the order of their names. Prints each
// difference and "N passed, N failed".
Result<ConformanceResult> RunScripts(const std::string& directory, std::ostream& out);

}  // namespace nokv::sim
