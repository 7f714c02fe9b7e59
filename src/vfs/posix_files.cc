#include "vfs/posix_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "base/atomic_max.h"
#include "base/macros.h"
#include "vfs/posix_io.h"

namespace nokv::vfs {
namespace {

// A file is written back in pieces of this size.
constexpr uint64_t kWriteBackBytes = uint64_t{1} << 20;

Status SyncFd(const Fd& fd, const std::string& path) {
  if (!fd.valid()) return Status::Closed(path);
  if (RetryInterrupted([&] { return ::fdatasync(fd.get()); }) != 0) {
    return ErrnoStatus("fdatasync", path);
  }
  return Status::Ok();
}

class PosixAppendFile : public AppendFile {
 public:
  PosixAppendFile(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  Status Append(std::string_view data) override {
    if (!fd_.valid()) return Status::Closed(path_);
    RETURN_IF_ERROR(WriteFully(fd_.get(), data, path_));
    written_ += data.size();
    if (written_ - begun_ >= kWriteBackBytes) BeginWriteBack();
    return Status::Ok();
  }

  Status Sync() override { return SyncFd(fd_, path_); }

  Status Close() override {
    if (!fd_.Close()) return ErrnoStatus("close", path_);
    return Status::Ok();
  }

 private:
  // Has the system write what it holds of the file so far, and does not wait. Otherwise it keeps
  // a large file in memory until that is synced, and then everybody else's sync waits behind it.
  void BeginWriteBack() {
    // A hint: what fails of it, the sync will tell.
    (void)sync_file_range(fd_.get(), static_cast<off_t>(begun_),
                          static_cast<off_t>(written_ - begun_), SYNC_FILE_RANGE_WRITE);
    begun_ = written_;
  }

  const std::string path_;
  Fd fd_;
  uint64_t written_ = 0;  // by this object
  uint64_t begun_ = 0;    // of that, what write-back was begun for
};

constexpr uint64_t kPageBytes = 4096;

class PosixRandomFile : public RandomFile {
 public:
  PosixRandomFile(std::string path, Fd fd, uint64_t size)
      : path_(std::move(path)), fd_(std::move(fd)), size_(size) {}

  Status Read(uint64_t offset, size_t length, char* scratch,
              std::string_view* result) const override {
    ASSIGN_OR_RETURN(const size_t got, ReadFully(fd_.get(), offset, length, scratch, path_));
    *result = std::string_view(scratch, got);
    return Status::Ok();
  }

  uint64_t Size() const override { return size_; }
  void Prefetch(uint64_t offset, uint64_t length) const override {
    (void)posix_fadvise(fd_.get(), static_cast<off_t>(offset), static_cast<off_t>(length),
                        POSIX_FADV_WILLNEED);
  }

 private:
  const std::string path_;
  const Fd fd_;
  const uint64_t size_;
};

// The map of a file that somebody else may still be writing, through a map of his own.
class PosixMappedRandomFile : public RandomFile {
 public:
  explicit PosixMappedRandomFile(std::string_view memory) : memory_(memory) {}
  ~PosixMappedRandomFile() override { ::munmap(Address(0), memory_.size()); }

  Status Read(uint64_t offset, size_t length, char* /*scratch*/,
              std::string_view* result) const override {
    *result = memory_.substr(std::min<uint64_t>(offset, memory_.size()), length);
    return Status::Ok();
  }
  uint64_t Size() const override { return memory_.size(); }
  std::string_view memory() const override { return memory_; }
  void Prefetch(uint64_t offset, uint64_t length) const override {
    if (offset >= memory_.size()) return;
    const uint64_t begin = offset / kPageBytes * kPageBytes;
    (void)::madvise(Address(begin), std::min(length, memory_.size() - offset) + offset - begin,
                    MADV_WILLNEED);
  }

 private:
  void* Address(uint64_t offset) const { return const_cast<char*>(memory_.data()) + offset; }

  const std::string_view memory_;
};

class PosixMappedFile : public MappedFile {
 public:
  PosixMappedFile(std::string path, Fd fd, char* data, uint64_t size)
      : path_(std::move(path)), fd_(std::move(fd)), data_(data), size_(size) {}
  ~PosixMappedFile() override { Unmap(); }

  char* data() override { return data_; }
  uint64_t size() const override { return size_; }

  // Stores into a shared mapping are writes already.
  Status Written(uint64_t offset, uint64_t length) override {
    base::AtomicMax(&written_end_, offset + length);
    return data_ == nullptr ? Status::Closed(path_) : Status::Ok();
  }

  // Into the same page cache, which the mapping shows.
  Status WriteAt(uint64_t offset, std::string_view data) override {
    if (data_ == nullptr) return Status::Closed(path_);
    return WriteFullyAt(fd_.get(), offset, data, path_);
  }

  // Zeros are there already. Written once more they take one folio where stores would take many,
  // each with a fault that looks for its block. What this cannot do the stores do.
  void ExpectStores(uint64_t offset, uint64_t length) override {
    if (data_ == nullptr) return;
    static constexpr std::array<char, size_t{64} << 10> kZeros{};
    const uint64_t end = std::min(offset + length, size_);
    for (uint64_t at = offset; at < end; at += kZeros.size()) {
      const size_t bytes = std::min<uint64_t>(kZeros.size(), end - at);
      if (::pwrite(fd_.get(), kZeros.data(), bytes, static_cast<off_t>(at)) < 0) return;
    }
  }

  Status WriteAhead(uint64_t offset, uint64_t length) override {
    if (data_ == nullptr) return Status::Closed(path_);
    constexpr unsigned kWriteAndWait =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    if (RetryInterrupted([&] {
          return ::sync_file_range(fd_.get(), static_cast<off64_t>(offset),
                                   static_cast<off64_t>(length), kWriteAndWait);
        }) != 0) {
      return ErrnoStatus("sync_file_range", path_);
    }
    return Status::Ok();
  }

  // fdatasync covers the pages dirtied through the mapping: Linux implements msync(MS_SYNC) of a
  // shared mapping as the fdatasync of its range, and a clean page of such a mapping is
  // write-protected, so that the first store after a write-back marks it dirty again. The metadata
  // that reading needs (extents that turn from allocated to written, the size) go with it.
  Status Sync() override {
    LetGoOfWritten();
    return SyncFd(fd_, path_);
  }

  Status Close(uint64_t length) override {
    if (data_ == nullptr) return Status::Ok();
    if (length > size_) {
      return Status::InvalidArgument("close " + path_ + " at length " + std::to_string(length) +
                                     ": the file has only " + std::to_string(size_) + " bytes");
    }
    Unmap();
    Status status;
    if (length < size_ &&
        RetryInterrupted([&] { return ::ftruncate(fd_.get(), static_cast<off_t>(length)); }) != 0) {
      status = ErrnoStatus("truncate", path_);
    }
    if (!fd_.Close() && status.ok()) status = ErrnoStatus("close", path_);
    return status;
  }

 private:
  // A page that is written back must be mapped for stores no longer, and no processor may remember
  // that it was. The system sees to that page by page, and interrupts the other processors for
  // each. Before it does, all of them are unmapped at once here. What is in them stays, and a store
  // maps its page again.
  void LetGoOfWritten() {
    const uint64_t end = written_end_.load(std::memory_order_relaxed);
    uint64_t begin = let_go_to_.exchange(end, std::memory_order_relaxed);
    if (data_ == nullptr || begin >= end) return;
    begin -= begin % kPageBytes;
    (void)::madvise(data_ + begin, end - begin, MADV_DONTNEED);
  }
  void Unmap() {
    if (data_ != nullptr) ::munmap(data_, size_);
    data_ = nullptr;
  }

  const std::string path_;
  Fd fd_;
  char* data_;
  const uint64_t size_;
  // Relaxed: they are hints.
  std::atomic<uint64_t> written_end_{0};
  std::atomic<uint64_t> let_go_to_{0};
};

// Gives the file `size` bytes that really have space on the device.
Status Allocate(int fd, uint64_t size, const std::string& path) {
  if (RetryInterrupted([&] { return ::fallocate(fd, 0, 0, static_cast<off_t>(size)); }) == 0) {
    return Status::Ok();
  }
  if (errno != EOPNOTSUPP) return ErrnoStatus("allocate", path);
  // A file system without allocation (NFS before 4.2, some FUSE ones) reserves space by writing.
  const std::string zeros(static_cast<size_t>(std::min<uint64_t>(size, 1 << 20)), '\0');
  for (uint64_t done = 0; done < size; done += zeros.size()) {
    RETURN_IF_ERROR(
        WriteFully(fd, std::string_view(zeros).substr(0, static_cast<size_t>(size - done)), path));
  }
  return Status::Ok();
}

Result<std::unique_ptr<MappedFile>> AllocateAndMap(const std::string& path, Fd fd, uint64_t size) {
  RETURN_IF_ERROR(Allocate(fd.get(), size, path));
  void* data = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (data == MAP_FAILED) return ErrnoStatus("map", path);
  // Ahead of stores the system would read, as far as the device's read-ahead says: megabytes of
  // zeros at a time, for which the one that stores waits, and in ever larger folios, which a sync
  // writes back whole.
  (void)::madvise(data, size, MADV_RANDOM);
  return std::unique_ptr<MappedFile>(
      std::make_unique<PosixMappedFile>(path, std::move(fd), static_cast<char*>(data), size));
}

}  // namespace

Result<std::unique_ptr<AppendFile>> CreatePosixAppend(const std::string& path) {
  ASSIGN_OR_RETURN(Fd fd, OpenFd(path, O_WRONLY | O_CREAT | O_EXCL));
  return std::unique_ptr<AppendFile>(std::make_unique<PosixAppendFile>(path, std::move(fd)));
}

Result<std::unique_ptr<MappedFile>> CreatePosixMapped(const std::string& path, uint64_t size) {
  if (size == 0) return Status::InvalidArgument("create " + path + ": a mapped file needs a size");
  ASSIGN_OR_RETURN(Fd fd, OpenFd(path, O_RDWR | O_CREAT | O_EXCL));
  auto file = AllocateAndMap(path, std::move(fd), size);
  // Half a file is worse than none: it takes up the space that is missing.
  if (!file.ok()) ::unlink(path.c_str());
  return file;
}

Result<std::unique_ptr<RandomFile>> OpenPosixRandom(const std::string& path, ReadMode mode) {
  ASSIGN_OR_RETURN(Fd fd, OpenFd(path, O_RDONLY));
  ASSIGN_OR_RETURN(const uint64_t size, SizeOfFd(fd.get(), path));
  if (mode == ReadMode::kMapped && size > 0) {
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd.get(), 0);
    // Maps are limited; what finds no place among them is read.
    if (data != MAP_FAILED) {
      // Whoever reads on tells so (Prefetch). Otherwise each page that is missing would bring 31
      // neighbours along.
      (void)::madvise(data, size, MADV_RANDOM);
      return std::unique_ptr<RandomFile>(std::make_unique<PosixMappedRandomFile>(
          std::string_view(static_cast<const char*>(data), size)));
    }
  }
  return std::unique_ptr<RandomFile>(std::make_unique<PosixRandomFile>(path, std::move(fd), size));
}

}  // namespace nokv::vfs
