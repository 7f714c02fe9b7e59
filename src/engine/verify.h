// VerifyDirectory: reads a database directory to the last byte that counts and says of each file
// whether it is what was written: CURRENT and the manifest, every block of every table, the part of
// the log that would be replayed, and every value that a table points to.
//
// It changes nothing and works beside a live writer: what the writer removes meanwhile is left out.
//
// Thread safety: a pure function over the file system.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::engine {

struct FileVerdict {
  std::string file;     // its name in the directory
  Status problem;       // OK: every byte that counts is right
  std::string detail;   // what it holds; of a damaged file, what that means for the database
  std::string way_out;  // of a damaged file
};

struct VerifyReport {
  std::vector<FileVerdict> files;  // by name; only of files that belong to the database
  std::vector<std::string> notes;  // what is no damage, such as a torn tail

  uint64_t damaged() const;
};

// kNotFound if there is no database; errors of the file system other than a file that is missing.
// Damage is no error but in the report.
Result<VerifyReport> VerifyDirectory(vfs::FileSystem& fs, const std::string& dir);

}  // namespace nokv::engine
