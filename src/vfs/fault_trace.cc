// The names of operations, and the observer that writes them down.
#include "base/check.h"
#include "vfs/fault_fs.h"

namespace nokv::vfs {
namespace {

std::string RelativeTo(std::string_view root, std::string_view path) {
  while (!root.empty() && root.back() == '/') root.remove_suffix(1);
  if (path == root) return ".";
  if (path.starts_with(root) && path.substr(root.size()).starts_with('/')) {
    path.remove_prefix(root.size() + 1);
  }
  return std::string(path);
}

std::string Describe(std::string_view root, const Operation& operation) {
  constexpr std::string_view kArrow = " -> ";
  const std::string_view path = operation.path;
  const std::string line = std::string(OpName(operation.op)) + " ";
  const size_t arrow = operation.op == Op::kRename || operation.op == Op::kLink
                           ? path.find(kArrow)
                           : std::string_view::npos;
  if (arrow == std::string_view::npos) return line + RelativeTo(root, path);
  return line + RelativeTo(root, path.substr(0, arrow)) + std::string(kArrow) +
         RelativeTo(root, path.substr(arrow + kArrow.size()));
}

}  // namespace

std::string_view OpName(Op op) {
  switch (op) {
    case Op::kCreateAppend:
      return "create";
    case Op::kCreateMapped:
      return "create-mapped";
    case Op::kOpenRandom:
      return "open";
    case Op::kReadFile:
      return "read-file";
    case Op::kExists:
      return "exists";
    case Op::kFileSize:
      return "size";
    case Op::kList:
      return "list";
    case Op::kCreateDirs:
      return "create-dirs";
    case Op::kRename:
      return "rename";
    case Op::kLink:
      return "link";
    case Op::kRemove:
      return "remove";
    case Op::kSyncDir:
      return "sync-dir";
    case Op::kFreeSpace:
      return "free-space";
    case Op::kLock:
      return "lock";
    case Op::kAppend:
      return "append";
    case Op::kSync:
      return "sync";
    case Op::kClose:
      return "close";
    case Op::kRead:
      return "read";
    case Op::kWritten:
      return "write-mapped";
    case Op::kWriteAhead:
      return "write-ahead";
    case Op::kMappedSync:
      return "sync-mapped";
    case Op::kMappedClose:
      return "close-mapped";
    case Op::kAllocatedSize:
      return "allocated-size";
    case Op::kLockShared:
      return "lock-shared";
    case Op::kHasReaders:
      return "has-readers";
    case Op::kMode:
      return "mode";
    case Op::kPrefetch:
      return "prefetch";
  }
  NOKV_CHECK(false) << "operation " << static_cast<int>(op);
  return "";
}

bool ChangesDisk(Op op) {
  switch (op) {
    case Op::kCreateAppend:
    case Op::kCreateMapped:
    case Op::kCreateDirs:
    case Op::kRename:
    case Op::kLink:
    case Op::kRemove:
    case Op::kSyncDir:
    case Op::kLock:
    case Op::kAppend:
    case Op::kSync:
    case Op::kWritten:
    case Op::kWriteAhead:
    case Op::kMappedSync:
    case Op::kMappedClose:
      return true;
    case Op::kOpenRandom:
    case Op::kReadFile:
    case Op::kExists:
    case Op::kFileSize:
    case Op::kList:
    case Op::kFreeSpace:
    case Op::kClose:
    case Op::kRead:
    case Op::kAllocatedSize:
    case Op::kLockShared:
    case Op::kHasReaders:
    case Op::kMode:
    case Op::kPrefetch:
      return false;
  }
  NOKV_CHECK(false) << "operation " << static_cast<int>(op);
  return false;
}

FaultFileSystem::Observer TraceObserver(std::string root, std::function<void(std::string)> sink) {
  return [root = std::move(root), sink = std::move(sink)](const Operation& operation) {
    if (ChangesDisk(operation.op)) sink(Describe(root, operation));
    return Fault{};
  };
}

}  // namespace nokv::vfs
