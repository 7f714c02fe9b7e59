// Fixed-width and variable-length integers as every nokv file and message holds them: little-endian
// fixed 16, 32 and 64 bits, LEB128 varints, and length-prefixed strings. Big-endian 64 bits are for
// keys alone, whose byte order is their sort order.
//
// The Get functions take a cursor (`std::string_view*`), consume what they decode and return false,
// leaving the cursor unspecified, when the input is too short or malformed.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace nokv::base {

inline void StoreFixed16(char* out, uint16_t value) {
  std::memcpy(out, &value, sizeof value);
}
inline void StoreFixed32(char* out, uint32_t value) {
  std::memcpy(out, &value, sizeof value);
}
inline void StoreFixed64(char* out, uint64_t value) {
  std::memcpy(out, &value, sizeof value);
}
inline void StoreBigEndian64(char* out, uint64_t value) {
  StoreFixed64(out, __builtin_bswap64(value));
}

inline uint16_t LoadFixed16(const char* in) {
  uint16_t value;
  std::memcpy(&value, in, sizeof value);
  return value;
}
inline uint32_t LoadFixed32(const char* in) {
  uint32_t value;
  std::memcpy(&value, in, sizeof value);
  return value;
}
inline uint64_t LoadFixed64(const char* in) {
  uint64_t value;
  std::memcpy(&value, in, sizeof value);
  return value;
}
inline uint64_t LoadBigEndian64(const char* in) {
  return __builtin_bswap64(LoadFixed64(in));
}

inline void PutFixed16(std::string* out, uint16_t value) {
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}
inline void PutFixed32(std::string* out, uint32_t value) {
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}
inline void PutFixed64(std::string* out, uint64_t value) {
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}

inline constexpr size_t kMaxVarint32Bytes = 5;
inline constexpr size_t kMaxVarint64Bytes = 10;

char* StoreLongVarint64(char* out, uint64_t value);  // of any length
// Writes `value` at `out` (room for kMaxVarint64Bytes) and returns the end.
inline char* StoreVarint64(char* out, uint64_t value) {
  if (value >= 0x80) return StoreLongVarint64(out, value);
  *out = static_cast<char>(value);
  return out + 1;
}
void PutVarint64(std::string* out, uint64_t value);
inline void PutVarint32(std::string* out, uint32_t value) {
  PutVarint64(out, value);
}
void PutLengthPrefixed(std::string* out, std::string_view value);
inline size_t VarintLength(uint64_t value) {
  return (static_cast<size_t>(std::bit_width(value | 1)) + 6) / 7;
}

bool GetFixed16(std::string_view* in, uint16_t* value);
bool GetFixed32(std::string_view* in, uint32_t* value);
bool GetFixed64(std::string_view* in, uint64_t* value);
bool GetVarint32(std::string_view* in, uint32_t* value);
bool GetLongVarint64(std::string_view* in, uint64_t* value);  // of any length
inline bool GetVarint64(std::string_view* in, uint64_t* value) {
  if (in->empty() || static_cast<unsigned char>(in->front()) >= 0x80) {
    return GetLongVarint64(in, value);
  }
  *value = static_cast<unsigned char>(in->front());
  in->remove_prefix(1);
  return true;
}
// The view returned points into the input.
inline bool GetLengthPrefixed(std::string_view* in, std::string_view* value) {
  uint64_t length;
  if (!GetVarint64(in, &length) || length > in->size()) return false;
  *value = in->substr(0, length);
  in->remove_prefix(length);
  return true;
}

}  // namespace nokv::base
