#include "vfs/vfs.h"

#include <cerrno>
#include <cstring>

#include "base/macros.h"
#include "vfs/answers.h"

namespace nokv::vfs {

Status MappedFile::WriteAt(uint64_t offset, std::string_view data) {
  char* const memory = this->data();
  if (memory != nullptr) std::memcpy(memory + offset, data.data(), data.size());
  return Written(offset, data.size());
}

std::string JoinPath(std::string_view dir, std::string_view name) {
  std::string path(dir);
  if (!path.empty() && path.back() != '/') path += '/';
  path += name;
  return path;
}

std::string DirName(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(slash == 0 ? path.substr(0, 1) : path.substr(0, slash));
}

std::string BaseName(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));  // npos + 1 is 0
}

Status LockConflict(const std::string& path, std::string_view owner) {
  owner = owner.substr(0, kMaxOwnerBytes);
  while (!owner.empty() && owner.back() == '\n') owner.remove_suffix(1);
  if (owner.empty()) owner = "another process";
  return Status::Unavailable(path + " is held by " + std::string(owner))
      .WithHint("stop that process, or open the directory read-only");
}

Status LongerThan(const std::string& path, uint64_t limit) {
  return Status::ResourceExhausted("read " + path + ": it is longer than the limit of " +
                                   std::to_string(limit) + " bytes");
}

Status LinkFailure(const std::string& from, const std::string& to, int error_number) {
  const std::string what = "link " + from + " to " + to;
  switch (error_number) {
    case EXDEV:
    case EPERM:
    case EOPNOTSUPP:
    case EMLINK:
      return Status::Unimplemented(what + ": it cannot have a second name there");
    default:
      return Status::IoError(what, error_number);
  }
}

Status WriteFileAtomically(FileSystem& fs, const std::string& path, std::string_view content) {
  const std::string temporary = path + ".tmp";
  // What an earlier attempt left behind when the process ended in the middle.
  if (Status removed = fs.Remove(temporary); !removed.ok() && !removed.IsNotFound()) return removed;
  ASSIGN_OR_RETURN(const std::unique_ptr<AppendFile> file, fs.CreateAppend(temporary));
  RETURN_IF_ERROR(file->Append(content));
  RETURN_IF_ERROR(file->Sync());
  RETURN_IF_ERROR(file->Close());
  RETURN_IF_ERROR(fs.Rename(temporary, path));
  return fs.SyncDir(DirName(path));
}

Status CopyFile(FileSystem& fs, const std::string& from, const std::string& to) {
  constexpr size_t kPieceBytes = size_t{256} << 10;
  ASSIGN_OR_RETURN(const auto source, fs.OpenRandom(from, ReadMode::kRead));
  ASSIGN_OR_RETURN(const auto target, fs.CreateAppend(to));
  std::string scratch(kPieceBytes, '\0');
  uint64_t offset = 0;
  while (true) {
    std::string_view piece;
    RETURN_IF_ERROR(source->Read(offset, kPieceBytes, scratch.data(), &piece));
    if (piece.empty()) break;
    RETURN_IF_ERROR(target->Append(piece));
    offset += piece.size();
  }
  RETURN_IF_ERROR(target->Sync());
  return target->Close();
}

Status LinkOrCopyFile(FileSystem& fs, const std::string& from, const std::string& to) {
  Status linked = fs.Link(from, to);
  return linked.code() == StatusCode::kUnimplemented ? CopyFile(fs, from, to) : linked;
}

Status CheckSecret(FileSystem& fs, const std::string& path) {
  constexpr uint32_t kGroup = 070;
  constexpr uint32_t kGroupMayRead = 040;
  constexpr uint32_t kEverybody = 07;
  ASSIGN_OR_RETURN(const FileMode mode, fs.Mode(path));
  const uint32_t refused = kEverybody | (mode.of_root ? kGroup & ~kGroupMayRead : kGroup);
  if ((mode.permissions & refused) == 0) return Status::Ok();
  const char* who = (mode.permissions & kEverybody) != 0 ? "every user of this machine"
                                                         : "the group of its owner";
  return Status::PermissionDenied("the secret in " + path + " is open to " + who)
      .WithHint("chmod 600 " + path);
}

Result<std::string> ReadSecret(FileSystem& fs, const std::string& path, uint64_t limit) {
  ASSIGN_OR_RETURN(std::string content, fs.ReadFile(path, limit));
  RETURN_IF_ERROR(CheckSecret(fs, path));
  return content;
}

}  // namespace nokv::vfs
