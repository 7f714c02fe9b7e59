// The header of a value file. docs/formats/value-file.md has the bytes. Internal to vlog.
//
// Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "nokv/status.h"
#include "vlog/value_pointer.h"

namespace nokv::vlog {

inline constexpr size_t kHeaderBytes = 32;
inline constexpr size_t kRecordHeaderBytes = 8;  // in front of each value
inline constexpr uint32_t kValueFileVersion = 1;

std::string EncodeHeader(uint64_t number, ValueGroup group);
// What lies in the file. kDataLoss if the bytes are not the header of value file `number`,
// kUnimplemented for a newer format. The messages do not name the file.
Result<ValueGroup> DecodeHeader(std::string_view bytes, uint64_t number);
// As DecodeHeader, for whom it is enough that the header is sound.
inline Status CheckHeader(std::string_view bytes, uint64_t number) {
  return DecodeHeader(bytes, number).status();
}

}  // namespace nokv::vlog
