#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/macros.h"
#include "vfs/answers.h"
#include "vfs/posix_files.h"
#include "vfs/posix_io.h"
#include "vfs/posix_lock.h"
#include "vfs/vfs.h"

namespace nokv::vfs {
namespace {

constexpr uint64_t kStatBlockBytes = 512;  // the unit of st_blocks on Linux

Result<struct stat> StatPath(const std::string& path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0) return ErrnoStatus("stat", path);
  return info;
}

class PosixFs : public FileSystem {
 public:
  Result<std::unique_ptr<AppendFile>> CreateAppend(const std::string& path) override {
    return CreatePosixAppend(path);
  }
  Result<std::unique_ptr<MappedFile>> CreateMapped(const std::string& path,
                                                   uint64_t size) override {
    return CreatePosixMapped(path, size);
  }
  Result<std::unique_ptr<RandomFile>> OpenRandom(const std::string& path, ReadMode mode) override {
    return OpenPosixRandom(path, mode);
  }
  Result<std::string> ReadFile(const std::string& path, uint64_t limit) override;

  Result<bool> Exists(const std::string& path) override {
    struct stat info;
    if (::stat(path.c_str(), &info) == 0) return true;
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return ErrnoStatus("stat", path);
  }
  Result<uint64_t> FileSize(const std::string& path) override {
    ASSIGN_OR_RETURN(const struct stat info, StatPath(path));
    return static_cast<uint64_t>(info.st_size);
  }
  Result<FileMode> Mode(const std::string& path) override {
    constexpr mode_t kPermissions = 07777;
    ASSIGN_OR_RETURN(const struct stat info, StatPath(path));
    return FileMode{info.st_mode & kPermissions, info.st_uid == 0};
  }
  Result<uint64_t> AllocatedSize(const std::string& path) override {
    ASSIGN_OR_RETURN(const struct stat info, StatPath(path));
    return static_cast<uint64_t>(info.st_blocks) * kStatBlockBytes;
  }
  Result<std::vector<std::string>> List(const std::string& path) override;
  Status CreateDirs(const std::string& path) override;

  Status Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return ErrnoStatus("rename " + from + " to", to);
    return Status::Ok();
  }
  Status Link(const std::string& from, const std::string& to) override {
    if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), AT_SYMLINK_FOLLOW) == 0) {
      return Status::Ok();
    }
    return LinkFailure(from, to, errno);
  }
  Status Remove(const std::string& path) override {
    if (std::remove(path.c_str()) != 0) return ErrnoStatus("remove", path);
    return Status::Ok();
  }
  Status SyncDir(const std::string& path) override;
  Status SyncFile(const std::string& path) override;
  Result<uint64_t> FreeSpace(const std::string& path) override {
    struct statvfs info;
    if (RetryInterrupted([&] { return ::statvfs(path.c_str(), &info); }) != 0) {
      return ErrnoStatus("statvfs", path);
    }
    return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
  }

  Result<std::unique_ptr<FileLock>> LockExclusive(const std::string& path,
                                                  std::string_view owner) override {
    return LockPosixExclusive(path, owner);
  }
  Result<std::unique_ptr<FileLock>> LockShared(const std::string& path) override {
    return LockPosixShared(path);
  }
  Result<bool> HasReaders(const std::string& path) override { return HasPosixReaders(path); }
};

Result<std::string> PosixFs::ReadFile(const std::string& path, uint64_t limit) {
  ASSIGN_OR_RETURN(const Fd fd, OpenFd(path, O_RDONLY));
  ASSIGN_OR_RETURN(uint64_t size, SizeOfFd(fd.get(), path));
  std::string content;
  while (size <= limit) {
    // One byte more than the file is said to have, so that the end is seen to be the end: the file
    // may be growing.
    const size_t done = content.size();
    content.resize(static_cast<size_t>(size) + 1);
    ASSIGN_OR_RETURN(const size_t got,
                     ReadFully(fd.get(), done, content.size() - done, content.data() + done, path));
    const bool at_end = done + got < content.size();
    content.resize(done + got);
    if (at_end) return content;
    size = content.size() + (64 << 10);
    if (content.size() <= limit) size = std::min(size, limit);
  }
  return LongerThan(path, limit);
}

Result<std::vector<std::string>> PosixFs::List(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(path.c_str()), &::closedir);
  if (dir == nullptr) return ErrnoStatus("open directory", path);
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const struct dirent* entry = ::readdir(dir.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return ErrnoStatus("list", path);
  std::sort(names.begin(), names.end());
  return names;
}

Status PosixFs::CreateDirs(const std::string& path) {
  for (size_t slash = path.find('/', 1); true; slash = path.find('/', slash + 1)) {
    const std::string prefix = path.substr(0, slash);
    if (::mkdir(prefix.c_str(), 0700) != 0) {
      const int error_number = errno;
      struct stat info;
      // Also after EACCES or EROFS: an ancestor that is there needs no permission to create.
      const bool exists = ::stat(prefix.c_str(), &info) == 0;
      if (!exists || !S_ISDIR(info.st_mode)) {
        const Status status =
            Status::IoError("create directory " + prefix, exists ? ENOTDIR : error_number);
        // Its parent is there: a file system that makes no directories.
        return status.IsNotFound() ? status.WithHint("name a directory on a disk") : status;
      }
    }
    if (slash == std::string::npos) return Status::Ok();
  }
}

Status PosixFs::SyncDir(const std::string& path) {
  ASSIGN_OR_RETURN(const Fd fd, OpenFd(path, O_RDONLY | O_DIRECTORY));
  if (RetryInterrupted([&] { return ::fsync(fd.get()); }) != 0) {
    return ErrnoStatus("fsync directory", path);
  }
  return Status::Ok();
}

Status PosixFs::SyncFile(const std::string& path) {
  ASSIGN_OR_RETURN(const Fd fd, OpenFd(path, O_RDONLY));
  if (RetryInterrupted([&] { return ::fsync(fd.get()); }) != 0) return ErrnoStatus("fsync", path);
  return Status::Ok();
}

}  // namespace

FileSystem& PosixFileSystem() {
  static PosixFs fs;
  return fs;
}

}  // namespace nokv::vfs
