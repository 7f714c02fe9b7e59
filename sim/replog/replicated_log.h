// The scenario "replicated-log": a raft group of 3, 5 or 7 members over raftlog, whose members come
// and go, whose logs are compacted, and whose clients work on a register or a map of them while a
// nemesis breaks processes, disks, clocks and the network. Then everything is mended.
//
// Checked: the raft invariants and the states of the members after every step; that the history is
// linearizable; that a request which is sent after the mending is answered within so many election
// timeouts, and that all members have applied the same at the end.
#pragma once

#include "sim/scenario.h"

namespace nokv::sim {

RunReport RunReplicatedLog(const RunOptions& options);

}  // namespace nokv::sim
