// `nokv-bench raft`: what a replicated log of three members does, beside etcd in the same run.
#pragma once

#include "cli/command.h"

namespace nokv::bench {

cli::Command RaftCommand();

}  // namespace nokv::bench
