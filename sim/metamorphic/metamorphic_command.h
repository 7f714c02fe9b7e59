// nokv-sim metamorphic.
#pragma once

#include "cli/command.h"

namespace nokv::sim {

cli::Command MetamorphicCommand();

}  // namespace nokv::sim
