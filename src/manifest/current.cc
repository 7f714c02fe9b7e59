#include "manifest/current.h"

#include <cstdio>
#include <vector>

#include "base/crc32c.h"
#include "base/macros.h"
#include "manifest/manifest_names.h"

namespace nokv::manifest {

namespace {

constexpr uint64_t kCurrentLimitBytes = 4096;
constexpr std::string_view kTrailerWord = "nokv-current ";
constexpr std::string_view kTrailerBegin = "nokv-current 1 crc32c ";

constexpr std::string_view kHint =
    "restore CURRENT from a copy of the directory; if it is lost, it consists of the name of the "
    "newest MANIFEST-* file and its checksum line (docs/formats/manifest.md)";

std::string ChecksumLine(std::string_view first_line) {
  char line[48];
  const int length =
      std::snprintf(line, sizeof line, "%s%08x\n", kTrailerBegin.data(), base::Crc32c(first_line));
  return std::string(line, static_cast<size_t>(length));
}

Status Damaged(const std::string& path, std::string_view what) {
  return Status::Corruption(path + ": " + std::string(what) + "; nothing was changed")
      .WithHint(kHint)
      .WithErrorNumber(1301);
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
  const std::string first_line = ManifestName(manifest_number) + "\n";
  return first_line + ChecksumLine(first_line);
}

Result<uint64_t> DecodeCurrent(std::string_view content, const std::string& path) {
  const size_t newline = content.find('\n');
  if (newline == std::string_view::npos) return Damaged(path, "has no complete first line");
  const std::string_view first_line = content.substr(0, newline + 1);
  const std::string_view rest = content.substr(newline + 1);
  if (rest != ChecksumLine(first_line)) {
    const bool newer_form = rest.starts_with(kTrailerWord) && !rest.starts_with(kTrailerBegin) &&
                            rest.ends_with('\n') && rest.find(" crc32c ") != rest.npos;
    if (newer_form && rest.substr(kTrailerWord.size(), 1) > "1") {
      return Status::Unimplemented(path + ": its form is newer than this build knows (1)")
          .WithHint("open the database with the newer nokv that wrote it")
          .WithErrorNumber(1305);
    }
    return Damaged(path, "its checksum line does not match its first line");
  }
  const std::optional<uint64_t> number = ParseManifestName(first_line.substr(0, newline));
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
