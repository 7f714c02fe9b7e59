// InspectDirectory: what the tools learn of a database without changing it.
#pragma once

#include <string>

#include "cli/command.h"

namespace nokv::cli {

// Opens the database in `workdir` strictly read-only, whatever its mode, also beside a live writer,
// and closes it again. Errors as DB::Open.
Result<Inspection> InspectDirectory(const std::string& workdir);

// Why a directory could not be opened, with the way out if there is no database in it.
Status WithWayOut(const Status& status);

}  // namespace nokv::cli
