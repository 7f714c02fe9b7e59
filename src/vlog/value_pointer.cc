#include "vlog/value_pointer.h"

#include <charconv>

#include "base/coding.h"
#include "vlog/format.h"

namespace nokv::vlog {

uint64_t SpaceOf(const ValuePointer& pointer) {
  const bool moved = pointer.file.kind == ValueFileId::Kind::kMoved;
  return pointer.length + (moved ? kRecordHeaderBytes : 0);
}

char* StorePointer(char* out, const ValuePointer& pointer) {
  out = base::StoreVarint64(out, manifest::EncodeValueFileId(pointer.file));
  out = base::StoreVarint64(out, pointer.offset);
  out = base::StoreVarint64(out, pointer.length);
  base::StoreFixed32(out, pointer.crc);
  return out + sizeof(uint32_t);
}

bool GetPointer(std::string_view* in, ValuePointer* pointer) {
  uint64_t file = 0;
  if (!base::GetVarint64(in, &file) || !base::GetVarint64(in, &pointer->offset) ||
      !base::GetVarint32(in, &pointer->length) || !base::GetFixed32(in, &pointer->crc)) {
    return false;
  }
  pointer->file = manifest::DecodeValueFileId(file);
  // What reaches over the end of all offsets cannot have been written.
  return pointer->offset <= UINT64_MAX - pointer->length;
}

std::string ValueFileName(ValueFileId id) {
  if (id.kind == ValueFileId::Kind::kSegment) return wal::SegmentFileName(id.number);
  const std::string digits = std::to_string(id.number);
  return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits + ".vlog";
}

bool ParseMovedFileName(std::string_view name, uint64_t* number) {
  constexpr std::string_view kExtension = ".vlog";
  if (!name.ends_with(kExtension)) return false;
  const char* end = name.data() + name.size() - kExtension.size();
  const auto [parsed, error] = std::from_chars(name.data(), end, *number);
  return error == std::errc() && parsed == end &&
         ValueFileName({*number, ValueFileId::Kind::kMoved}) == name;
}

std::string Describe(const ValuePointer& pointer) {
  return ValueFileName(pointer.file) + ": value of " + std::to_string(pointer.length) +
         " bytes at offset " + std::to_string(pointer.offset);
}

}  // namespace nokv::vlog
