#include "manifest/current.h"

#include <vector>

#include "base/checked_line.h"
#include "base/macros.h"
#include "manifest/manifest_names.h"

namespace nokv::manifest {

namespace {

constexpr uint64_t kCurrentLimitBytes = 4096;
constexpr std::string_view kChecksumName = "nokv-current";

constexpr std::string_view kHint =
    "restore CURRENT from a copy of the directory; if it is lost, it consists of the name of the "
    "newest MANIFEST-* file and its checksum line (docs/formats/manifest.md)";

Status WithWayOut(const Status& status) {
  return status.IsCorruption() ? status.WithHint(kHint).WithErrorNumber(1301) : status;
}

Status Damaged(const std::string& path, std::string_view what) {
  return WithWayOut(base::CheckedLineDamage(path, what));
}

// The first manifest alone is no evidence: the creation of a database that was interrupted before
// CURRENT was written leaves it, and no table or log segment is created before that.
bool BelongsToADatabase(std::string_view name) {
  const std::optional<uint64_t> manifest = ParseManifestName(name);
  return manifest.value_or(kFirstManifestNumber) != kFirstManifestNumber ||
         name.ends_with(".sst") || name.ends_with(".wal");
}

}  // namespace

std::string EncodeCurrent(uint64_t manifest_number) {
  return base::EncodeCheckedLine(ManifestName(manifest_number), kChecksumName);
}

Result<uint64_t> DecodeCurrent(std::string_view content, const std::string& path) {
  const Result<std::string_view> line = base::DecodeCheckedLine(content, kChecksumName, path);
  if (!line.ok()) return WithWayOut(line.status());
  const std::optional<uint64_t> number = ParseManifestName(*line);
  if (!number) return Damaged(path, "names no manifest");
  return *number;
}

Status WriteCurrent(vfs::FileSystem& fs, const std::string& dir, uint64_t manifest_number) {
  return vfs::WriteFileAtomically(fs, vfs::JoinPath(dir, kCurrentName),
                                  EncodeCurrent(manifest_number));
}

Result<std::optional<uint64_t>> ReadCurrent(vfs::FileSystem& fs, const std::string& dir) {
  const std::string path = vfs::JoinPath(dir, kCurrentName);
  Result<std::string> content = fs.ReadFile(path, kCurrentLimitBytes);
  if (content.ok()) {
    ASSIGN_OR_RETURN(const uint64_t number, DecodeCurrent(*content, path));
    return std::optional<uint64_t>(number);
  }
  if (content.status().code() == StatusCode::kResourceExhausted) {
    return Damaged(path, "is longer than any CURRENT file");
  }
  if (!content.status().IsNotFound()) return content.status();

  Result<std::vector<std::string>> names = fs.List(dir);
  if (!names.ok()) {
    if (names.status().IsNotFound()) return std::optional<uint64_t>();
    return names.status();
  }
  for (const std::string& name : *names) {
    if (!BelongsToADatabase(name)) continue;
    return Status::Corruption(path + ": CURRENT is missing but " + name +
                              " exists; nothing was changed")
        .WithHint(kHint)
        .WithErrorNumber(1102);
  }
  return std::optional<uint64_t>();
}

}  // namespace nokv::manifest
