// Entry payload: what memtables and sstables store beside the internal key.
//
//   flags byte | [expiry varint64, ms since 1970] | [user-meta byte] | [origin fixed64] | value
//   bytes
//
// Flag bits: 1 expiry, 2 user meta, 4 origin. Absent fields take no byte. Unknown flag bits are
// damage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nokv::lsm {

struct EntryAttributes {
  uint64_t expiry_ms = 0;          // 0: never expires
  uint8_t user_meta = 0;           // for higher layers; the engine only keeps it
  std::optional<uint64_t> origin;  // start timestamp of the writing transaction

  bool ExpiredAt(uint64_t now_ms) const { return expiry_ms != 0 && expiry_ms <= now_ms; }
  bool operator==(const EntryAttributes&) const = default;
};

// At most this many bytes precede the value.
inline constexpr size_t kMaxEntryHeaderBytes = 1 + 10 + 1 + 8;

// Writes the header of a payload at `out` (room for kMaxEntryHeaderBytes); returns its length.
size_t StoreEntryHeader(char* out, const EntryAttributes& attributes);
void AppendEntryPayload(const EntryAttributes& attributes, std::string_view value,
                        std::string* out);
// False if the payload is malformed. `*value` points into `payload`.
bool ParseEntryPayload(std::string_view payload, EntryAttributes* attributes,
                       std::string_view* value);

}  // namespace nokv::lsm
