// The three kinds of posix file. Contracts are in vfs.h.
#pragma once

#include <memory>
#include <string>

#include "vfs/vfs.h"

namespace nokv::vfs {

Result<std::unique_ptr<AppendFile>> CreatePosixAppend(const std::string& path);
Result<std::unique_ptr<MappedFile>> CreatePosixMapped(const std::string& path, uint64_t size);
Result<std::unique_ptr<RandomFile>> OpenPosixRandom(const std::string& path, ReadMode mode);

}  // namespace nokv::vfs
