// `nokv-bench raftlog`: what the append of many raft groups costs beside a plain append of the same
// bytes to the log, each with one sync.
#pragma once

#include "cli/command.h"

namespace nokv::bench {

cli::Command RaftLogCommand();

}  // namespace nokv::bench
