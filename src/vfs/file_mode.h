// FileMode: who may use one of the operating system's files.
//
// Thread safety: pure function.
#pragma once

#include <cstdint>
#include <string>

#include "nokv/status.h"

namespace nokv::vfs {

// The permission bits of `path`, as chmod takes them. Errors as those of PosixFileSystem.
Result<uint32_t> FileMode(const std::string& path);

}  // namespace nokv::vfs
