#include "base/coding.h"

namespace nokv::base {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "fixed-width codecs assume little-endian");

char* StoreLongVarint64(char* out, uint64_t value) {
  auto* p = reinterpret_cast<unsigned char*>(out);
  while (value >= 0x80) {
    *p++ = static_cast<unsigned char>(value) | 0x80;
    value >>= 7;
  }
  *p++ = static_cast<unsigned char>(value);
  return reinterpret_cast<char*>(p);
}

void PutVarint64(std::string* out, uint64_t value) {
  if (value < 0x80) return out->push_back(static_cast<char>(value));
  char buffer[kMaxVarint64Bytes];
  char* end = StoreVarint64(buffer, value);
  out->append(buffer, static_cast<size_t>(end - buffer));
}

void PutLengthPrefixed(std::string* out, std::string_view value) {
  PutVarint64(out, value.size());
  out->append(value);
}

bool GetFixed16(std::string_view* in, uint16_t* value) {
  if (in->size() < sizeof *value) return false;
  *value = LoadFixed16(in->data());
  in->remove_prefix(sizeof *value);
  return true;
}

bool GetFixed32(std::string_view* in, uint32_t* value) {
  if (in->size() < sizeof *value) return false;
  *value = LoadFixed32(in->data());
  in->remove_prefix(sizeof *value);
  return true;
}

bool GetFixed64(std::string_view* in, uint64_t* value) {
  if (in->size() < sizeof *value) return false;
  *value = LoadFixed64(in->data());
  in->remove_prefix(sizeof *value);
  return true;
}

bool GetLongVarint64(std::string_view* in, uint64_t* value) {
  uint64_t result = 0;
  const size_t limit = in->size() < kMaxVarint64Bytes ? in->size() : kMaxVarint64Bytes;
  for (size_t i = 0; i < limit; i++) {
    const auto byte = static_cast<unsigned char>((*in)[i]);
    if (i == kMaxVarint64Bytes - 1 && byte > 1) return false;
    result |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) {
      in->remove_prefix(i + 1);
      *value = result;
      return true;
    }
  }
  return false;
}

bool GetVarint32(std::string_view* in, uint32_t* value) {
  uint64_t wide;
  if (!GetVarint64(in, &wide) || wide > UINT32_MAX) return false;
  *value = static_cast<uint32_t>(wide);
  return true;
}

}  // namespace nokv::base
