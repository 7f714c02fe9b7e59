// OpenDB and CreateSstWriter: DB::Open and SstWriter::Create with the outside world given, for
// tests, the simulator and tools.
#pragma once

#include <memory>
#include <string>

#include "engine/engine.h"
#include "nokv/db.h"
#include "nokv/sst_writer.h"

namespace nokv::engine {

// As DB::Open. What `doors` refers to must outlive the database.
Result<std::unique_ptr<DB>> OpenDB(const Options& options, const std::string& path,
                                   const Doors& doors);
// As SstWriter::Create. `fs` is borrowed.
Result<std::unique_ptr<SstWriter>> CreateSstWriter(const Options& options, const std::string& path,
                                                   vfs::FileSystem& fs);

}  // namespace nokv::engine
