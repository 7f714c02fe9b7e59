#include "vfs/fault_fs.h"

#include <algorithm>
#include <atomic>

#include "base/macros.h"
#include "base/mutex.h"
#include "vfs/answers.h"

namespace nokv::vfs {
namespace {

// The counter and the observer, which open files share with their file system.
class Watch {
 public:
  void SetObserver(FaultFileSystem::Observer observer) {
    auto shared = std::make_shared<const FaultFileSystem::Observer>(std::move(observer));
    base::MutexLock lock(mu_);
    observer_ = std::move(shared);
  }

  uint64_t operations() const {
    base::MutexLock lock(mu_);
    return next_number_;
  }

  // Numbers the operation and asks the observer about it.
  Fault Ask(Op op, std::string path, uint64_t offset = 0, uint64_t length = 0) {
    std::shared_ptr<const FaultFileSystem::Observer> observer;
    Operation operation{op, 0, std::move(path), offset, length};
    {
      base::MutexLock lock(mu_);
      operation.number = op == Op::kPrefetch ? UINT64_MAX : next_number_++;
      observer = observer_;
    }
    return observer != nullptr && *observer ? (*observer)(operation) : Fault{};
  }

  // For operations that fail whole: the error to report, or OK to go on.
  Status Check(Op op, const std::string& path) { return Error(Ask(op, path), op, path); }

  static Status Error(const Fault& fault, Op op, const std::string& path) {
    if (fault.error_number == 0) return Status::Ok();
    return Status::IoError(std::string(OpName(op)) + " " + path + " (injected)",
                           fault.error_number);
  }

 private:
  mutable base::Mutex mu_;
  std::shared_ptr<const FaultFileSystem::Observer> observer_ GUARDED_BY(mu_);
  uint64_t next_number_ GUARDED_BY(mu_) = 0;
};

using WatchPtr = std::shared_ptr<Watch>;

class FaultAppendFile : public AppendFile {
 public:
  FaultAppendFile(WatchPtr watch, std::string path, std::unique_ptr<AppendFile> base)
      : watch_(std::move(watch)), path_(std::move(path)), base_(std::move(base)) {}

  Status Append(std::string_view data) override {
    const Fault fault = watch_->Ask(Op::kAppend, path_, 0, data.size());
    if (fault.error_number == 0) return base_->Append(data);
    RETURN_IF_ERROR(base_->Append(data.substr(0, fault.partial_bytes)));
    return Watch::Error(fault, Op::kAppend, path_);
  }

  Status Sync() override {
    Status injected = watch_->Check(Op::kSync, path_);
    if (!injected.ok()) sync_failed_ = true;
    return sync_failed_ ? injected : base_->Sync();
  }

  Status Close() override {
    Status injected = watch_->Check(Op::kClose, path_);
    Status closed = base_->Close();
    return injected.ok() ? closed : injected;
  }

 private:
  const WatchPtr watch_;
  const std::string path_;
  const std::unique_ptr<AppendFile> base_;
  bool sync_failed_ = false;
};

class FaultRandomFile : public RandomFile {
 public:
  FaultRandomFile(WatchPtr watch, std::string path, std::unique_ptr<RandomFile> base)
      : watch_(std::move(watch)), path_(std::move(path)), base_(std::move(base)) {}

  Status Read(uint64_t offset, size_t length, char* scratch,
              std::string_view* result) const override {
    const Fault fault = watch_->Ask(Op::kRead, path_, offset, length);
    RETURN_IF_ERROR(Watch::Error(fault, Op::kRead, path_));
    if (fault.short_read) {
      length = static_cast<size_t>(std::min<uint64_t>(length, fault.partial_bytes));
    }
    return base_->Read(offset, length, scratch, result);
  }

  uint64_t Size() const override { return base_->Size(); }

  void Prefetch(uint64_t offset, uint64_t length) const override {
    (void)watch_->Ask(Op::kPrefetch, path_, offset, length);
    base_->Prefetch(offset, length);
  }

 private:
  const WatchPtr watch_;
  const std::string path_;
  const std::unique_ptr<RandomFile> base_;
};

class FaultMappedFile : public MappedFile {
 public:
  FaultMappedFile(WatchPtr watch, std::string path, std::unique_ptr<MappedFile> base)
      : watch_(std::move(watch)), path_(std::move(path)), base_(std::move(base)) {}

  char* data() override { return base_->data(); }
  uint64_t size() const override { return base_->size(); }

  Status Written(uint64_t offset, uint64_t length) override {
    const Fault fault = watch_->Ask(Op::kWritten, path_, offset, length);
    if (fault.error_number == 0) return base_->Written(offset, length);
    RETURN_IF_ERROR(base_->Written(offset, std::min(length, fault.partial_bytes)));
    return Watch::Error(fault, Op::kWritten, path_);
  }

  void ExpectStores(uint64_t offset, uint64_t length) override {
    base_->ExpectStores(offset, length);
  }
  Status WriteAhead(uint64_t offset, uint64_t length) override {
    const Fault fault = watch_->Ask(Op::kWriteAhead, path_, offset, length);
    RETURN_IF_ERROR(Watch::Error(fault, Op::kWriteAhead, path_));
    return base_->WriteAhead(offset, length);
  }

  Status Sync() override {
    Status injected = watch_->Check(Op::kMappedSync, path_);
    // Relaxed: concurrent syncs have no order that this flag could keep.
    if (!injected.ok()) sync_failed_.store(true, std::memory_order_relaxed);
    return sync_failed_.load(std::memory_order_relaxed) ? injected : base_->Sync();
  }

  Status Close(uint64_t length) override {
    Status injected = watch_->Check(Op::kMappedClose, path_);
    Status closed = base_->Close(injected.ok() ? length : base_->size());
    return injected.ok() ? closed : injected;
  }

 private:
  const WatchPtr watch_;
  const std::string path_;
  const std::unique_ptr<MappedFile> base_;
  std::atomic<bool> sync_failed_{false};
};

class FaultFs : public FaultFileSystem {
 public:
  explicit FaultFs(FileSystem& base) : base_(base) {}

  void SetObserver(Observer observer) override { watch_->SetObserver(std::move(observer)); }
  uint64_t operations() const override { return watch_->operations(); }

  Result<std::unique_ptr<AppendFile>> CreateAppend(const std::string& path) override {
    RETURN_IF_ERROR(watch_->Check(Op::kCreateAppend, path));
    ASSIGN_OR_RETURN(auto file, base_.CreateAppend(path));
    return std::unique_ptr<AppendFile>(
        std::make_unique<FaultAppendFile>(watch_, path, std::move(file)));
  }
  Result<std::unique_ptr<MappedFile>> CreateMapped(const std::string& path,
                                                   uint64_t size) override {
    RETURN_IF_ERROR(watch_->Check(Op::kCreateMapped, path));
    ASSIGN_OR_RETURN(auto file, base_.CreateMapped(path, size));
    return std::unique_ptr<MappedFile>(
        std::make_unique<FaultMappedFile>(watch_, path, std::move(file)));
  }
  // What is read must pass by here, so nothing is mapped.
  Result<std::unique_ptr<RandomFile>> OpenRandom(const std::string& path,
                                                 ReadMode /*mode*/) override {
    RETURN_IF_ERROR(watch_->Check(Op::kOpenRandom, path));
    ASSIGN_OR_RETURN(auto file, base_.OpenRandom(path, ReadMode::kRead));
    return std::unique_ptr<RandomFile>(
        std::make_unique<FaultRandomFile>(watch_, path, std::move(file)));
  }
  Result<std::string> ReadFile(const std::string& path, uint64_t limit) override {
    RETURN_IF_ERROR(watch_->Check(Op::kReadFile, path));
    return base_.ReadFile(path, limit);
  }
  Result<bool> Exists(const std::string& path) override {
    RETURN_IF_ERROR(watch_->Check(Op::kExists, path));
    return base_.Exists(path);
  }
  Result<uint64_t> FileSize(const std::string& path) override {
    RETURN_IF_ERROR(watch_->Check(Op::kFileSize, path));
    return base_.FileSize(path);
  }
  Result<FileMode> Mode(const std::string& path) override {
    RETURN_IF_ERROR(watch_->Check(Op::kMode, path));
    return base_.Mode(path);
  }
  Result<uint64_t> AllocatedSize(const std::string& path) override {
    RETURN_IF_ERROR(watch_->Check(Op::kAllocatedSize, path));
    return base_.AllocatedSize(path);
  }
  Result<std::vector<std::string>> List(const std::string& path) override {
    RETURN_IF_ERROR(watch_->Check(Op::kList, path));
    return base_.List(path);
  }
  Status CreateDirs(const std::string& path) override {
    RETURN_IF_ERROR(watch_->Check(Op::kCreateDirs, path));
    return base_.CreateDirs(path);
  }
  Status Rename(const std::string& from, const std::string& to) override {
    RETURN_IF_ERROR(watch_->Check(Op::kRename, from + " -> " + to));
    return base_.Rename(from, to);
  }
  Status Link(const std::string& from, const std::string& to) override {
    const Fault fault = watch_->Ask(Op::kLink, from + " -> " + to);
    if (fault.error_number != 0) return LinkFailure(from, to + " (injected)", fault.error_number);
    return base_.Link(from, to);
  }
  Status Remove(const std::string& path) override {
    RETURN_IF_ERROR(watch_->Check(Op::kRemove, path));
    return base_.Remove(path);
  }
  Status SyncDir(const std::string& path) override {
    RETURN_IF_ERROR(watch_->Check(Op::kSyncDir, path));
    return base_.SyncDir(path);
  }
  Status SyncFile(const std::string& path) override {
    RETURN_IF_ERROR(watch_->Check(Op::kSync, path));
    return base_.SyncFile(path);
  }
  Result<uint64_t> FreeSpace(const std::string& path) override {
    RETURN_IF_ERROR(watch_->Check(Op::kFreeSpace, path));
    return base_.FreeSpace(path);
  }
  Result<std::unique_ptr<FileLock>> LockExclusive(const std::string& path,
                                                  std::string_view owner) override {
    RETURN_IF_ERROR(watch_->Check(Op::kLock, path));
    return base_.LockExclusive(path, owner);
  }
  Result<std::unique_ptr<FileLock>> LockShared(const std::string& path) override {
    RETURN_IF_ERROR(watch_->Check(Op::kLockShared, path));
    return base_.LockShared(path);
  }
  Result<bool> HasReaders(const std::string& path) override {
    RETURN_IF_ERROR(watch_->Check(Op::kHasReaders, path));
    return base_.HasReaders(path);
  }

 private:
  FileSystem& base_;
  const WatchPtr watch_ = std::make_shared<Watch>();
};

}  // namespace

std::unique_ptr<FaultFileSystem> NewFaultFileSystem(FileSystem& base) {
  return std::make_unique<FaultFs>(base);
}

}  // namespace nokv::vfs
