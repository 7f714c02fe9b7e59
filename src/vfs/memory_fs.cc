#include "vfs/memory_fs.h"

#include "base/macros.h"
#include "vfs/answers.h"
#include "vfs/memory_disk.h"

namespace nokv::vfs {
namespace {

constexpr uint64_t kAllocationBytes = 4096;

class MemoryLock : public FileLock {
 public:
  MemoryLock(std::shared_ptr<Disk> disk, NodePtr node, bool exclusive)
      : disk_(std::move(disk)), node_(std::move(node)), exclusive_(exclusive) {}
  ~MemoryLock() override {
    base::MutexLock lock(disk_->mu);
    if (exclusive_) {
      node_->exclusive_lock = false;
    } else {
      node_->shared_locks--;
    }
  }

 private:
  const std::shared_ptr<Disk> disk_;
  const NodePtr node_;
  const bool exclusive_;
};

class MemoryFs : public MemoryFileSystem {
 public:
  MemoryFs() = default;
  MemoryFs(Tree tree, uint64_t capacity) {
    base::MutexLock lock(disk_->mu);
    disk_->tree = std::move(tree);
    disk_->capacity = capacity;
    disk_->used = disk_->tree.TotalBytes();
  }

  Result<std::unique_ptr<AppendFile>> CreateAppend(const std::string& path) override {
    base::MutexLock lock(disk_->mu);
    ASSIGN_OR_RETURN(NodePtr node, disk_->tree.CreateFile(path));
    return NewMemoryAppendFile(disk_, std::move(node), path);
  }
  Result<std::unique_ptr<MappedFile>> CreateMapped(const std::string& path, uint64_t size) override;
  Result<std::unique_ptr<RandomFile>> OpenRandom(const std::string& path,
                                                 ReadMode /*mode*/) override {
    base::MutexLock lock(disk_->mu);
    ASSIGN_OR_RETURN(NodePtr node, disk_->tree.FindFile("open", path));
    const uint64_t size = node->data.current().size();
    return NewMemoryRandomFile(disk_, std::move(node), size);
  }
  Result<std::string> ReadFile(const std::string& path, uint64_t limit) override;

  Result<bool> Exists(const std::string& path) override {
    base::MutexLock lock(disk_->mu);
    return disk_->tree.Find("stat", path).ok();
  }
  Result<uint64_t> FileSize(const std::string& path) override {
    base::MutexLock lock(disk_->mu);
    ASSIGN_OR_RETURN(const NodePtr node, disk_->tree.Find("stat", path));
    return node->data.current().size();
  }
  Result<FileMode> Mode(const std::string& path) override {
    base::MutexLock lock(disk_->mu);
    ASSIGN_OR_RETURN(const NodePtr node, disk_->tree.Find("stat", path));
    return node->mode;
  }
  Result<uint64_t> AllocatedSize(const std::string& path) override {
    ASSIGN_OR_RETURN(const uint64_t size, FileSize(path));
    return (size + kAllocationBytes - 1) / kAllocationBytes * kAllocationBytes;
  }
  Result<std::vector<std::string>> List(const std::string& path) override {
    base::MutexLock lock(disk_->mu);
    ASSIGN_OR_RETURN(const NodePtr node, disk_->tree.FindDirectory("open directory", path));
    std::vector<std::string> names;
    for (const auto& [name, child] : node->current) names.push_back(name);
    return names;
  }
  Status CreateDirs(const std::string& path) override {
    base::MutexLock lock(disk_->mu);
    return disk_->tree.CreateDirs(path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    base::MutexLock lock(disk_->mu);
    ASSIGN_OR_RETURN(const NodePtr replaced, disk_->tree.Rename(from, to));
    disk_->Release(replaced);
    return Status::Ok();
  }
  Status Link(const std::string& from, const std::string& to) override {
    base::MutexLock lock(disk_->mu);
    return disk_->tree.Link(from, to);
  }
  Status Remove(const std::string& path) override {
    base::MutexLock lock(disk_->mu);
    ASSIGN_OR_RETURN(const NodePtr removed, disk_->tree.Remove(path));
    disk_->Release(removed);
    return Status::Ok();
  }
  Status SyncDir(const std::string& path) override {
    base::MutexLock lock(disk_->mu);
    return disk_->tree.SyncDir(path);
  }
  Status SyncFile(const std::string& path) override {
    base::MutexLock lock(disk_->mu);
    ASSIGN_OR_RETURN(const NodePtr node, disk_->tree.FindFile("fsync", path));
    node->data.Sync();
    return Status::Ok();
  }
  Result<uint64_t> FreeSpace(const std::string& path) override {
    base::MutexLock lock(disk_->mu);
    ASSIGN_OR_RETURN(const NodePtr node, disk_->tree.Find("statvfs", path));
    return disk_->FreeBytes();
  }

  Result<std::unique_ptr<FileLock>> LockExclusive(const std::string& path,
                                                  std::string_view owner) override;
  Result<std::unique_ptr<FileLock>> LockShared(const std::string& path) override;
  Result<bool> HasReaders(const std::string& path) override {
    base::MutexLock lock(disk_->mu);
    ASSIGN_OR_RETURN(const NodePtr node, disk_->tree.FindFile("open", path));
    return node->shared_locks > 0;
  }

  std::unique_ptr<MemoryFileSystem> CrashClone(Loss loss, uint64_t seed) override {
    base::MutexLock lock(disk_->mu);
    return std::make_unique<MemoryFs>(disk_->tree.AfterCrash(loss, seed), disk_->capacity);
  }
  std::unique_ptr<MemoryFileSystem> KillClone() override {
    base::MutexLock lock(disk_->mu);
    return std::make_unique<MemoryFs>(disk_->tree.AfterKill(), disk_->capacity);
  }
  void SetCapacity(uint64_t bytes) override {
    base::MutexLock lock(disk_->mu);
    disk_->capacity = bytes;
  }
  Status SetMode(const std::string& path, const FileMode& mode) override {
    base::MutexLock lock(disk_->mu);
    ASSIGN_OR_RETURN(const NodePtr node, disk_->tree.Find("chmod", path));
    node->mode = mode;
    return Status::Ok();
  }
  Status Overwrite(const std::string& path, std::string content) override {
    base::MutexLock lock(disk_->mu);
    ASSIGN_OR_RETURN(const NodePtr node, disk_->tree.FindFile("overwrite", path));
    disk_->used = disk_->used - node->data.current().size() + content.size();
    node->data = FileData(Content(content));
    return Status::Ok();
  }

 private:
  // Open files and locks share it, so that they may outlive the file system.
  const std::shared_ptr<Disk> disk_ = std::make_shared<Disk>();
};

Result<std::unique_ptr<MappedFile>> MemoryFs::CreateMapped(const std::string& path, uint64_t size) {
  if (size == 0) return Status::InvalidArgument("create " + path + ": a mapped file needs a size");
  base::MutexLock lock(disk_->mu);
  ASSIGN_OR_RETURN(NodePtr node, disk_->tree.CreateFile(path));
  if (Status status = disk_->Resize("allocate", path, *node, size); !status.ok()) {
    RETURN_IF_ERROR(disk_->tree.Remove(path).status());
    return status;
  }
  return NewMemoryMappedFile(disk_, std::move(node), path, size);
}

Result<std::string> MemoryFs::ReadFile(const std::string& path, uint64_t limit) {
  base::MutexLock lock(disk_->mu);
  ASSIGN_OR_RETURN(const NodePtr node, disk_->tree.FindFile("open", path));
  if (node->data.current().size() > limit) return LongerThan(path, limit);
  return node->data.current().ToString();
}

Result<std::unique_ptr<FileLock>> MemoryFs::LockExclusive(const std::string& path,
                                                          std::string_view owner) {
  base::MutexLock lock(disk_->mu);
  Result<NodePtr> found = disk_->tree.FindFile("create", path);
  if (found.status().IsNotFound()) found = disk_->tree.CreateFile(path);
  ASSIGN_OR_RETURN(const NodePtr node, std::move(found));
  if (node->exclusive_lock) return LockConflict(path, node->data.current().ToString());
  RETURN_IF_ERROR(disk_->Resize("truncate", path, *node, 0));
  RETURN_IF_ERROR(disk_->Write("write", path, *node, 0, owner));
  node->exclusive_lock = true;
  return std::unique_ptr<FileLock>(std::make_unique<MemoryLock>(disk_, node, true));
}

Result<std::unique_ptr<FileLock>> MemoryFs::LockShared(const std::string& path) {
  base::MutexLock lock(disk_->mu);
  ASSIGN_OR_RETURN(const NodePtr node, disk_->tree.FindFile("open", path));
  node->shared_locks++;
  return std::unique_ptr<FileLock>(std::make_unique<MemoryLock>(disk_, node, false));
}

}  // namespace

std::unique_ptr<MemoryFileSystem> NewMemoryFileSystem() {
  return std::make_unique<MemoryFs>();
}

}  // namespace nokv::vfs
