// The bytes of a log segment: its header, its records and the index that seals it. See
// docs/formats/wal.md; every byte below a record's end is covered by a checksum.
//
// Pure functions over memory; nothing here touches a file.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "nokv/status.h"

namespace nokv::wal {

// A place in the log: a byte of a segment. Segments are numbered from 1, so {0, 0} lies before
// everything. The order is the order of the log.
struct LogPosition {
  uint64_t segment = 0;
  uint64_t offset = 0;

  auto operator<=>(const LogPosition&) const = default;
};

// "00007.wal:4096".
std::string ToString(LogPosition position);

enum class RecordType : uint8_t {
  kBatch = 1,
  kRaftEntries = 2,
  kRaftState = 3,
  // Written by the log itself:
  kSeal = 100,  // the last record of a segment
  kMark = 101,  // empty, at the end of the log: it was synced up to here; the next record takes its
                // place
};
// The types that callers may write are 1 to kUserTypes.
inline constexpr size_t kUserTypes = 3;
bool IsUserType(RecordType type);
std::string_view RecordTypeName(RecordType type);

inline constexpr uint64_t kSegmentHeaderBytes = 64;
inline constexpr uint64_t kRecordHeaderBytes = 40;
inline constexpr uint64_t kAlignment = 8;
inline constexpr uint32_t kFormatVersion = 1;
// One record's payload at most; far above any batch or raft message that the layers above allow.
inline constexpr uint32_t kMaxPayloadBytes = 1U << 30;

// Header, payload and padding of a record.
constexpr uint64_t RecordBytes(uint32_t payload_bytes) {
  return kRecordHeaderBytes + (uint64_t{payload_bytes} + kAlignment - 1) / kAlignment * kAlignment;
}

struct SegmentHeader {
  uint64_t segment = 0;
  // The log before this segment is valid only up to here; what lies between was cut by a recovery.
  // {0, 0}: the segment simply follows the one numbered before it.
  LogPosition resume;
  // This segment was synced up to this offset before it got its name.
  uint64_t synced_offset = kSegmentHeaderBytes;
  // Seeds the checksums of the record headers, so that no payload can pass for a record.
  uint32_t salt = 0;
  // How far the segment was synced when it was closed, 0 if it was not: see EncodeSyncedMark.
  uint64_t synced_mark = 0;
};

// The synced mark lies in the header's last bytes, outside its checksum, with one of its own: it is
// stored when a log is closed, and a torn one says nothing.
inline constexpr uint64_t kSyncedMarkOffset = 52;
inline constexpr uint64_t kSyncedMarkBytes = kSegmentHeaderBytes - kSyncedMarkOffset;

// Fills kSegmentHeaderBytes at `out`; no synced mark.
void EncodeSegmentHeader(const SegmentHeader& header, char* out);
// kDataLoss if the bytes are no segment header, kUnimplemented if they are one of a newer format;
// the messages do not name the file (the caller prefixes them).
Result<SegmentHeader> DecodeSegmentHeader(std::string_view bytes);

// What the checksums of a segment's records depend on besides their own bytes.
struct SegmentKey {
  uint64_t segment = 0;
  uint32_t salt = 0;
};

// Stores the mark "synced up to `offset`" into the segment header at `header`.
void EncodeSyncedMark(const SegmentKey& key, uint64_t offset, char* header);

// Completes the record at `record`, whose payload is in place: zeroes the padding and fills the
// header. `synced` is the position up to which the log was known to be synced.
void SealRecord(const SegmentKey& key, RecordType type, uint32_t payload_bytes, LogPosition synced,
                char* record);

// A record as found in memory.
struct ParsedRecord {
  RecordType type = RecordType::kBatch;
  std::string_view payload;
  LogPosition synced;
  uint64_t size = 0;  // header, payload and padding
};

// Parses the record of segment `key` that starts at `offset` of `segment`, the content of the
// segment's file so far as it was read. False if there is no whole, undamaged record of this
// segment; the types of records are not judged.
bool ParseRecord(const SegmentKey& key, std::string_view segment, uint64_t offset,
                 ParsedRecord* record);
// As ParseRecord, of `bytes` that stand at `offset` of the segment.
bool ParseRecordAt(const SegmentKey& key, std::string_view bytes, uint64_t offset,
                   ParsedRecord* record);

// What the records of one type amount to in a segment.
struct TypeIndex {
  uint64_t records = 0;
  uint64_t payload_bytes = 0;
  uint64_t first_payload_offset = 0;
  uint64_t last_payload_offset = 0;

  bool operator==(const TypeIndex&) const = default;
};

// What a segment holds: the payload of its seal.
struct SegmentIndex {
  uint64_t end_offset = kSegmentHeaderBytes;  // of the last record, where the seal starts
  std::array<TypeIndex, kUserTypes> types;    // of RecordType i + 1

  void Add(RecordType type, uint64_t payload_offset, uint32_t payload_bytes);
  TypeIndex& of(RecordType type) { return types[static_cast<size_t>(type) - 1]; }
  const TypeIndex& of(RecordType type) const { return types[static_cast<size_t>(type) - 1]; }
  bool operator==(const SegmentIndex&) const = default;
};

inline constexpr uint32_t kSegmentIndexBytes = 16 + kUserTypes * 40;
// Fills kSegmentIndexBytes at `out`.
void EncodeSegmentIndex(const SegmentIndex& index, char* out);
// False if the bytes are not an index.
bool DecodeSegmentIndex(std::string_view payload, SegmentIndex* index);

// "00007.wal" and "00007.wal.tmp"; numbers above 99999 simply get longer.
std::string SegmentFileName(uint64_t segment);
std::string TemporaryFileName(uint64_t segment);
// The number in such a name; false if the name is not exactly one that the functions above give.
bool ParseSegmentFileName(std::string_view name, uint64_t* segment);
bool ParseTemporaryFileName(std::string_view name, uint64_t* segment);

}  // namespace nokv::wal
