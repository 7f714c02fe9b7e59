// The locks of a posix lock file. They belong to the open file, not to the process (F_OFD_SETLK),
// so two openers in one process exclude each other too, and no close of an unrelated descriptor
// releases one.
//
// Byte 0, locked for writing: the exclusive holder. Byte 1, locked for reading: readers that look
// on. The two never conflict. Contracts are in vfs.h.
#pragma once

#include <memory>
#include <string>

#include "vfs/vfs.h"

namespace nokv::vfs {

Result<std::unique_ptr<FileLock>> LockPosixExclusive(const std::string& path,
                                                     std::string_view owner);
Result<std::unique_ptr<FileLock>> LockPosixShared(const std::string& path);
Result<bool> HasPosixReaders(const std::string& path);

}  // namespace nokv::vfs
