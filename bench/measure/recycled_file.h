// RecycledFile: a file that was filled with zeros and is written over and over, which is the least
// that a log can cost: neither its size nor its extents change.
//
// Thread safety: none; one owner.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/macros.h"
#include "nokv/status.h"

namespace nokv::bench {

class RecycledFile {
 public:
  RecycledFile() = default;
  ~RecycledFile() {
    if (fd_ >= 0) close(fd_);
  }
  RecycledFile(const RecycledFile&) = delete;
  RecycledFile& operator=(const RecycledFile&) = delete;

  Status Open(const std::string& path, uint64_t bytes) {
    fd_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) return Status::IoError("create " + path, errno);
    bytes_ = bytes;
    const std::string zeros(size_t{1} << 20, '\0');
    for (uint64_t offset = 0; offset < bytes; offset += zeros.size()) {
      RETURN_IF_ERROR(Append(zeros));
    }
    return Sync();
  }

  // Writes after what was written last, or at the beginning if it does not fit there.
  Status Append(std::string_view bytes) {
    if (offset_ + bytes.size() > bytes_) offset_ = 0;
    while (!bytes.empty()) {
      const ssize_t written = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset_));
      if (written < 0) return Status::IoError("write the log", errno);
      bytes.remove_prefix(static_cast<size_t>(written));
      offset_ += static_cast<uint64_t>(written);
    }
    return Status::Ok();
  }
  Status Sync() const {
    return fdatasync(fd_) == 0 ? Status::Ok() : Status::IoError("sync the log", errno);
  }

 private:
  int fd_ = -1;
  uint64_t bytes_ = 0;
  uint64_t offset_ = 0;
};

}  // namespace nokv::bench
