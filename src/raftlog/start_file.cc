#include "raftlog/start_file.h"

#include <cstdio>
#include <string_view>

#include "base/crc32c.h"
#include "base/macros.h"
#include "wal/format.h"

namespace nokv::raftlog {
namespace {

constexpr uint64_t kLimitBytes = 4096;
constexpr std::string_view kFirstWord = "start ";
constexpr std::string_view kTrailerWord = "nokv-raftlog ";
constexpr std::string_view kTrailerBegin = "nokv-raftlog 1 crc32c ";

std::string ChecksumLine(std::string_view first_line) {
  char line[48];
  const int length =
      std::snprintf(line, sizeof line, "%s%08x\n", kTrailerBegin.data(), base::Crc32c(first_line));
  return std::string(line, static_cast<size_t>(length));
}

Status Damaged(const std::string& path, std::string_view what) {
  return Status::Corruption(path + ": " + std::string(what) + "; nothing was changed")
      .WithHint("restore the file from a copy of the directory")
      .WithErrorNumber(1308);
}

}  // namespace

Status WriteStartFile(vfs::FileSystem& fs, const std::string& dir, uint64_t segment) {
  const std::string line = std::string(kFirstWord) + wal::SegmentFileName(segment) + "\n";
  return vfs::WriteFileAtomically(fs, vfs::JoinPath(dir, kStartFileName),
                                  line + ChecksumLine(line));
}

Result<std::optional<uint64_t>> ReadStartFile(vfs::FileSystem& fs, const std::string& dir) {
  const std::string path = vfs::JoinPath(dir, kStartFileName);
  const Result<std::string> content = fs.ReadFile(path, kLimitBytes);
  if (content.status().IsNotFound()) return std::optional<uint64_t>();
  if (content.status().code() == StatusCode::kResourceExhausted) {
    return Damaged(path, "is longer than any such file");
  }
  if (!content.ok()) return content.status();

  const std::string_view text = *content;
  const size_t newline = text.find('\n');
  if (newline == std::string_view::npos) return Damaged(path, "has no complete first line");
  const std::string_view first_line = text.substr(0, newline + 1);
  const std::string_view rest = text.substr(newline + 1);
  if (rest != ChecksumLine(first_line)) {
    const bool newer = rest.starts_with(kTrailerWord) && !rest.starts_with(kTrailerBegin) &&
                       rest.ends_with('\n') && rest.find(" crc32c ") != rest.npos;
    if (newer) {
      return Status::Unimplemented(path + ": its form is newer than this build knows (1)")
          .WithHint("open the directory with the newer nokv that wrote it")
          .WithErrorNumber(1305);
    }
    return Damaged(path, "its checksum line does not match its first line");
  }
  uint64_t segment = 0;
  if (!first_line.starts_with(kFirstWord) ||
      !wal::ParseSegmentFileName(first_line.substr(kFirstWord.size(), newline - kFirstWord.size()),
                                 &segment)) {
    return Damaged(path, "names no segment");
  }
  return std::optional<uint64_t>(segment);
}

}  // namespace nokv::raftlog
