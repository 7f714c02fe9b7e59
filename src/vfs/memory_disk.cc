#include "vfs/memory_disk.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/check.h"
#include "base/macros.h"

namespace nokv::vfs {
namespace {

Status DiskFull(std::string_view operation, const std::string& path) {
  return Status::IoError(std::string(operation) + " " + path, ENOSPC);
}

class MemoryAppendFile : public AppendFile {
 public:
  MemoryAppendFile(std::shared_ptr<Disk> disk, NodePtr node, std::string path)
      : disk_(std::move(disk)), node_(std::move(node)), path_(std::move(path)) {}

  Status Append(std::string_view data) override {
    if (closed_) return Status::Closed(path_);
    base::MutexLock lock(disk_->mu);
    return disk_->Write("write", path_, *node_, node_->data.current().size(), data);
  }

  Status Sync() override {
    if (closed_) return Status::Closed(path_);
    base::MutexLock lock(disk_->mu);
    node_->data.Sync();
    return Status::Ok();
  }

  Status Close() override {
    closed_ = true;
    return Status::Ok();
  }

 private:
  const std::shared_ptr<Disk> disk_;
  const NodePtr node_;
  const std::string path_;
  bool closed_ = false;
};

class MemoryMappedFile : public MappedFile {
 public:
  MemoryMappedFile(std::shared_ptr<Disk> disk, NodePtr node, std::string path, uint64_t size)
      : disk_(std::move(disk)),
        node_(std::move(node)),
        path_(std::move(path)),
        size_(size),
        // calloc, because it takes no memory for pages that are never touched.
        buffer_(static_cast<char*>(std::calloc(size, 1)), &std::free) {
    NOKV_CHECK(buffer_ != nullptr) << "no memory for the " << size << " bytes of " << path_;
  }

  char* data() override { return buffer_.get(); }
  uint64_t size() const override { return size_; }

  Status Written(uint64_t offset, uint64_t length) override {
    if (buffer_ == nullptr) return Status::Closed(path_);
    if (offset > size_ || length > size_ - offset) return BeyondTheEnd(offset + length);
    base::MutexLock lock(disk_->mu);
    node_->data.Write(offset, std::string_view(buffer_.get() + offset, length));
    return Status::Ok();
  }

  Status Sync() override {
    if (buffer_ == nullptr) return Status::Closed(path_);
    base::MutexLock lock(disk_->mu);
    node_->data.Sync();
    return Status::Ok();
  }

  Status Close(uint64_t length) override {
    if (buffer_ == nullptr) return Status::Ok();
    if (length > size_) return BeyondTheEnd(length);
    buffer_ = nullptr;
    if (length == size_) return Status::Ok();
    base::MutexLock lock(disk_->mu);
    return disk_->Resize("truncate", path_, *node_, length);
  }

 private:
  Status BeyondTheEnd(uint64_t position) const {
    return Status::InvalidArgument(path_ + ": position " + std::to_string(position) +
                                   " is beyond its " + std::to_string(size_) + " bytes");
  }

  const std::shared_ptr<Disk> disk_;
  const NodePtr node_;
  const std::string path_;
  const uint64_t size_;
  std::unique_ptr<char, void (*)(void*)> buffer_;
};

class MemoryRandomFile : public RandomFile {
 public:
  MemoryRandomFile(std::shared_ptr<Disk> disk, NodePtr node, uint64_t size)
      : disk_(std::move(disk)), node_(std::move(node)), size_(size) {}

  Status Read(uint64_t offset, size_t length, char* scratch,
              std::string_view* result) const override {
    base::MutexLock lock(disk_->mu);
    *result = std::string_view(scratch, node_->data.current().Read(offset, length, scratch));
    return Status::Ok();
  }

  uint64_t Size() const override { return size_; }

 private:
  const std::shared_ptr<Disk> disk_;
  const NodePtr node_;
  const uint64_t size_;
};

}  // namespace

Status Disk::Write(std::string_view operation, const std::string& path, Node& node, uint64_t offset,
                   std::string_view bytes) {
  const uint64_t size = node.data.current().size();
  const uint64_t end = offset + bytes.size();
  const uint64_t growth = node.links == 0 || end <= size ? 0 : end - size;
  const uint64_t missing = growth > FreeBytes() ? growth - FreeBytes() : 0;
  used += growth - missing;
  bytes.remove_suffix(static_cast<size_t>(missing));
  if (!bytes.empty()) node.data.Write(offset, bytes);
  return missing == 0 ? Status::Ok() : DiskFull(operation, path);
}

Status Disk::Resize(std::string_view operation, const std::string& path, Node& node,
                    uint64_t size) {
  const uint64_t old_size = node.data.current().size();
  if (node.links > 0) {
    if (size > old_size && size - old_size > FreeBytes()) return DiskFull(operation, path);
    used = used - old_size + size;
  }
  node.data.Resize(size);
  return Status::Ok();
}

void Disk::Release(const NodePtr& node) {
  if (node != nullptr && node->links == 0) used -= node->data.current().size();
}

std::unique_ptr<AppendFile> NewMemoryAppendFile(std::shared_ptr<Disk> disk, NodePtr node,
                                                std::string path) {
  return std::make_unique<MemoryAppendFile>(std::move(disk), std::move(node), std::move(path));
}

std::unique_ptr<MappedFile> NewMemoryMappedFile(std::shared_ptr<Disk> disk, NodePtr node,
                                                std::string path, uint64_t size) {
  return std::make_unique<MemoryMappedFile>(std::move(disk), std::move(node), std::move(path),
                                            size);
}

std::unique_ptr<RandomFile> NewMemoryRandomFile(std::shared_ptr<Disk> disk, NodePtr node,
                                                uint64_t size) {
  return std::make_unique<MemoryRandomFile>(std::move(disk), std::move(node), size);
}

}  // namespace nokv::vfs
