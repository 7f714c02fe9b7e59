#include "wal/format.h"

#include <charconv>
#include <cstdio>
#include <cstring>

#include "base/coding.h"
#include "base/crc32c.h"

namespace nokv::wal {
namespace {

using base::LoadFixed32;
using base::LoadFixed64;
using base::StoreFixed32;
using base::StoreFixed64;

constexpr std::string_view kMagic = "nokvwal1";
constexpr size_t kSegmentCrcOffset = 48;
constexpr std::string_view kSuffix = ".wal";
constexpr std::string_view kTemporarySuffix = ".wal.tmp";
constexpr size_t kIndexHeadBytes = 16;
constexpr size_t kIndexEntryBytes = 40;

// Fields of a record header, by offset.
constexpr size_t kHeaderCrc = 0;
constexpr size_t kPayloadCrc = 4;
constexpr size_t kPayloadLength = 8;
constexpr size_t kType = 12;
constexpr size_t kSegment = 16;
constexpr size_t kSyncedSegment = 24;
constexpr size_t kSyncedOffset = 32;

// Of everything in the header but itself.
uint32_t HeaderCrc(const SegmentKey& key, const char* header) {
  const std::string_view covered(header + kPayloadCrc, kRecordHeaderBytes - kPayloadCrc);
  return base::MaskCrc(base::Crc32c(covered, key.salt));
}

uint32_t MarkCrc(const SegmentKey& key, const char* header) {
  const uint32_t seed = key.salt ^ static_cast<uint32_t>(key.segment);
  return base::MaskCrc(base::Crc32c(std::string_view(header + kSyncedMarkOffset, 8), seed));
}

// Of payload and padding.
uint32_t PayloadCrc(const char* record, uint64_t record_bytes) {
  return base::MaskCrc(base::Crc32c(
      std::string_view(record + kRecordHeaderBytes, record_bytes - kRecordHeaderBytes)));
}

std::string NumberedName(uint64_t segment, std::string_view suffix) {
  char digits[24];
  std::snprintf(digits, sizeof digits, "%05llu", static_cast<unsigned long long>(segment));
  return std::string(digits) + std::string(suffix);
}

bool ParseNumberedName(std::string_view name, std::string_view suffix, uint64_t* segment) {
  const char* end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data(), end, *segment);
  // Comparing with the one right name refuses signs, spaces and other numbers of zeros.
  return error == std::errc() && *segment != 0 && NumberedName(*segment, suffix) == name;
}

}  // namespace

std::string ToString(LogPosition position) {
  return SegmentFileName(position.segment) + ":" + std::to_string(position.offset);
}

bool IsUserType(RecordType type) {
  const auto number = static_cast<size_t>(type);
  return number >= 1 && number <= kUserTypes;
}

std::string_view RecordTypeName(RecordType type) {
  switch (type) {
    case RecordType::kBatch:
      return "batch";
    case RecordType::kRaftEntries:
      return "raft entries";
    case RecordType::kRaftState:
      return "raft state";
    case RecordType::kSeal:
      return "seal";
    case RecordType::kMark:
      return "mark";
  }
  return "unknown";
}

void EncodeSegmentHeader(const SegmentHeader& header, char* out) {
  std::memset(out, 0, kSegmentHeaderBytes);
  std::memcpy(out, kMagic.data(), kMagic.size());
  StoreFixed32(out + 8, kFormatVersion);
  StoreFixed32(out + 12, header.salt);
  StoreFixed64(out + 16, header.segment);
  StoreFixed64(out + 24, header.resume.segment);
  StoreFixed64(out + 32, header.resume.offset);
  StoreFixed64(out + 40, header.synced_offset);
  StoreFixed32(out + kSegmentCrcOffset,
               base::MaskCrc(base::Crc32c(std::string_view(out, kSegmentCrcOffset))));
}

Result<SegmentHeader> DecodeSegmentHeader(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes) {
    return Status::Corruption("the segment header is cut off at offset " +
                              std::to_string(bytes.size()));
  }
  const char* in = bytes.data();
  if (bytes.substr(0, kMagic.size()) != kMagic) {
    return Status::Corruption("offset 0: not a log segment (wrong magic number)");
  }
  const uint32_t crc = base::MaskCrc(base::Crc32c(bytes.substr(0, kSegmentCrcOffset)));
  if (LoadFixed32(in + kSegmentCrcOffset) != crc) {
    return Status::Corruption("offset 0: checksum mismatch in the segment header");
  }
  const uint32_t version = LoadFixed32(in + 8);
  if (version != kFormatVersion) {
    return Status::Unimplemented("the file has log format " + std::to_string(version) +
                                 ", this program knows format " + std::to_string(kFormatVersion))
        .WithHint("open the directory with the version of nokv that wrote it, or a newer one");
  }
  SegmentHeader header;
  header.salt = LoadFixed32(in + 12);
  header.segment = LoadFixed64(in + 16);
  header.resume = {LoadFixed64(in + 24), LoadFixed64(in + 32)};
  header.synced_offset = LoadFixed64(in + 40);
  const SegmentKey key{header.segment, header.salt};
  if (LoadFixed32(in + kSyncedMarkOffset + 8) == MarkCrc(key, in)) {
    header.synced_mark = LoadFixed64(in + kSyncedMarkOffset);
  }
  return header;
}

void EncodeSyncedMark(const SegmentKey& key, uint64_t offset, char* header) {
  StoreFixed64(header + kSyncedMarkOffset, offset);
  StoreFixed32(header + kSyncedMarkOffset + 8, MarkCrc(key, header));
}

void SealRecord(const SegmentKey& key, RecordType type, uint32_t payload_bytes, LogPosition synced,
                char* record) {
  const uint64_t size = RecordBytes(payload_bytes);
  const uint64_t used = kRecordHeaderBytes + payload_bytes;
  std::memset(record + used, 0, size - used);
  StoreFixed32(record + kPayloadCrc, PayloadCrc(record, size));
  StoreFixed32(record + kPayloadLength, payload_bytes);
  StoreFixed32(record + kType, static_cast<uint8_t>(type));
  StoreFixed64(record + kSegment, key.segment);
  StoreFixed64(record + kSyncedSegment, synced.segment);
  StoreFixed64(record + kSyncedOffset, synced.offset);
  StoreFixed32(record + kHeaderCrc, HeaderCrc(key, record));
}

bool ParseRecord(const SegmentKey& key, std::string_view segment, uint64_t offset,
                 ParsedRecord* record) {
  return offset <= segment.size() && ParseRecordAt(key, segment.substr(offset), offset, record);
}

bool ParseRecordAt(const SegmentKey& key, std::string_view bytes, uint64_t offset,
                   ParsedRecord* record) {
  if (bytes.size() < kRecordHeaderBytes) return false;
  const char* in = bytes.data();
  const uint32_t payload_bytes = LoadFixed32(in + kPayloadLength);
  const uint32_t type = LoadFixed32(in + kType);
  const LogPosition synced{LoadFixed64(in + kSyncedSegment), LoadFixed64(in + kSyncedOffset)};
  if (LoadFixed64(in + kSegment) != key.segment || type == 0 || type > UINT8_MAX ||
      payload_bytes > kMaxPayloadBytes || synced > LogPosition{key.segment, offset}) {
    return false;
  }
  if (LoadFixed32(in + kHeaderCrc) != HeaderCrc(key, in)) return false;
  const uint64_t size = RecordBytes(payload_bytes);
  if (size > bytes.size()) return false;
  if (LoadFixed32(in + kPayloadCrc) != PayloadCrc(in, size)) return false;
  record->type = static_cast<RecordType>(type);
  record->payload = bytes.substr(kRecordHeaderBytes, payload_bytes);
  record->synced = synced;
  record->size = size;
  return true;
}

void SegmentIndex::Add(RecordType type, uint64_t payload_offset, uint32_t payload_bytes) {
  TypeIndex& entry = of(type);
  if (entry.records == 0) entry.first_payload_offset = payload_offset;
  entry.last_payload_offset = payload_offset;
  entry.payload_bytes += payload_bytes;
  ++entry.records;
}

void EncodeSegmentIndex(const SegmentIndex& index, char* out) {
  StoreFixed64(out, index.end_offset);
  StoreFixed64(out + 8, kUserTypes);
  out += kIndexHeadBytes;
  for (size_t i = 0; i < kUserTypes; ++i, out += kIndexEntryBytes) {
    StoreFixed64(out, i + 1);
    StoreFixed64(out + 8, index.types[i].records);
    StoreFixed64(out + 16, index.types[i].payload_bytes);
    StoreFixed64(out + 24, index.types[i].first_payload_offset);
    StoreFixed64(out + 32, index.types[i].last_payload_offset);
  }
}

bool DecodeSegmentIndex(std::string_view payload, SegmentIndex* index) {
  if (payload.size() < kIndexHeadBytes) return false;
  *index = SegmentIndex();
  index->end_offset = LoadFixed64(payload.data());
  const uint64_t count = LoadFixed64(payload.data() + 8);
  payload.remove_prefix(kIndexHeadBytes);
  if (payload.size() % kIndexEntryBytes != 0 || payload.size() / kIndexEntryBytes != count) {
    return false;
  }
  for (; !payload.empty(); payload.remove_prefix(kIndexEntryBytes)) {
    const char* in = payload.data();
    const uint64_t type = LoadFixed64(in);
    if (type == 0 || type > kUserTypes) return false;
    index->types[type - 1] = {LoadFixed64(in + 8), LoadFixed64(in + 16), LoadFixed64(in + 24),
                              LoadFixed64(in + 32)};
  }
  return true;
}

std::string SegmentFileName(uint64_t segment) {
  return NumberedName(segment, kSuffix);
}

std::string TemporaryFileName(uint64_t segment) {
  return NumberedName(segment, kTemporarySuffix);
}

bool ParseSegmentFileName(std::string_view name, uint64_t* segment) {
  return ParseNumberedName(name, kSuffix, segment);
}

bool ParseTemporaryFileName(std::string_view name, uint64_t* segment) {
  return ParseNumberedName(name, kTemporarySuffix, segment);
}

}  // namespace nokv::wal
