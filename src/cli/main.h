// RunMain: what the main functions of the tools share.
#pragma once

#include <functional>
#include <string>

#include "cli/command.h"

namespace nokv::cli {

// Runs `program` with the arguments of main and the standard streams. Output that could not be
// written, to a full disk say, makes it fail.
int RunMain(const Command& program, int argc, char** argv,
            std::function<Result<Inspection>(const std::string&)> inspect);

}  // namespace nokv::cli
