#include "vfs/file_mode.h"

#include <sys/stat.h>

#include "vfs/posix_io.h"

namespace nokv::vfs {

Result<uint32_t> FileMode(const std::string& path) {
  constexpr uint32_t kPermissions = 07777;
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return ErrnoStatus("stat", path);
  return static_cast<uint32_t>(info.st_mode) & kPermissions;
}

}  // namespace nokv::vfs
