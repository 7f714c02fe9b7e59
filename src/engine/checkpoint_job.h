// CheckpointJob: makes a directory that opens as a database did at one moment.
//
// All that the moment consists of lies in files that do not change any more, and is linked; only
// the manifest is written anew. The files are gathered beside the target, and get its name when all
// are there and durable: at no time is the target a part of a checkpoint.
//
// The job is a state machine: each Step does a slice of the work and returns.
//
// Thread safety: thread-compatible; slices may run in different threads, one after another.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lsm/version/version_state.h"
#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::engine {

struct CheckpointContent {
  lsm::VersionState::Current tables;  // keeps them, and the files with their values
  // Where the log ends: before this segment. What is before it and in no table must be durable, and
  // must stay, until the job is done.
  uint64_t cut_segment = 0;
};

class CheckpointJob {
 public:
  // Of the database in `dir`. `fs` is borrowed.
  CheckpointJob(vfs::FileSystem& fs, std::string dir, std::string target,
                CheckpointContent content);

  // Links or copies one file. True when the checkpoint is there, and durable. After an error
  // nothing is in the target, and the job is over. kAlreadyExists if there is something in it at
  // the start.
  Result<bool> Step();

 private:
  Result<bool> Run();
  Status CheckTarget() const;
  // Removes what an interrupted checkpoint left.
  Status RemoveUnfinished() const;
  Status Begin();
  Status WriteManifest() const;
  // Gives what was gathered the name of the target.
  Status Finish();

  vfs::FileSystem& fs_;
  const std::string dir_;
  const std::string target_;
  const std::string unfinished_;  // where the files are gathered
  const CheckpointContent content_;
  bool begun_ = false;
  bool gathering_ = false;          // `unfinished_` is ours
  std::vector<std::string> names_;  // of files that are still to be linked, the next one last
};

}  // namespace nokv::engine
