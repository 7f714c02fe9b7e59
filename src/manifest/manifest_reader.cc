#include "manifest/manifest_reader.h"

#include "base/macros.h"
#include "manifest/current.h"
#include "manifest/manifest_names.h"

namespace nokv::manifest {

namespace {

// A manifest is written anew beyond 64 MiB; this is what a snapshot can need at most.
constexpr uint64_t kManifestLimitBytes = uint64_t{1} << 30;
// How often a reader follows a writer that switches manifests under it.
constexpr int kSwitchesFollowed = 10;

Result<ManifestState> Parse(std::string_view content, uint64_t number, const std::string& path) {
  ASSIGN_OR_RETURN(ParsedManifest parsed, ParseManifest(content, number, path));
  ManifestState result;
  result.number = number;
  result.file_bytes = content.size();
  result.groups = parsed.groups.size();
  result.torn_tail = parsed.torn_tail;
  for (size_t i = 0; i < parsed.groups.size(); i++) {
    for (const VersionEdit& edit : parsed.groups[i]) {
      const Status applied = result.state.Apply(edit);
      if (!applied.ok()) return applied.Prefixed(path + ": group " + std::to_string(i));
    }
  }
  if (result.state.comparator.empty()) {
    return Status::Corruption(path + ": it does not name the order of keys");
  }
  return result;
}

}  // namespace

Result<std::optional<ManifestState>> ReadManifest(vfs::FileSystem& fs, const std::string& dir) {
  std::optional<uint64_t> missing;
  for (int attempt = 0; attempt < kSwitchesFollowed; attempt++) {
    ASSIGN_OR_RETURN(const std::optional<uint64_t> number, ReadCurrent(fs, dir));
    if (!number) return std::optional<ManifestState>();
    if (number == missing) break;
    const std::string path = vfs::JoinPath(dir, ManifestName(*number));
    Result<std::string> content = fs.ReadFile(path, kManifestLimitBytes);
    if (content.ok()) {
      ASSIGN_OR_RETURN(ManifestState state, Parse(*content, *number, path));
      return std::optional<ManifestState>(std::move(state));
    }
    if (!content.status().IsNotFound()) return content.status();
    missing = number;
  }
  return Status::Corruption(vfs::JoinPath(dir, kCurrentName) + " names " +
                            ManifestName(missing.value_or(0)) +
                            ", which does not exist; nothing was changed")
      .WithHint("restore the missing file from a backup or checkpoint of the directory")
      .WithErrorNumber(1301);
}

}  // namespace nokv::manifest
