// The frame of a small file, or of a snapshot, that is written and read as a whole:
//
//   magic (8 bytes) | format version (4) | length of the body (8) | body | masked CRC-32C (4)
//
// Integers are little-endian; the checksum is of everything before it. A file that differs from
// what was written in one bit is refused.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "nokv/status.h"

namespace nokv::base {

// `magic` has 8 bytes.
std::string EncodeFramed(std::string_view magic, uint32_t format, std::string_view body);
// The body, as a view of `bytes`. kDataLoss if it is damaged, kUnimplemented (E1305) if it has
// another format; they name `what`.
Result<std::string_view> DecodeFramed(std::string_view bytes, std::string_view magic,
                                      uint32_t format, const std::string& what);
// "WHAT: HOW; nothing was changed".
Status FrameDamage(const std::string& what, std::string_view how);

}  // namespace nokv::base
