// What the files of a database directory hold, line by line, for people who look for the cause of
// something. Nothing is changed; a live writer is not in the way.
//
// Thread safety: pure functions over the file system.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::engine {

struct DumpLine {
  std::string file = {};
  std::optional<uint64_t> offset = {};
  std::string what = {};  // "record", "put", "block", "add table", …
  uint64_t sequence = 0;
  std::string key =
      {};  // as in an engine key, without keyspace and version; empty if there is none
  uint64_t bytes = 0;
  std::string detail = {};
};

// Returns false when it has seen enough.
using DumpVisitor = std::function<bool(const DumpLine&)>;

// Each record of the log from where replay would begin, or with `from_segment` from there, and the
// entries in it. kDataLoss where it is damaged.
Status DumpLog(vfs::FileSystem& fs, const std::string& dir, uint64_t from_segment,
               const DumpVisitor& visit);
// Properties, blocks, range tombstones and entries of table `number`.
Status DumpTable(vfs::FileSystem& fs, const std::string& dir, uint64_t number,
                 const DumpVisitor& visit);
// Each edit that the manifest holds.
Status DumpManifest(vfs::FileSystem& fs, const std::string& dir, const DumpVisitor& visit);
// Each value in the value files, with whether it is intact.
Status DumpValueFiles(vfs::FileSystem& fs, const std::string& dir, const DumpVisitor& visit);

}  // namespace nokv::engine
