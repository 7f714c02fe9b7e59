// InspectDirectory: the one place where the tools open a database.
#pragma once

#include <string>

#include "cli/command.h"

namespace nokv::cli {

// Opens the database in `workdir` strictly read-only, whatever its mode, also beside a live writer,
// and closes it again. Errors as DB::Open.
Result<Inspection> InspectDirectory(const std::string& workdir);

}  // namespace nokv::cli
