// The scenario "meta-root": three nodes of the metadata root and clients that tell it of stores,
// leases, windows and changes of the layout, with conditions and without, read strongly, and follow
// its events, while a nemesis breaks processes, disks, clocks and the network. Then everything is
// mended.
//
// Checked: nodes that applied as much are in one state, which covers all keys; that clients could
// have been told so by one root that does one thing at a time; that who follows is told everything
// once; and that everybody has the same in the end.
#pragma once

#include "sim/scenario.h"

namespace nokv::sim {

RunReport RunMetaRoot(const RunOptions& options);

}  // namespace nokv::sim
