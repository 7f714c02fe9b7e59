#include "lsm/version/version_state.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/macros.h"
#include "lsm/version/version_builder.h"
#include "manifest/format.h"
#include "manifest/manifest_names.h"

namespace nokv::lsm {

namespace {

// How often a read-only open follows a writer that removes tables under it.
constexpr int kReadOnlyAttempts = 10;

// One more than the greatest number of a table or manifest in `dir`: files that an interrupted
// write left must not be met again.
Result<uint64_t> FirstFreeNumber(vfs::FileSystem& fs, const std::string& dir) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(dir));
  uint64_t greatest = 0;
  for (const std::string& name : names) {
    uint64_t number = manifest::ParseManifestName(name).value_or(0);
    if (number == 0 && !ParseTableName(name, &number) && !vlog::ParseMovedFileName(name, &number)) {
      number = 0;
    }
    greatest = std::max(greatest, number);
  }
  return greatest + 1;
}

}  // namespace

VersionState::VersionState(vfs::FileSystem& fs, std::string dir, BlockCache& cache,
                           const VersionStateOptions& options)
    : fs_(fs),
      dir_(std::move(dir)),
      options_(options),
      tables_(std::make_shared<TableCache>(fs, dir_, cache, options.read_mode,
                                           options.read_only ? 0 : options.max_open_tables)),
      value_files_(fs, dir_, options.read_mode),
      current_(std::make_shared<const Version>(std::array<FileList, kLevels>{})) {}

Result<std::unique_ptr<VersionState>> VersionState::Open(vfs::FileSystem& fs,
                                                         const std::string& dir, BlockCache& cache,
                                                         const VersionStateOptions& options) {
  for (int attempt = 1;; attempt++) {
    std::unique_ptr<VersionState> state(new VersionState(fs, dir, cache, options));
    ASSIGN_OR_RETURN(const std::optional<manifest::ManifestState> loaded,
                     manifest::ReadManifest(fs, dir));
    if (!loaded && (options.read_only || !options.create_if_missing)) {
      return Status::NotFound(dir + ": there is no database here");
    }
    manifest::DatabaseState contents;
    contents.comparator = manifest::kComparatorName;
    if (loaded) contents = loaded->state;
    const Status opened = state->Load(contents);
    if (!opened.ok()) {
      // A live writer may have removed a table that its newer manifest no longer names.
      if (!options.read_only || attempt == kReadOnlyAttempts) return opened;
      ASSIGN_OR_RETURN(const auto again, manifest::ReadManifest(fs, dir));
      if (again && again->state == contents) return opened;
      continue;
    }
    state->next_file_number_.store(contents.next_file_number, std::memory_order_relaxed);
    if (loaded) {
      state->torn_tail_ = loaded->torn_tail;
      base::MutexLock lock(state->mu_);
      state->manifest_number_ = loaded->number;
    }
    if (options.read_only) return state;

    const uint64_t live = loaded ? loaded->number : 0;
    RETURN_IF_ERROR(manifest::RemoveStrayManifests(fs, dir, live));
    ASSIGN_OR_RETURN(const uint64_t free_number, FirstFreeNumber(fs, dir));
    state->next_file_number_.store(std::max(contents.next_file_number, free_number),
                                   std::memory_order_relaxed);
    base::MutexLock log_lock(state->log_mu_);
    {
      base::MutexLock lock(state->mu_);
      state->state_.open_generation++;
    }
    RETURN_IF_ERROR(state->StartManifest());
    return state;
  }
}

Status VersionState::Load(const manifest::DatabaseState& loaded) {
  if (tables_->limited()) {
    std::set<uint64_t> numbers;
    for (const auto& level : loaded.levels) {
      for (const auto& [number, meta] : level) numbers.insert(number);
    }
    RETURN_IF_ERROR(tables_->CheckPresent(numbers));
  }
  const std::shared_ptr<const Version> empty = current();
  VersionBuilder builder(*empty, [this](const auto& meta) { return MakeHandle(meta, false); });
  manifest::VersionEdit files;
  files.added_files = loaded.Snapshot().added_files;
  RETURN_IF_ERROR(builder.Apply(files));
  Result<std::shared_ptr<const Version>> version = builder.Build();
  if (!version.ok()) {
    return Status::Corruption(dir_ + ": the manifest's tables do not fit together: " +
                              std::string(version.status().message()));
  }
  base::MutexLock lock(mu_);
  current_ = std::move(*version);
  state_ = loaded;
  return Status::Ok();
}

Result<std::shared_ptr<const FileHandle>> VersionState::MakeHandle(
    const manifest::FileMetadata& meta, bool open) {
  std::shared_ptr<const Table> table;
  if (!tables_->limited()) {
    ASSIGN_OR_RETURN(table, tables_->Open(meta));
  } else if (open) {
    RETURN_IF_ERROR(tables_->Use(meta).status());
  }
  ASSIGN_OR_RETURN(ValueFileList value_files, UseValueFiles(meta));
  return std::shared_ptr<const FileHandle>(std::make_shared<const FileHandle>(
      meta, std::move(table), tables_, std::move(value_files), obsolete_));
}

Result<ValueFileList> VersionState::UseValueFiles(const manifest::FileMetadata& meta) {
  ValueFileList files;
  for (const manifest::ValueReference& reference : meta.points_into) {
    const std::string path = vfs::JoinPath(dir_, vlog::ValueFileName(reference.file));
    const std::string needed_by = ", and values of sstable " + TableName(meta.number) + " lie ";
    auto file = value_files_.Use(reference.file);
    if (file.status().IsNotFound()) {
      return Status::Corruption(path + ": the file is missing" + needed_by + "in it")
          .WithHint("restore the file from a backup or checkpoint; nothing was changed")
          .WithErrorNumber(1307);
    }
    RETURN_IF_ERROR(file.status());
    if ((*file)->size() < reference.end) {
      return Status::Corruption(path + ": it has " + std::to_string((*file)->size()) + " bytes" +
                                needed_by + "up to " + std::to_string(reference.end))
          .WithHint("restore the file from a backup or checkpoint; nothing was changed")
          .WithErrorNumber(1306);
    }
    (*file)->ExtendTo(reference.end);
    files.push_back(std::move(*file));
  }
  return files;
}

Status VersionState::StartManifest() {
  const uint64_t number = NewFileNumber();
  manifest::VersionEdit snapshot;
  {
    base::MutexLock lock(mu_);
    state_.next_file_number = next_file_number_.load(std::memory_order_relaxed);
    snapshot = state_.Snapshot();
  }
  writer_.reset();  // whatever happens next, the old manifest gets nothing more
  ASSIGN_OR_RETURN(writer_, manifest::ManifestWriter::Create(fs_, dir_, number, snapshot));
  {
    base::MutexLock lock(mu_);
    manifest_number_ = number;
  }
  return manifest::RemoveStrayManifests(fs_, dir_, number);
}

Status VersionState::LogAndApply(manifest::EditGroup group) {
  if (options_.read_only) {
    return Status::FailedPrecondition(dir_ + " was opened read-only");
  }
  base::MutexLock log_lock(log_mu_);
  RETURN_IF_ERROR(failure_);
  return LogAndApplyLocked(group);
}

Status VersionState::LogAndApplyLocked(manifest::EditGroup& group) {
  // Everything that can be refused is tried first; only then the manifest is touched.
  const std::shared_ptr<const Version> base = current();
  manifest::DatabaseState next_state = state();
  VersionBuilder builder(*base, [this](const auto& meta) { return MakeHandle(meta, true); });
  manifest::VersionEdit& last = group.empty() ? group.emplace_back() : group.back();
  last.next_file_number = next_file_number_.load(std::memory_order_relaxed);
  for (const manifest::VersionEdit& edit : group) {
    RETURN_IF_ERROR(builder.Apply(edit));
    RETURN_IF_ERROR(next_state.Apply(edit));
  }
  Result<std::shared_ptr<const Version>> built = builder.Build();
  if (!built.ok()) {
    return built.status().Prefixed("the edit would break the tables' order; nothing was changed");
  }
  std::shared_ptr<const Version> next = *std::move(built);

  if (writer_->file_bytes() > options_.manifest_limit_bytes) failure_ = StartManifest();
  if (failure_.ok()) failure_ = writer_->Append(group);
  RETURN_IF_ERROR(failure_);

  std::set<uint64_t> kept;
  for (int level = 0; level < kLevels; level++) {
    for (const auto& file : next->files(level)) kept.insert(file->number());
  }
  for (int level = 0; level < kLevels; level++) {
    for (const auto& file : base->files(level)) {
      if (!kept.contains(file->number())) file->MarkObsolete();
    }
  }
  base::MutexLock lock(mu_);
  current_ = std::move(next);
  state_ = std::move(next_state);
  return Status::Ok();
}

Status VersionState::failure() const {
  base::MutexLock log_lock(log_mu_);
  return failure_;
}

std::shared_ptr<const Version> VersionState::current() const {
  base::MutexLock lock(mu_);
  return current_;
}

VersionState::Current VersionState::GetCurrent() const {
  base::MutexLock lock(mu_);
  return {current_, state_};
}

manifest::DatabaseState VersionState::state() const {
  base::MutexLock lock(mu_);
  return state_;
}

VersionState::Retained VersionState::GetRetained() const {
  // In this order: a table that is installed in between points behind the position that was read.
  Retained retained;
  retained.replay_from = state().log_position;
  retained.value_files = value_files_.InUse();
  return retained;
}

uint64_t VersionState::manifest_number() const {
  base::MutexLock lock(mu_);
  return manifest_number_;
}

std::vector<manifest::ValueFileId> VersionState::TakeUnusedValueFiles() {
  std::vector<manifest::ValueFileId> unused = value_files_.TakeUnused();
  // After a failed edit nobody knows whether the manifest names its files. This is looked at last:
  // the edit held its files in use until the failure was noted.
  if (!failure().ok()) unused.clear();
  return unused;
}

Result<std::vector<manifest::ValueFileId>> VersionState::FindValueOrphans() const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(dir_));
  const std::set<manifest::ValueFileId> used = value_files_.InUse();
  std::vector<manifest::ValueFileId> orphans;
  for (const std::string& name : names) {
    manifest::ValueFileId id{0, manifest::ValueFileId::Kind::kMoved};
    if (vlog::ParseMovedFileName(name, &id.number) && !used.contains(id)) orphans.push_back(id);
  }
  return orphans;
}

Result<std::vector<uint64_t>> VersionState::FindOrphans() const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs_.List(dir_));
  const manifest::DatabaseState known = state();
  std::vector<uint64_t> orphans;
  for (const std::string& name : names) {
    uint64_t number = 0;
    if (!ParseTableName(name, &number)) continue;
    const bool used = std::any_of(known.levels.begin(), known.levels.end(),
                                  [number](const auto& level) { return level.contains(number); });
    if (!used) orphans.push_back(number);
  }
  return orphans;
}

}  // namespace nokv::lsm
