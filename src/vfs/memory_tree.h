// Tree: the directories of a disk in memory, what of them is durable, and the changes that are not.
//
// Changes are kept in one list for all directories, because a rename may touch two. The order of
// changes to one name is never broken: whatever loses a change loses the later ones to its names.
//
// Thread safety: thread-compatible; its nodes may be used only by the thread that may use it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nokv/status.h"
#include "vfs/memory_file_data.h"
#include "vfs/memory_fs.h"

namespace nokv::vfs {

struct Node;
using NodePtr = std::shared_ptr<Node>;
using Entries = std::map<std::string, NodePtr, std::less<>>;

// A file or a directory. Open files keep theirs alive after it was removed.
struct Node {
  uint64_t id = 0;  // the same in clones
  bool is_directory = false;
  uint64_t links = 1;  // names; 0 once removed or replaced
  FileMode mode;       // also in clones
  Entries current;     // of a directory
  Entries durable;
  FileData data;  // of a file
  bool exclusive_lock = false;
  uint64_t shared_locks = 0;
};

class Tree {
 public:
  Tree();
  Tree(Tree&&) = default;
  Tree& operator=(Tree&&) = default;

  // Paths are absolute or relative to the root, which makes no difference. Errors are those of the
  // system calls: the Status of an errno, with `operation` and the path in the message.
  Result<NodePtr> Find(std::string_view operation, const std::string& path) const;
  Result<NodePtr> FindFile(std::string_view operation, const std::string& path) const;
  Result<NodePtr> FindDirectory(std::string_view operation, const std::string& path) const;
  Result<NodePtr> CreateFile(const std::string& path);
  Status CreateDirs(const std::string& path);
  // The replaced node if there was one, else null.
  Result<NodePtr> Rename(const std::string& from, const std::string& to);
  Status Link(const std::string& from, const std::string& to);
  // The removed node; it may have other names.
  Result<NodePtr> Remove(const std::string& path);
  Status SyncDir(const std::string& path);

  // See MemoryFileSystem::CrashClone and KillClone.
  Tree AfterCrash(MemoryFileSystem::Loss loss, uint64_t seed) const;
  Tree AfterKill() const;
  // The bytes of all files.
  uint64_t TotalBytes() const;

 private:
  // A name in a directory, and what it names after the change (null: nothing).
  struct Binding {
    NodePtr directory;
    std::string name;
    NodePtr node;
  };
  // One change: of one name, or for a rename of two.
  struct Change {
    std::vector<Binding> bindings;
  };
  struct Location;

  Result<Location> Locate(std::string_view operation, const std::string& path) const;
  NodePtr NewNode(bool is_directory);
  // Carries `change` out and notes it as not durable.
  void Apply(Change change);
  std::vector<const Change*> Survivors(MemoryFileSystem::Loss loss, uint64_t seed) const;

  uint64_t next_id_ = 0;  // before root_, which takes the first
  NodePtr root_;
  std::vector<Change> changes_;  // not durable, in order
};

}  // namespace nokv::vfs
