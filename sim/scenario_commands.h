// The commands of nokv-sim that run scenarios: run (one seed) and many.
#pragma once

#include "cli/command.h"

namespace nokv::sim {

cli::Command RunCommand();
cli::Command ManyCommand();

}  // namespace nokv::sim
