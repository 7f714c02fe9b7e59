#include "engine/directory.h"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/macros.h"

namespace nokv::engine {

namespace {
constexpr uint64_t kMaxModeBytes = 64 << 10;
constexpr Mode kModes[] = {Mode::kStandalone, Mode::kPreparing, Mode::kSeeded, Mode::kCluster};
}  // namespace

std::string_view ModeName(Mode mode) {
  switch (mode) {
    case Mode::kStandalone:
      return "standalone";
    case Mode::kPreparing:
      return "preparing";
    case Mode::kSeeded:
      return "seeded";
    case Mode::kCluster:
      return "cluster";
  }
  return "unknown";
}

Status CreateDirectory(vfs::FileSystem& fs, const std::string& dir) {
  // A new entry is durable once its parent is synced. The nearest parent is synced even if the
  // directory is there already: an earlier attempt may have failed just then.
  std::vector<std::string> parents = {vfs::DirName(dir)};
  while (parents.back() != vfs::DirName(parents.back())) {
    ASSIGN_OR_RETURN(const bool exists, fs.Exists(parents.back()));
    if (exists) break;
    parents.push_back(vfs::DirName(parents.back()));
  }
  RETURN_IF_ERROR(fs.CreateDirs(dir));
  for (const std::string& parent : parents) RETURN_IF_ERROR(fs.SyncDir(parent));
  return Status::Ok();
}

Result<Mode> ReadMode(vfs::FileSystem& fs, const std::string& dir) {
  const std::string path = vfs::JoinPath(dir, kModeName);
  const Result<std::string> text = fs.ReadFile(path, kMaxModeBytes);
  if (text.status().IsNotFound()) return Mode::kStandalone;
  RETURN_IF_ERROR(text.status());
  const auto json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (json.is_object() && json.contains("mode") && json["mode"].is_string()) {
    const std::string name = json["mode"];
    for (const Mode mode : kModes) {
      if (ModeName(mode) == name) return mode;
    }
    return Status::Corruption(path + ": unknown mode \"" + name + "\"").WithErrorNumber(1101);
  }
  return Status::Corruption(path + ": not a JSON object with a \"mode\"")
      .WithHint("restore the file from a backup; nothing was changed")
      .WithErrorNumber(1101);
}

Status CheckMode(vfs::FileSystem& fs, const std::string& dir, const std::vector<Mode>& allowed) {
  ASSIGN_OR_RETURN(const Mode mode, ReadMode(fs, dir));
  if (allowed.empty() && mode == Mode::kStandalone) return Status::Ok();
  if (std::find(allowed.begin(), allowed.end(), mode) != allowed.end()) return Status::Ok();
  const std::string quoted = "\"" + std::string(ModeName(mode)) + "\"";
  return Status::FailedPrecondition(dir + " is in mode " + quoted +
                                    (allowed.empty()
                                         ? ", which requires explicit distributed open intent"
                                         : ", which is not allowed for this open intent"))
      .WithHint("serve it as a store of its cluster, or name the mode in Options::allowed_modes")
      .WithErrorNumber(1101);
}

Result<std::unique_ptr<vfs::FileLock>> LockDirectory(vfs::FileSystem& fs, const std::string& dir,
                                                     bool read_only) {
  const std::string path = vfs::JoinPath(dir, kLockName);
  if (read_only) {
    auto lock = fs.LockShared(path);
    if (lock.status().IsNotFound()) return std::unique_ptr<vfs::FileLock>();
    return lock;
  }
  auto lock = fs.LockExclusive(path, "pid " + std::to_string(getpid()));
  if (lock.status().code() == StatusCode::kUnavailable) {
    return lock.status()
        .WithHint(
            "stop that process, or open read-only; do not delete LOCK: it is released when "
            "its holder ends")
        .WithErrorNumber(1203);
  }
  return lock;
}

}  // namespace nokv::engine
