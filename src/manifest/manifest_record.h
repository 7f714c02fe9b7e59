// The framing of a manifest file: header and records, and which damage is a torn tail.
//
//   header, 32 bytes   magic "nokvman1" | format version u32 | 0 u32 | manifest number u64 | 0 u32
//   |
//                      masked CRC32C of the 28 bytes before
//   record             masked CRC32C u32 of what follows | payload length u32 | type u8 | payload
//
// A payload begins with the record's own offset in the file (u64), so that a record is recognised
// wherever a search meets it and one in the wrong place is refused. A group record goes on with its
// edits. A mark, written after its group was synced, has nothing more: its offset is the end of the
// group it commits.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "manifest/version_edit.h"
#include "nokv/status.h"

namespace nokv::manifest {

inline constexpr size_t kHeaderBytes = 32;
inline constexpr size_t kRecordHeaderBytes = 9;
inline constexpr size_t kMarkBytes = kRecordHeaderBytes + 8;

enum class RecordType : uint8_t { kGroup = 1, kMark = 2 };

std::string EncodeHeader(uint64_t manifest_number);
// The record that holds `group` at `offset`.
std::string EncodeGroup(const EditGroup& group, uint64_t offset);
std::string EncodeMark(uint64_t offset);

// What an interrupted write left at the end of the file. It was never acknowledged.
struct TornTail {
  uint64_t offset = 0;
  uint64_t bytes = 0;

  bool operator==(const TornTail&) const = default;
};

struct ParsedManifest {
  std::vector<EditGroup> groups;        // at least the first one
  std::vector<uint64_t> group_offsets;  // where each begins in the file
  std::optional<TornTail> torn_tail;
};

// Takes a whole file apart. An invalid end that no later record and no mark vouches for is a torn
// tail; any other damage is kDataLoss with file, record number and offset. kUnimplemented for a
// newer format version or tag. `path` is for messages.
Result<ParsedManifest> ParseManifest(std::string_view content, uint64_t manifest_number,
                                     const std::string& path);

}  // namespace nokv::manifest
