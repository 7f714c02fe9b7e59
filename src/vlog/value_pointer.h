// ValuePointer: where a value lies that is not in its entry, and how to tell that it is that value.
//
// Thread safety: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "manifest/version_edit.h"
#include "wal/format.h"

namespace nokv::vlog {

using manifest::ValueFileId;

struct ValuePointer {
  ValueFileId file;
  uint64_t offset = 0;  // in the file
  uint32_t length = 0;
  uint32_t crc = 0;  // CRC-32C of the value, masked

  uint64_t end() const { return offset + length; }
  bool operator==(const ValuePointer&) const = default;
};

// Which values lie together in a value file.
struct ValueGroup {
  uint16_t bucket = 0;  // of the hash of their keys
  bool old = false;     // they had been moved before, or were put into the order of their keys

  bool operator==(const ValueGroup&) const = default;
};

// The pointer to a value that lies at `place` of the log.
inline ValuePointer PointerIntoLog(wal::LogPosition place, uint32_t length, uint32_t crc) {
  return {{place.segment, ValueFileId::Kind::kSegment}, place.offset, length, crc};
}

// At most this long: three varints and a checksum.
inline constexpr size_t kMaxPointerBytes = 10 + 10 + 5 + 4;

// What the value takes of its file. Of a log segment that is the value alone: the record around it
// is of no use once its other entries are in tables.
uint64_t SpaceOf(const ValuePointer& pointer);

// Writes the pointer at `out` (room for kMaxPointerBytes); returns behind it.
char* StorePointer(char* out, const ValuePointer& pointer);
// Takes a pointer off the front of `*in`; false if there is none.
bool GetPointer(std::string_view* in, ValuePointer* pointer);

// The name of the file: "00007.wal", or "00012.vlog" for one that compaction wrote.
std::string ValueFileName(ValueFileId id);
// The number in the name of a file that compaction wrote; false if it is another file's.
bool ParseMovedFileName(std::string_view name, uint64_t* number);
// "00007.wal: value of 12 bytes at offset 4096", for messages.
std::string Describe(const ValuePointer& pointer);

}  // namespace nokv::vlog
