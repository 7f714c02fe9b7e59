#include "raftlog/start_file.h"

#include <string_view>

#include "base/checked_line.h"
#include "base/macros.h"
#include "wal/format.h"

namespace nokv::raftlog {
namespace {

constexpr uint64_t kLimitBytes = 4096;
constexpr std::string_view kFirstWord = "start ";
constexpr std::string_view kChecksumName = "nokv-raftlog";

Status WithWayOut(const Status& status) {
  if (!status.IsCorruption()) return status;
  return status.WithHint("restore the file from a copy of the directory").WithErrorNumber(1308);
}

Status Damaged(const std::string& path, std::string_view what) {
  return WithWayOut(base::CheckedLineDamage(path, what));
}

}  // namespace

Status WriteStartFile(vfs::FileSystem& fs, const std::string& dir, uint64_t segment) {
  const std::string line = std::string(kFirstWord) + wal::SegmentFileName(segment);
  return vfs::WriteFileAtomically(fs, vfs::JoinPath(dir, kStartFileName),
                                  base::EncodeCheckedLine(line, kChecksumName));
}

Result<std::optional<uint64_t>> ReadStartFile(vfs::FileSystem& fs, const std::string& dir) {
  const std::string path = vfs::JoinPath(dir, kStartFileName);
  const Result<std::string> content = fs.ReadFile(path, kLimitBytes);
  if (content.status().IsNotFound()) return std::optional<uint64_t>();
  if (content.status().code() == StatusCode::kResourceExhausted) {
    return Damaged(path, "is longer than any such file");
  }
  if (!content.ok()) return content.status();

  const Result<std::string_view> line = base::DecodeCheckedLine(*content, kChecksumName, path);
  if (!line.ok()) return WithWayOut(line.status());
  uint64_t segment = 0;
  if (!line->starts_with(kFirstWord) ||
      !wal::ParseSegmentFileName(line->substr(kFirstWord.size()), &segment)) {
    return Damaged(path, "names no segment");
  }
  return std::optional<uint64_t>(segment);
}

}  // namespace nokv::raftlog
