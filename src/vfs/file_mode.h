// What the operating system says of a path: its kind, and whether this process may write there.
//
// Thread safety: pure functions.
#pragma once

#include <string>

#include "nokv/status.h"

namespace nokv::vfs {

// False for directories, pipes and devices. Errors as those of PosixFileSystem.
Result<bool> IsRegularFile(const std::string& path);
// True if this process may make files in the directory `path`. False also if it is none.
bool IsWritableDirectory(const std::string& path);

}  // namespace nokv::vfs
