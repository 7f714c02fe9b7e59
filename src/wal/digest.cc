#include "wal/digest.h"

#include <memory>

#include "base/coding.h"
#include "base/macros.h"

namespace nokv::wal {
namespace {

constexpr uint64_t kSealBytes = RecordBytes(kSegmentIndexBytes);
// Of the length in a record's header.
constexpr uint64_t kLengthOffset = 8;

SegmentKey KeyOf(const ChainLink& link) {
  return {link.header.segment, link.header.salt};
}

// The record at `offset`, of `size` bytes with its header, if it is one; `bytes` holds it.
Result<std::optional<ParsedRecord>> ReadRecord(const vfs::RandomFile& file, const ChainLink& link,
                                               uint64_t offset, uint64_t size, std::string* bytes) {
  bytes->resize(size);
  std::string_view found;
  RETURN_IF_ERROR(file.Read(offset, size, bytes->data(), &found));
  ParsedRecord record;
  if (!ParseRecordAt(KeyOf(link), found, offset, &record)) return std::optional<ParsedRecord>();
  return std::optional<ParsedRecord>(record);
}

}  // namespace

Result<std::optional<Seal>> ReadSeal(vfs::FileSystem& fs, const ChainLink& link) {
  ASSIGN_OR_RETURN(const auto file, fs.OpenRandom(link.path, vfs::ReadMode::kRead));
  if (file->Size() < kSegmentHeaderBytes + kSealBytes) return std::optional<Seal>();
  Seal seal;
  seal.start = {link.header.segment, file->Size() - kSealBytes};
  seal.end = {link.header.segment, file->Size()};
  std::string bytes;
  ASSIGN_OR_RETURN(const auto record,
                   ReadRecord(*file, link, seal.start.offset, kSealBytes, &bytes));
  if (!record.has_value() || record->type != RecordType::kSeal ||
      !DecodeSegmentIndex(record->payload, &seal.index) ||
      seal.index.end_offset != seal.start.offset) {
    return std::optional<Seal>();
  }
  seal.synced = record->synced;
  return std::optional<Seal>(seal);
}

Result<std::optional<LastRecord>> ReadLastRecord(vfs::FileSystem& fs, const ChainLink& link,
                                                 const Seal& seal, RecordType type) {
  const TypeIndex& index = seal.index.of(type);
  const uint64_t payload_offset = index.last_payload_offset;
  if (index.records == 0 || payload_offset < kSegmentHeaderBytes + kRecordHeaderBytes ||
      payload_offset > seal.start.offset) {
    return std::optional<LastRecord>();
  }
  const uint64_t offset = payload_offset - kRecordHeaderBytes;
  ASSIGN_OR_RETURN(const auto file, fs.OpenRandom(link.path, vfs::ReadMode::kRead));
  char header[kRecordHeaderBytes];
  std::string_view found;
  RETURN_IF_ERROR(file->Read(offset, sizeof header, header, &found));
  if (found.size() < sizeof header) return std::optional<LastRecord>();
  // Nothing is taken from an unchecked length but how much to read, and no more than there is.
  const uint64_t size = RecordBytes(base::LoadFixed32(found.data() + kLengthOffset));
  if (size > seal.start.offset - offset) return std::optional<LastRecord>();
  std::string bytes;
  ASSIGN_OR_RETURN(const auto record, ReadRecord(*file, link, offset, size, &bytes));
  if (!record.has_value() || record->type != type) return std::optional<LastRecord>();
  return std::optional<LastRecord>({.start = {link.header.segment, offset},
                                    .end = {link.header.segment, offset + record->size},
                                    .payload = std::string(record->payload)});
}

}  // namespace nokv::wal
