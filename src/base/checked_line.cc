#include "base/checked_line.h"

#include <cstdio>

#include "base/crc32c.h"

namespace nokv::base {

namespace {

constexpr std::string_view kForm = " 1 crc32c ";
constexpr std::string_view kChecksum = " crc32c ";

std::string ChecksumLine(std::string_view first_line, std::string_view name) {
  char checksum[16];
  std::snprintf(checksum, sizeof checksum, "%08x\n", Crc32c(first_line));
  return std::string(name) + std::string(kForm) + checksum;
}

bool IsNewer(std::string_view second_line, std::string_view name) {
  return second_line.starts_with(std::string(name) + " ") &&
         second_line.substr(name.size() + 1, 1) > "1" && second_line.ends_with('\n') &&
         second_line.find(kChecksum) != std::string_view::npos;
}

}  // namespace

std::string EncodeCheckedLine(std::string_view line, std::string_view name) {
  const std::string first_line = std::string(line) + "\n";
  return first_line + ChecksumLine(first_line, name);
}

Result<std::string_view> DecodeCheckedLine(std::string_view content, std::string_view name,
                                           const std::string& path) {
  const size_t newline = content.find('\n');
  if (newline == std::string_view::npos) {
    return CheckedLineDamage(path, "has no complete first line");
  }
  const std::string_view rest = content.substr(newline + 1);
  if (rest == ChecksumLine(content.substr(0, newline + 1), name)) return content.substr(0, newline);
  if (!IsNewer(rest, name)) {
    return CheckedLineDamage(path, "its checksum line does not match its first line");
  }
  return Status::Unimplemented(path + ": its form is newer than this build knows (1)")
      .WithHint("open the directory with the newer nokv that wrote it")
      .WithErrorNumber(1305);
}

Status CheckedLineDamage(const std::string& path, std::string_view what) {
  return Status::Corruption(path + ": " + std::string(what) + "; nothing was changed");
}

}  // namespace nokv::base
