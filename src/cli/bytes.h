// How keys and values are written on the command line and printed. What FormatBytes prints reads
// back as the same bytes:
//
//   greeting          the text itself
//   hex:00ff          bytes in hexadecimal
//   b64:AP8=          bytes in base 64
//   @path             the content of a file
//   -                 standard input, to its end
//
// Thread safety: pure functions, but for what they read.
#pragma once

#include <istream>
#include <string>
#include <string_view>

#include "nokv/status.h"
#include "vfs/vfs.h"

namespace nokv::cli {

// Reads the notation above. `in` may be null: empty. kInvalidArgument for digits that are none, or
// input of more than `limit` bytes; errors as of the file system.
Result<std::string> ParseBytes(std::string_view text, std::istream* in, vfs::FileSystem& fs,
                               uint64_t limit);

// The text itself if it is printable, cannot be taken for another notation or a flag, and has no
// blank at its ends or two in a row, so that columns stay apart; else hex:.
std::string FormatBytes(std::string_view bytes);

// How JSON has keys and values: an object with one field, whose name is the notation.
struct JsonBytes {
  const char* notation;  // "utf8", or "b64" if they are not UTF-8
  std::string text;
};
JsonBytes BytesForJson(std::string_view bytes);

std::string EncodeBase64(std::string_view bytes);

}  // namespace nokv::cli
