#include "vfs/posix_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/macros.h"
#include "vfs/answers.h"
#include "vfs/posix_io.h"

namespace nokv::vfs {
namespace {

constexpr off_t kExclusiveByte = 0;
constexpr off_t kReaderByte = 1;

class PosixFileLock : public FileLock {
 public:
  explicit PosixFileLock(Fd fd) : fd_(std::move(fd)) {}

 private:
  const Fd fd_;  // closing it releases the lock
};

struct flock LockOfByte(short type, off_t byte) {
  struct flock lock = {};  // OFD locks want l_pid to be 0
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return lock;
}

// 0, or -1 with errno.
int TryLock(const Fd& fd, short type, off_t byte) {
  struct flock lock = LockOfByte(type, byte);
  return RetryInterrupted([&] { return ::fcntl(fd.get(), F_OFD_SETLK, &lock); });
}

Status HeldStatus(const Fd& fd, const std::string& path) {
  std::string owner(kMaxOwnerBytes, '\0');
  ASSIGN_OR_RETURN(const size_t length, ReadFully(fd.get(), 0, owner.size(), owner.data(), path));
  return LockConflict(path, std::string_view(owner).substr(0, length));
}

Status WriteOwner(const Fd& fd, const std::string& path, std::string_view owner) {
  if (RetryInterrupted([&] { return ::ftruncate(fd.get(), 0); }) != 0) {
    return ErrnoStatus("truncate", path);
  }
  return WriteFully(fd.get(), owner, path);
}

}  // namespace

Result<std::unique_ptr<FileLock>> LockPosixExclusive(const std::string& path,
                                                     std::string_view owner) {
  ASSIGN_OR_RETURN(Fd fd, OpenFd(path, O_RDWR | O_CREAT));
  if (TryLock(fd, F_WRLCK, kExclusiveByte) != 0) {
    if (errno == EAGAIN || errno == EACCES) return HeldStatus(fd, path);
    return ErrnoStatus("lock", path);
  }
  RETURN_IF_ERROR(WriteOwner(fd, path, owner));
  return std::unique_ptr<FileLock>(std::make_unique<PosixFileLock>(std::move(fd)));
}

Result<std::unique_ptr<FileLock>> LockPosixShared(const std::string& path) {
  ASSIGN_OR_RETURN(Fd fd, OpenFd(path, O_RDONLY));
  if (TryLock(fd, F_RDLCK, kReaderByte) != 0) return ErrnoStatus("lock", path);
  return std::unique_ptr<FileLock>(std::make_unique<PosixFileLock>(std::move(fd)));
}

Result<bool> HasPosixReaders(const std::string& path) {
  ASSIGN_OR_RETURN(const Fd fd, OpenFd(path, O_RDONLY));
  // Asks what would stand in the way of a write lock, without taking one.
  struct flock lock = LockOfByte(F_WRLCK, kReaderByte);
  if (RetryInterrupted([&] { return ::fcntl(fd.get(), F_OFD_GETLK, &lock); }) != 0) {
    return ErrnoStatus("query the lock of", path);
  }
  return lock.l_type != F_UNLCK;
}

}  // namespace nokv::vfs
