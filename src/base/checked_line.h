// The content of a small file that is one line of text, and a line with its checksum:
//
//   MANIFEST-000012
//   nokv-current 1 crc32c 1a2b3c4d        (hexadecimal, over the first line with its newline)
//
// `name` is the first word of the second line, 1 its form.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "nokv/status.h"

namespace nokv::base {

// `line` has no newline.
std::string EncodeCheckedLine(std::string_view line, std::string_view name);
// The line, as a view of `content`. kDataLoss if it is damaged, kUnimplemented (E1305) if it has a
// newer form; they name `path`.
Result<std::string_view> DecodeCheckedLine(std::string_view content, std::string_view name,
                                           const std::string& path);
// "PATH: WHAT; nothing was changed".
Status CheckedLineDamage(const std::string& path, std::string_view what);

}  // namespace nokv::base
