// Directives `committed` and `vote`: what a quorum agrees on, with the cross-checks that every case
// must pass: joint with nothing, with itself, with the halves exchanged.
#pragma once

#include <string>

#include "testing/data_driven.h"

namespace nokv::sim {

std::string RunQuorumDirective(const datadriven::DataCase& directive);

}  // namespace nokv::sim
