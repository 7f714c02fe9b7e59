// Entry payload: what memtables and sstables store beside the internal key.
//
//   flags byte | [expiry varint64, ms since 1970] | [user-meta byte] | [origin fixed64] |
//   [pointer] | value bytes
//
// Flag bits: 1 expiry, 2 user meta, 4 origin, 8 pointer. Absent fields take no byte. Unknown flag
// bits are damage. A pointer (vlog/value_pointer.h) says where the value lies in a file. In a table
// no value bytes follow it. In a memtable they do, and the flush may leave either away.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "vlog/value_pointer.h"

namespace nokv::lsm {

struct EntryAttributes {
  uint64_t expiry_ms = 0;          // 0: never expires
  uint8_t user_meta = 0;           // for higher layers; the engine only keeps it
  std::optional<uint64_t> origin;  // start timestamp of the writing transaction

  bool ExpiredAt(uint64_t now_ms) const { return expiry_ms != 0 && expiry_ms <= now_ms; }
  bool operator==(const EntryAttributes&) const = default;
};

// At most this many bytes precede the value.
inline constexpr size_t kMaxEntryHeaderBytes = 1 + 10 + 1 + 8 + vlog::kMaxPointerBytes;

// Writes the header of a payload at `out` (room for kMaxEntryHeaderBytes); returns its length.
// `pointer` may be null.
size_t StoreEntryHeader(char* out, const EntryAttributes& attributes,
                        const vlog::ValuePointer* pointer = nullptr);
void AppendEntryPayload(const EntryAttributes& attributes, std::string_view value,
                        std::string* out);
// The payload of an entry whose value is only where `pointer` says.
void AppendApartPayload(const EntryAttributes& attributes, const vlog::ValuePointer& pointer,
                        std::string* out);

// A payload taken apart.
struct ParsedPayload {
  EntryAttributes attributes;
  std::optional<vlog::ValuePointer> pointer;
  std::string_view value;  // points into the payload; empty if apart()

  // True if the value is only where `pointer` says.
  bool apart() const { return pointer.has_value() && value.size() < pointer->length; }
};
// False if the payload is malformed.
bool ParseEntryPayload(std::string_view payload, ParsedPayload* parsed);

}  // namespace nokv::lsm
