// What an open checks of a directory before it reads anything else: that its mode allows the open,
// and that nobody else writes it.
//
// Thread safety: pure functions over the file system.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "nokv/options.h"
#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::engine {

inline constexpr char kLockName[] = "LOCK";
inline constexpr char kModeName[] = "MODE.json";

std::string_view ModeName(Mode mode);

// Creates `dir` and the parents it lacks, durably. Fine if it is there.
Status CreateDirectory(vfs::FileSystem& fs, const std::string& dir);

// The mode that MODE.json states; kStandalone if there is none. kDataLoss if it cannot be read as
// JSON with a known "mode".
Result<Mode> ReadMode(vfs::FileSystem& fs, const std::string& dir);

// kFailedPrecondition, quoting the mode, unless `allowed` (empty: standalone only) holds it.
Status CheckMode(vfs::FileSystem& fs, const std::string& dir, const std::vector<Mode>& allowed);

// Takes the directory for writing, or (`read_only`) for looking: then null if it has no LOCK file.
// kUnavailable, naming the holder's pid, if another process writes it.
Result<std::unique_ptr<vfs::FileLock>> LockDirectory(vfs::FileSystem& fs, const std::string& dir,
                                                     bool read_only);

}  // namespace nokv::engine
