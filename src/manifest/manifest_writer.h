// ManifestWriter: appends edit groups to a manifest file.
//
// Invariants:
//   1. CURRENT names a manifest only after the manifest's first group (a complete snapshot) and its
//      directory entry are durable.
//   2. Append returns OK only after the group is durable.
//   3. Nothing is written after a failure: what a failed sync covered may or may not be there, and
//      the next open decides by what it finds.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "manifest/version_edit.h"
#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::manifest {

class ManifestWriter {
 public:
  // Writes MANIFEST-`number` (which must not exist) with `snapshot` as its first group and makes it
  // the live one. After an error either manifest may be live, so the caller must not append to the
  // old one any more.
  static Result<std::unique_ptr<ManifestWriter>> Create(vfs::FileSystem& fs, const std::string& dir,
                                                        uint64_t number,
                                                        const VersionEdit& snapshot);

  // Appends and syncs. An error is final: every later Append returns it.
  Status Append(const EditGroup& group);

  uint64_t number() const { return number_; }
  uint64_t file_bytes() const { return offset_; }
  // Why nothing can be appended any more; OK while it can.
  const Status& failure() const { return failure_; }

 private:
  ManifestWriter(std::unique_ptr<vfs::AppendFile> file, std::string path, uint64_t number);
  Status AppendGroup(const EditGroup& group);

  const std::unique_ptr<vfs::AppendFile> file_;
  const std::string path_;
  const uint64_t number_;
  uint64_t offset_ = 0;
  Status failure_;
};

// Removes CURRENT.tmp and every manifest but `keep`. For a read-write open only, after `keep`
// became the live one, or before a new one is written.
Status RemoveStrayManifests(vfs::FileSystem& fs, const std::string& dir, uint64_t keep);

}  // namespace nokv::manifest
