#include "vfs/posix_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace nokv::vfs {

Status ErrnoStatus(std::string_view operation, std::string_view path) {
  const int error_number = errno;
  return Status::IoError(std::string(operation) + " " + std::string(path), error_number);
}

bool Fd::Close() {
  if (fd_ < 0) return true;
  const int fd = std::exchange(fd_, -1);
  // Linux frees the descriptor even when close is interrupted, so that is no error.
  return ::close(fd) == 0 || errno == EINTR;
}

Result<Fd> OpenFd(const std::string& path, int flags) {
  const int fd = RetryInterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0600); });
  if (fd < 0) return ErrnoStatus((flags & O_CREAT) != 0 ? "create" : "open", path);
  return Fd(fd);
}

Status WriteFully(int fd, std::string_view data, std::string_view path) {
  while (!data.empty()) {
    const ssize_t written = RetryInterrupted([&] { return ::write(fd, data.data(), data.size()); });
    if (written < 0) return ErrnoStatus("write", path);
    data.remove_prefix(static_cast<size_t>(written));
  }
  return Status::Ok();
}

Status WriteFullyAt(int fd, uint64_t offset, std::string_view data, std::string_view path) {
  while (!data.empty()) {
    const ssize_t written = RetryInterrupted(
        [&] { return ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset)); });
    if (written < 0) {
      return ErrnoStatus("write at offset " + std::to_string(offset) + " of", path);
    }
    data.remove_prefix(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return Status::Ok();
}

Result<size_t> ReadFully(int fd, uint64_t offset, size_t length, char* scratch,
                         std::string_view path) {
  size_t done = 0;
  while (done < length) {
    const ssize_t got = RetryInterrupted([&] {
      return ::pread(fd, scratch + done, length - done, static_cast<off_t>(offset + done));
    });
    if (got < 0) {
      return ErrnoStatus("read at offset " + std::to_string(offset + done) + " of", path);
    }
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

Result<uint64_t> SizeOfFd(int fd, std::string_view path) {
  struct stat info;
  if (::fstat(fd, &info) != 0) return ErrnoStatus("stat", path);
  return static_cast<uint64_t>(info.st_size);
}

}  // namespace nokv::vfs
