// The scenario "coordinators": three coordinators around a metadata root, clients that want ids and
// timestamps, publish and read, and everything that can break between them.
#pragma once

#include "sim/scenario.h"

namespace nokv::sim {

RunReport RunCoordinators(const RunOptions& options);

}  // namespace nokv::sim
