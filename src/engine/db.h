// OpenDB: DB::Open with the outside world given, for tests, the simulator and tools.
#pragma once

#include <memory>
#include <string>

#include "engine/engine.h"
#include "nokv/db.h"

namespace nokv::engine {

// As DB::Open. What `doors` refers to must outlive the database.
Result<std::unique_ptr<DB>> OpenDB(const Options& options, const std::string& path,
                                   const Doors& doors);

}  // namespace nokv::engine
