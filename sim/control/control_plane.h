// The scenario "control-plane": three nodes of the metadata root, three coordinators that are its
// clients, and who asks them for ids, timestamps and routes and publishes changes, while a nemesis
// breaks all of it. Then everything is mended.
//
// Checked: no number is given out twice, timestamps rise in real time, one process acts per
// generation of the lease; nodes of the root that applied as much are in one state, which covers
// all keys; a route is of the layout that there was at the revision that it is said to be of, and a
// strong one is no older than what had ended before; in the end everybody has the same, and nothing
// is pending.
#pragma once

#include "sim/scenario.h"

namespace nokv::sim {

RunReport RunControlPlane(const RunOptions& options);

}  // namespace nokv::sim
