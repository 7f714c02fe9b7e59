#include "vlog/value_pointer.h"

#include "base/coding.h"

namespace nokv::vlog {

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
  return wal::SegmentFileName(id.number);
}

std::string Describe(const ValuePointer& pointer) {
  return ValueFileName(pointer.file) + ": value of " + std::to_string(pointer.length) +
         " bytes at offset " + std::to_string(pointer.offset);
}

}  // namespace nokv::vlog
