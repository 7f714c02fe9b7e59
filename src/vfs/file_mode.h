// What the operating system says of a file beside its content: who may use it, and its kind.
//
// Thread safety: pure functions.
#pragma once

#include <string>

#include "nokv/status.h"

namespace nokv::vfs {

// True if every user of this machine can read `path`; false also if it cannot be looked at.
bool IsReadableByOthers(const std::string& path);
// False for directories, pipes and devices. Errors as those of PosixFileSystem.
Result<bool> IsRegularFile(const std::string& path);
// True if this process may make files in the directory `path`. False also if it is none.
bool IsWritableDirectory(const std::string& path);

}  // namespace nokv::vfs
