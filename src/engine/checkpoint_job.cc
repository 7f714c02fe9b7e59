#include "engine/checkpoint_job.h"

#include <set>
#include <utility>

#include "base/macros.h"
#include "engine/directory.h"
#include "lsm/version/file_handle.h"
#include "manifest/manifest_writer.h"
#include "vlog/format.h"
#include "wal/format.h"

namespace nokv::engine {

namespace {

constexpr std::string_view kUnfinishedSuffix = ".nokv-checkpoint";
constexpr uint64_t kMaxModeBytes = 64 << 10;

std::string WithoutSlashAtEnd(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

CheckpointJob::CheckpointJob(vfs::FileSystem& fs, std::string dir, std::string target,
                             CheckpointContent content)
    : fs_(fs),
      dir_(std::move(dir)),
      target_(WithoutSlashAtEnd(std::move(target))),
      unfinished_(target_ + std::string(kUnfinishedSuffix)),
      content_(std::move(content)) {}

Result<bool> CheckpointJob::Step() {
  Result<bool> done = Run();
  if (done.ok()) return done;
  // What cannot be removed now goes with the next call.
  if (gathering_) (void)RemoveUnfinished();
  return done.status().Prefixed("checkpoint " + target_);
}

Result<bool> CheckpointJob::Run() {
  if (!begun_) {
    RETURN_IF_ERROR(Begin());
    return false;
  }
  if (!names_.empty()) {
    const std::string name = std::move(names_.back());
    names_.pop_back();
    RETURN_IF_ERROR(
        vfs::LinkOrCopyFile(fs_, vfs::JoinPath(dir_, name), vfs::JoinPath(unfinished_, name)));
    return false;
  }
  RETURN_IF_ERROR(WriteManifest());
  RETURN_IF_ERROR(Finish());
  return true;
}

Status CheckpointJob::CheckTarget() const {
  const auto names = fs_.List(target_);
  if (names.status().IsNotFound()) return Status::Ok();
  RETURN_IF_ERROR(names.status());
  if (names->empty()) return Status::Ok();
  return Status::AlreadyExists("the directory is not empty")
      .WithHint("name a directory that does not exist");
}

Status CheckpointJob::RemoveUnfinished() const {
  const auto names = fs_.List(unfinished_);
  if (names.status().IsNotFound()) return Status::Ok();
  RETURN_IF_ERROR(names.status());
  for (const std::string& name : *names) {
    RETURN_IF_ERROR(fs_.Remove(vfs::JoinPath(unfinished_, name)));
  }
  return fs_.Remove(unfinished_);
}

Status CheckpointJob::Begin() {
  begun_ = true;
  RETURN_IF_ERROR(CheckTarget());
  gathering_ = true;
  RETURN_IF_ERROR(RemoveUnfinished());
  RETURN_IF_ERROR(CreateDirectory(fs_, unfinished_));
  std::set<std::string> names;
  const manifest::DatabaseState& state = content_.tables.state;
  for (const auto& level : state.levels) {
    for (const auto& [number, meta] : level) {
      names.insert(lsm::TableName(number));
      for (const auto& reference : meta.points_into) {
        names.insert(vlog::ValueFileName(reference.file));
      }
    }
  }
  ASSIGN_OR_RETURN(const auto files, fs_.List(dir_));
  for (const std::string& name : files) {
    uint64_t segment = 0;
    if (wal::ParseSegmentFileName(name, &segment) && segment >= state.log_position.segment &&
        segment < content_.cut_segment) {
      names.insert(name);
    }
  }
  names_.assign(names.begin(), names.end());
  return Status::Ok();
}

Status CheckpointJob::WriteManifest() const {
  const auto mode = fs_.ReadFile(vfs::JoinPath(dir_, kModeName), kMaxModeBytes);
  if (!mode.status().IsNotFound()) {
    RETURN_IF_ERROR(mode.status());
    RETURN_IF_ERROR(vfs::WriteFileAtomically(fs_, vfs::JoinPath(unfinished_, kModeName), *mode));
  }
  manifest::VersionEdit snapshot = content_.tables.state.Snapshot();
  const uint64_t number = content_.tables.state.next_file_number;
  snapshot.next_file_number = number + 1;
  RETURN_IF_ERROR(manifest::ManifestWriter::Create(fs_, unfinished_, number, snapshot).status());
  return fs_.SyncDir(unfinished_);
}

Status CheckpointJob::Finish() {
  const std::string parent = vfs::DirName(target_);
  RETURN_IF_ERROR(fs_.Rename(unfinished_, target_));
  gathering_ = false;
  Status synced = fs_.SyncDir(parent);
  if (synced.ok()) return synced;
  // It is whole, but may be gone after a loss of power. It is not taken apart under its name.
  gathering_ = fs_.Rename(target_, unfinished_).ok() && fs_.SyncDir(parent).ok();
  return synced;
}

}  // namespace nokv::engine
