// `nokv-bench tso`: timestamps of a coordinator that runs.
#pragma once

#include "cli/command.h"

namespace nokv::bench {

cli::Command TsoCommand();

}  // namespace nokv::bench
