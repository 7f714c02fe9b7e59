// The system calls that more than one posix file needs: interrupted calls are repeated, short
// writes are continued, errors become a Status that names operation and path.
//
// Thread safety: Fd is thread-compatible; the functions are thread-safe.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "nokv/status.h"

namespace nokv::vfs {

// Calls `call` (which answers -1 and sets errno on error) until it is not interrupted.
template <typename Call>
auto RetryInterrupted(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR) result = call();
  return result;
}

// The Status of the current errno: "fdatasync /db/7.wal: Input/output error".
Status ErrnoStatus(std::string_view operation, std::string_view path);

// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { (void)Close(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  // Idempotent. False with errno set if the system reported an error; the descriptor is gone then
  // too, so the call is never repeated.
  bool Close();

 private:
  int fd_ = -1;
};

// open(2) with O_CLOEXEC; files are created with mode 0600.
Result<Fd> OpenFd(const std::string& path, int flags);

// Writes all of `data` at the current position.
Status WriteFully(int fd, std::string_view data, std::string_view path);
// Writes all of `data` at `offset`.
Status WriteFullyAt(int fd, uint64_t offset, std::string_view data, std::string_view path);
// Reads up to `length` bytes at `offset` into `scratch`; fewer only at the end of the file.
Result<size_t> ReadFully(int fd, uint64_t offset, size_t length, char* scratch,
                         std::string_view path);
Result<uint64_t> SizeOfFd(int fd, std::string_view path);

}  // namespace nokv::vfs
