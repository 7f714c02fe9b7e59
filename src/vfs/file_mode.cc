#include "vfs/file_mode.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "vfs/posix_io.h"

namespace nokv::vfs {

namespace {

Result<mode_t> ModeOf(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return ErrnoStatus("stat", path);
  return info.st_mode;
}

}  // namespace

Result<bool> IsRegularFile(const std::string& path) {
  ASSIGN_OR_RETURN(const mode_t mode, ModeOf(path));
  return S_ISREG(mode);
}

bool IsWritableDirectory(const std::string& path) {
  const Result<mode_t> mode = ModeOf(path);
  return mode.ok() && S_ISDIR(*mode) && ::access(path.c_str(), W_OK | X_OK) == 0;
}

}  // namespace nokv::vfs
