// VersionState: the current Version and the manifest that makes it durable.
//
// LogAndApply is the only way to change what the database consists of: it opens new tables (with a
// limit too), checks the invariants, makes the edits durable, and only then shows the new version.
// If that fails, the version stays, every later change is refused with the same error, and no table
// is removed: the next open finds either state.
//
// Thread safety: thread-safe. LogAndApply calls run one after another; readers never wait for one.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "lsm/sst/block_cache.h"
#include "lsm/version/version.h"
#include "manifest/manifest_reader.h"
#include "manifest/manifest_writer.h"
#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::lsm {

struct VersionStateOptions {
  bool read_only = false;
  bool create_if_missing = true;
  // Of tables and files with values.
  vfs::ReadMode read_mode = vfs::ReadMode::kMapped;
  // Tables that are kept open; 0: all are opened at once and stay so, and so it is when opened
  // read-only, since a writer may remove any at any time.
  size_t max_open_tables = 0;
  // Beyond this size the manifest is written anew before the next edit.
  uint64_t manifest_limit_bytes = uint64_t{64} << 20;
};

class VersionState {
 public:
  // Reads the manifest and opens every table, or, with a limit, sees that each is there; what ails
  // one shows when it is used. A read-write open writes a fresh manifest (with the
  // open generation one higher) and removes the older ones; a read-only open changes no byte.
  // Errors: kNotFound if there is no database and none is to be created; kDataLoss for damage,
  // naming the file, a missing table among them. `fs` and `cache` are borrowed.
  static Result<std::unique_ptr<VersionState>> Open(vfs::FileSystem& fs, const std::string& dir,
                                                    BlockCache& cache,
                                                    const VersionStateOptions& options);

  std::shared_ptr<const Version> current() const EXCLUDES(mu_);
  // A number that no file of the directory has or had.
  uint64_t NewFileNumber() { return next_file_number_.fetch_add(1, std::memory_order_relaxed); }
  // Makes the group durable and current. The files it adds must be durable, directory entry
  // included. next_file_number is filled in. See the head of this file for errors.
  Status LogAndApply(manifest::EditGroup group) EXCLUDES(log_mu_, mu_);

  // Why no change is accepted any more; OK while changes are. If it is OK after LogAndApply failed,
  // nothing was written, and the tables that the group would have added may be removed.
  Status failure() const EXCLUDES(log_mu_);

  // Tables that a limit keeps open now; 0 without one.
  size_t open_tables() const { return tables_->open_tables(); }
  // Of all tables, also those that are gone.
  TableReadStats read_stats() const { return tables_->read_stats(); }

  // The current version and the state that it shows, of one moment.
  struct Current {
    std::shared_ptr<const Version> version;
    manifest::DatabaseState state;
  };
  Current GetCurrent() const EXCLUDES(mu_);
  // Positions, last sequence and generation as of the last edit; the tables too.
  manifest::DatabaseState state() const EXCLUDES(mu_);
  // What the open found at the end of the manifest.
  const std::optional<manifest::TornTail>& torn_tail() const { return torn_tail_; }
  uint64_t manifest_number() const EXCLUDES(mu_);
  // Tables that nobody uses any more. The caller removes the files and their cached blocks.
  std::vector<ObsoleteFile> TakeObsolete() { return obsolete_->Take(); }
  // What must stay in the directory for replay, tables and readers: see below.
  struct Retained {
    manifest::LogPosition replay_from;
    std::set<manifest::ValueFileId> value_files;  // somebody uses them
  };
  // Whatever lies before `replay_from` and is not among `value_files` is of no use to anybody, now
  // or later: tables that will be installed point into files that present ones point into, or
  // behind `replay_from`.
  Retained GetRetained() const EXCLUDES(mu_);
  // Files with values that tables pointed into, and none does that anybody reads.
  std::vector<manifest::ValueFileId> TakeUnusedValueFiles() EXCLUDES(log_mu_);
  // As FindOrphans, of value files.
  Result<std::vector<manifest::ValueFileId>> FindValueOrphans() const;
  // Numbers of tables on disk that the current version does not have: what an interrupted flush or
  // compaction left. Call it right after Open, before a job runs.
  Result<std::vector<uint64_t>> FindOrphans() const;

 private:
  VersionState(vfs::FileSystem& fs, std::string dir, BlockCache& cache,
               const VersionStateOptions& options);
  Status Load(const manifest::DatabaseState& loaded);
  Status StartManifest() REQUIRES(log_mu_);
  Status LogAndApplyLocked(manifest::EditGroup& group) REQUIRES(log_mu_);
  // Without `open` the table is opened when it is used, if their number is limited.
  Result<std::shared_ptr<const FileHandle>> MakeHandle(const manifest::FileMetadata& meta,
                                                       bool open);
  // The files that the table points into. kDataLoss if one is missing or too short.
  Result<ValueFileList> UseValueFiles(const manifest::FileMetadata& meta);

  vfs::FileSystem& fs_;
  const std::string dir_;
  const VersionStateOptions options_;
  const std::shared_ptr<TableCache> tables_;
  vlog::ValueFiles value_files_;
  const std::shared_ptr<ObsoleteFiles> obsolete_ = std::make_shared<ObsoleteFiles>();
  std::optional<manifest::TornTail> torn_tail_;  // constant after Open
  // Relaxed: only uniqueness matters.
  std::atomic<uint64_t> next_file_number_{1};

  // Held across the manifest's writes.
  mutable base::Mutex log_mu_;
  std::unique_ptr<manifest::ManifestWriter> writer_ GUARDED_BY(log_mu_);
  Status failure_ GUARDED_BY(log_mu_);

  mutable base::Mutex mu_ ACQUIRED_AFTER(log_mu_);
  std::shared_ptr<const Version> current_ GUARDED_BY(mu_);
  manifest::DatabaseState state_ GUARDED_BY(mu_);
  uint64_t manifest_number_ GUARDED_BY(mu_) = 0;
};

}  // namespace nokv::lsm
