#include "vfs/memory_tree.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <utility>

#include "base/macros.h"
#include "base/random.h"

namespace nokv::vfs {
namespace {

constexpr uint32_t kDirectoryPermissions = 0700;

Status PathError(std::string_view operation, std::string_view path, int error_number) {
  return Status::IoError(std::string(operation) + " " + std::string(path), error_number);
}

std::vector<std::string> SplitPath(std::string_view path) {
  std::vector<std::string> names;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view name = path.substr(0, slash);
    if (!name.empty() && name != ".") names.emplace_back(name);
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return names;
}

void Bind(Entries* entries, const std::string& name, const NodePtr& node) {
  if (node == nullptr) {
    entries->erase(name);
  } else {
    (*entries)[name] = node;
  }
}

bool Contains(const Node& directory, const Node& node) {
  if (&directory == &node) return true;
  return std::any_of(directory.current.begin(), directory.current.end(),
                     [&](const auto& entry) { return Contains(*entry.second, node); });
}

// Why a rename of `from` may not replace `to`: an errno, or 0 if it may.
int RefusalToReplace(const Node& from, const Node& to) {
  if (to.is_directory && !from.is_directory) return EISDIR;
  if (!to.is_directory && from.is_directory) return ENOTDIR;
  return to.current.empty() ? 0 : ENOTEMPTY;
}

}  // namespace

struct Tree::Location {
  NodePtr directory;
  std::string name;
  NodePtr node;  // null: the name is free
};

Tree::Tree() : root_(NewNode(true)) {}

NodePtr Tree::NewNode(bool is_directory) {
  auto node = std::make_shared<Node>();
  node->id = next_id_++;
  node->is_directory = is_directory;
  if (is_directory) node->mode.permissions = kDirectoryPermissions;
  return node;
}

Result<NodePtr> Tree::Find(std::string_view operation, const std::string& path) const {
  NodePtr node = root_;
  for (const std::string& name : SplitPath(path)) {
    if (!node->is_directory) return PathError(operation, path, ENOTDIR);
    const auto found = node->current.find(name);
    if (found == node->current.end()) return PathError(operation, path, ENOENT);
    node = NodePtr(found->second);  // a copy: `found` lives in what the assignment may free
  }
  return node;
}

Result<NodePtr> Tree::FindFile(std::string_view operation, const std::string& path) const {
  ASSIGN_OR_RETURN(NodePtr node, Find(operation, path));
  if (node->is_directory) return PathError(operation, path, EISDIR);
  return node;
}

Result<NodePtr> Tree::FindDirectory(std::string_view operation, const std::string& path) const {
  ASSIGN_OR_RETURN(NodePtr node, Find(operation, path));
  if (!node->is_directory) return PathError(operation, path, ENOTDIR);
  return node;
}

Result<Tree::Location> Tree::Locate(std::string_view operation, const std::string& path) const {
  const std::vector<std::string> names = SplitPath(path);
  if (names.empty()) return PathError(operation, path, EBUSY);  // the root
  NodePtr directory = root_;
  for (size_t i = 0; i + 1 < names.size(); i++) {
    const auto found = directory->current.find(names[i]);
    if (found == directory->current.end()) return PathError(operation, path, ENOENT);
    directory = NodePtr(found->second);
    if (!directory->is_directory) return PathError(operation, path, ENOTDIR);
  }
  const auto found = directory->current.find(names.back());
  const NodePtr node = found == directory->current.end() ? nullptr : found->second;
  return Location{directory, names.back(), node};
}

void Tree::Apply(Change change) {
  for (const Binding& binding : change.bindings) {
    Bind(&binding.directory->current, binding.name, binding.node);
  }
  changes_.push_back(std::move(change));
}

Result<NodePtr> Tree::CreateFile(const std::string& path) {
  ASSIGN_OR_RETURN(const Location at, Locate("create", path));
  if (at.node != nullptr) return PathError("create", path, EEXIST);
  NodePtr node = NewNode(false);
  Apply({{{at.directory, at.name, node}}});
  return node;
}

Status Tree::CreateDirs(const std::string& path) {
  std::string prefix;
  for (const std::string& name : SplitPath(path)) {
    prefix += "/" + name;
    ASSIGN_OR_RETURN(const Location at, Locate("create directory", prefix));
    if (at.node == nullptr) {
      Apply({{{at.directory, at.name, NewNode(true)}}});
    } else if (!at.node->is_directory) {
      return PathError("create directory", prefix, ENOTDIR);
    }
  }
  return Status::Ok();
}

Result<NodePtr> Tree::Rename(const std::string& from, const std::string& to) {
  const std::string operation = "rename " + from + " to";
  ASSIGN_OR_RETURN(const Location source, Locate(operation, from));
  ASSIGN_OR_RETURN(const Location target, Locate(operation, to));
  if (source.node == nullptr) return PathError(operation, to, ENOENT);
  if (source.node == target.node) return NodePtr();
  if (Contains(*source.node, *target.directory)) return PathError(operation, to, EINVAL);
  if (target.node != nullptr) {
    const int refusal = RefusalToReplace(*source.node, *target.node);
    if (refusal != 0) return PathError(operation, to, refusal);
    target.node->links--;
  }
  Apply({{{source.directory, source.name, nullptr}, {target.directory, target.name, source.node}}});
  return target.node;
}

Status Tree::Link(const std::string& from, const std::string& to) {
  const std::string operation = "link " + from + " to";
  ASSIGN_OR_RETURN(const NodePtr node, FindFile(operation, from));
  ASSIGN_OR_RETURN(const Location target, Locate(operation, to));
  if (target.node != nullptr) return PathError(operation, to, EEXIST);
  node->links++;
  Apply({{{target.directory, target.name, node}}});
  return Status::Ok();
}

Result<NodePtr> Tree::Remove(const std::string& path) {
  ASSIGN_OR_RETURN(const Location at, Locate("remove", path));
  if (at.node == nullptr) return PathError("remove", path, ENOENT);
  if (!at.node->current.empty()) return PathError("remove", path, ENOTEMPTY);
  at.node->links--;
  Apply({{{at.directory, at.name, nullptr}}});
  return at.node;
}

Status Tree::SyncDir(const std::string& path) {
  ASSIGN_OR_RETURN(const NodePtr directory, FindDirectory("fsync directory", path));
  // Backwards: with a rename from another directory go the earlier changes to its names there.
  std::set<std::pair<uint64_t, std::string>> names;
  std::vector<bool> synced(changes_.size());
  for (size_t i = changes_.size(); i-- > 0;) {
    const std::vector<Binding>& bindings = changes_[i].bindings;
    synced[i] = std::any_of(bindings.begin(), bindings.end(), [&](const Binding& binding) {
      return binding.directory == directory ||
             names.contains({binding.directory->id, binding.name});
    });
    if (!synced[i]) continue;
    for (const Binding& binding : bindings) names.emplace(binding.directory->id, binding.name);
  }
  std::vector<Change> rest;
  for (size_t i = 0; i < changes_.size(); i++) {
    if (!synced[i]) {
      rest.push_back(std::move(changes_[i]));
      continue;
    }
    for (const Binding& binding : changes_[i].bindings) {
      Bind(&binding.directory->durable, binding.name, binding.node);
    }
  }
  changes_ = std::move(rest);
  return Status::Ok();
}

std::vector<const Tree::Change*> Tree::Survivors(MemoryFileSystem::Loss loss, uint64_t seed) const {
  std::vector<const Change*> survivors;
  if (loss == MemoryFileSystem::Loss::kEverything) return survivors;
  base::Random random(seed);
  constexpr uint64_t kKeepOf8[] = {1, 4, 7};
  const uint64_t keep_of_8 =
      loss == MemoryFileSystem::Loss::kNothing ? 8 : kKeepOf8[random.Uniform(std::size(kKeepOf8))];
  std::set<std::pair<uint64_t, std::string>> lost_names;
  std::set<uint64_t> lost_directories;  // whose creation is lost: nothing can have moved there
  for (const Change& change : changes_) {
    const bool possible =
        std::none_of(change.bindings.begin(), change.bindings.end(), [&](const Binding& binding) {
          return lost_names.contains({binding.directory->id, binding.name}) ||
                 lost_directories.contains(binding.directory->id);
        });
    if (possible && random.Uniform(8) < keep_of_8) {
      survivors.push_back(&change);
      continue;
    }
    for (const Binding& binding : change.bindings) {
      lost_names.emplace(binding.directory->id, binding.name);
      const bool created = change.bindings.size() == 1 && binding.node != nullptr;
      if (created && binding.node->is_directory) lost_directories.insert(binding.node->id);
    }
  }
  return survivors;
}

Tree Tree::AfterCrash(MemoryFileSystem::Loss loss, uint64_t seed) const {
  std::map<uint64_t, Entries> changed;  // directories that differ from their durable entries, by id
  for (const Change* change : Survivors(loss, base::MixSeed(seed))) {
    for (const Binding& binding : change->bindings) {
      const Node& directory = *binding.directory;
      Bind(&changed.try_emplace(directory.id, directory.durable).first->second, binding.name,
           binding.node);
    }
  }
  std::map<uint64_t, NodePtr> files;
  const std::function<NodePtr(const Node&)> copy = [&](const Node& node) {
    if (const auto twin = files.find(node.id); twin != files.end()) {
      twin->second->links++;
      return twin->second;
    }
    auto made = std::make_shared<Node>();
    made->id = node.id;
    made->is_directory = node.is_directory;
    made->mode = node.mode;
    if (!node.is_directory) {
      made->data =
          FileData(node.data.AfterCrash(loss, base::MixSeed(seed ^ base::MixSeed(node.id))));
      files.emplace(node.id, made);
      return made;
    }
    const auto found = changed.find(node.id);
    for (const auto& [name, child] : found == changed.end() ? node.durable : found->second) {
      made->current.emplace_hint(made->current.end(), name, copy(*child));
    }
    made->durable = made->current;
    return made;
  };
  Tree tree;
  tree.root_ = copy(*root_);
  tree.next_id_ = next_id_;
  return tree;
}

Tree Tree::AfterKill() const {
  std::map<uint64_t, NodePtr> made;
  const std::function<NodePtr(const NodePtr&)> copy = [&](const NodePtr& node) -> NodePtr {
    if (node == nullptr) return nullptr;
    NodePtr& twin = made[node->id];
    if (twin != nullptr) return twin;
    twin = std::make_shared<Node>();
    twin->id = node->id;
    twin->is_directory = node->is_directory;
    twin->links = node->links;
    twin->mode = node->mode;
    twin->data = node->data;
    for (const auto& [name, child] : node->current) twin->current.emplace(name, copy(child));
    for (const auto& [name, child] : node->durable) twin->durable.emplace(name, copy(child));
    return twin;
  };
  Tree tree;
  tree.root_ = copy(root_);
  tree.next_id_ = next_id_;
  for (const Change& change : changes_) {
    Change& twin = tree.changes_.emplace_back();
    for (const Binding& binding : change.bindings) {
      twin.bindings.push_back({copy(binding.directory), binding.name, copy(binding.node)});
    }
  }
  return tree;
}

uint64_t Tree::TotalBytes() const {
  const std::function<uint64_t(const Node&)> sum = [&](const Node& node) {
    uint64_t bytes = node.data.current().size();
    for (const auto& [name, child] : node.current) bytes += sum(*child);
    return bytes;
  };
  return sum(*root_);
}

}  // namespace nokv::vfs
