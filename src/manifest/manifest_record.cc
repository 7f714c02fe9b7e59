#include "manifest/manifest_record.h"

#include "base/coding.h"
#include "base/crc32c.h"
#include "base/macros.h"
#include "manifest/format.h"

namespace nokv::manifest {

namespace {

constexpr std::string_view kMagic = "nokvman1";
constexpr size_t kOffsetBytes = 8;

constexpr std::string_view kDamageHint =
    "restore the directory from a backup or checkpoint; a copy of it as it is now is worth keeping";

std::string EncodeRecord(RecordType type, uint64_t offset, std::string_view body) {
  std::string record(kRecordHeaderBytes, '\0');
  base::StoreFixed32(record.data() + 4, static_cast<uint32_t>(kOffsetBytes + body.size()));
  record[8] = static_cast<char>(type);
  base::PutFixed64(&record, offset);
  record.append(body);
  base::StoreFixed32(record.data(),
                     base::MaskCrc(base::Crc32c(std::string_view(record).substr(4))));
  return record;
}

struct Record {
  RecordType type = RecordType::kGroup;
  uint64_t bytes = 0;     // with its header
  std::string_view body;  // what follows the offset
};

// The record at `offset`, if a valid one is there. The cheap tests come first, so that searching a
// damaged file is cheap too.
std::optional<Record> RecordAt(std::string_view content, uint64_t offset) {
  if (content.size() < offset + kRecordHeaderBytes + kOffsetBytes) return std::nullopt;
  const char* at = content.data() + offset;
  const uint64_t length = base::LoadFixed32(at + 4);
  const auto type = static_cast<RecordType>(at[8]);
  if (type != RecordType::kGroup && type != RecordType::kMark) return std::nullopt;
  if (length < kOffsetBytes || length > content.size() - offset - kRecordHeaderBytes) {
    return std::nullopt;
  }
  if (base::LoadFixed64(at + kRecordHeaderBytes) != offset) return std::nullopt;
  if (type == RecordType::kMark && length != kOffsetBytes) return std::nullopt;
  const uint64_t bytes = kRecordHeaderBytes + length;
  if (base::UnmaskCrc(base::LoadFixed32(at)) != base::Crc32c(content.substr(offset + 4, bytes - 4)))
    return std::nullopt;
  return Record{type, bytes,
                content.substr(offset + kRecordHeaderBytes + kOffsetBytes, length - kOffsetBytes)};
}

// The first valid record after `offset`.
std::optional<uint64_t> FindRecordAfter(std::string_view content, uint64_t offset) {
  for (uint64_t at = offset + 1; at < content.size(); at++) {
    if (RecordAt(content, at)) return at;
  }
  return std::nullopt;
}

Result<EditGroup> DecodeGroup(std::string_view body) {
  uint64_t count = 0;
  if (!base::GetVarint64(&body, &count)) return Status::Corruption("the group is malformed");
  EditGroup group;
  for (uint64_t i = 0; i < count; i++) {
    std::string_view bytes;
    if (!base::GetLengthPrefixed(&body, &bytes)) {
      return Status::Corruption("the group is malformed at edit " + std::to_string(i));
    }
    ASSIGN_OR_RETURN(group.emplace_back(), DecodeEdit(bytes));
  }
  if (!body.empty()) return Status::Corruption("the group has bytes after its last edit");
  return group;
}

// Walks the records of one file.
class Parser {
 public:
  Parser(std::string_view content, const std::string& path) : content_(content), path_(path) {}

  Status CheckHeader(uint64_t manifest_number) {
    if (content_.size() < kHeaderBytes) return Damaged("the header is incomplete");
    const std::string_view header = content_.substr(0, kHeaderBytes);
    if (!header.starts_with(kMagic)) return Damaged("this is not a manifest");
    const uint32_t stored = base::UnmaskCrc(base::LoadFixed32(header.data() + 28));
    if (stored != base::Crc32c(header.substr(0, 28))) {
      return Damaged("the header's checksum is wrong");
    }
    const uint32_t version = base::LoadFixed32(header.data() + 8);
    if (version > static_cast<uint32_t>(kNewestFormat)) {
      return Status::Unimplemented(path_ + ": the database has format version " +
                                   std::to_string(version) + ", this build knows versions up to " +
                                   std::to_string(static_cast<uint32_t>(kNewestFormat)) +
                                   "; nothing was changed")
          .WithHint("open it with a newer nokv")
          .WithErrorNumber(1305);
    }
    if (version == 0) return Damaged("the header names format version 0");
    const uint64_t number = base::LoadFixed64(header.data() + 16);
    if (number != manifest_number) {
      return Damaged("the header belongs to manifest " + std::to_string(number));
    }
    offset_ = kHeaderBytes;
    return Status::Ok();
  }

  Status ReadRecords(ParsedManifest* out) {
    while (offset_ < content_.size()) {
      const std::optional<Record> record = RecordAt(content_, offset_);
      if (!record) {
        RETURN_IF_ERROR(JudgeDamage(out));
        continue;
      }
      if (record->type == RecordType::kGroup) {
        Result<EditGroup> group = DecodeGroup(record->body);
        if (!group.ok()) return group.status().Prefixed(Where());
        out->groups.push_back(std::move(*group));
        out->group_offsets.push_back(offset_);
      }
      expects_mark_ = record->type == RecordType::kGroup;
      offset_ += record->bytes;
      records_++;
    }
    if (out->groups.empty()) return Damaged("the first group is not complete");
    return Status::Ok();
  }

 private:
  // Called where no valid record is. Moves past what may be missing, or says what is lost.
  Status JudgeDamage(ParsedManifest* out) {
    const std::optional<uint64_t> next = FindRecordAfter(content_, offset_);
    if (!next) {
      // The first group was synced before CURRENT named this file, so it cannot be torn.
      if (out->groups.empty()) return Damaged("the first group is damaged");
      // A mark is only ever lost with what follows it; a file may end inside one.
      if (!IsDamagedMark(content_.size())) {
        out->torn_tail = TornTail{offset_, content_.size() - offset_};
      }
      offset_ = content_.size();
      return Status::Ok();
    }
    // Power may be lost after a group reached the disk and before it was synced, together with the
    // mark before it, which waited for the same sync. A mark holds nothing that is missed.
    const std::optional<Record> record = RecordAt(content_, *next);
    if (IsDamagedMark(*next) && record->type == RecordType::kGroup &&
        !FindRecordAfter(content_, *next + record->bytes - 1)) {
      offset_ = *next;
      expects_mark_ = false;
      records_++;
      return Status::Ok();
    }
    return Damaged("the record is damaged, but a valid one follows at offset " +
                   std::to_string(*next));
  }

  bool IsDamagedMark(uint64_t end) const { return expects_mark_ && end - offset_ == kMarkBytes; }

  std::string Where() const {
    return path_ + ": record " + std::to_string(records_) + " at offset " + std::to_string(offset_);
  }

  Status Damaged(std::string_view what) const {
    return Status::Corruption(Where() + ": " + std::string(what) + "; nothing was changed")
        .WithHint(kDamageHint)
        .WithErrorNumber(1301);
  }

  const std::string_view content_;
  const std::string& path_;
  uint64_t offset_ = 0;
  uint64_t records_ = 0;
  bool expects_mark_ = false;  // the record before offset_ was a group
};

}  // namespace

std::string EncodeHeader(uint64_t manifest_number) {
  std::string header(kMagic);
  base::PutFixed32(&header, static_cast<uint32_t>(kNewestFormat));
  base::PutFixed32(&header, 0);
  base::PutFixed64(&header, manifest_number);
  base::PutFixed32(&header, 0);
  base::PutFixed32(&header, base::MaskCrc(base::Crc32c(header)));
  return header;
}

std::string EncodeGroup(const EditGroup& group, uint64_t offset) {
  std::string body;
  base::PutVarint64(&body, group.size());
  for (const VersionEdit& edit : group) {
    std::string bytes;
    AppendEdit(edit, &bytes);
    base::PutLengthPrefixed(&body, bytes);
  }
  return EncodeRecord(RecordType::kGroup, offset, body);
}

std::string EncodeMark(uint64_t offset) {
  return EncodeRecord(RecordType::kMark, offset, {});
}

Result<ParsedManifest> ParseManifest(std::string_view content, uint64_t manifest_number,
                                     const std::string& path) {
  Parser parser(content, path);
  RETURN_IF_ERROR(parser.CheckHeader(manifest_number));
  ParsedManifest parsed;
  RETURN_IF_ERROR(parser.ReadRecords(&parsed));
  return parsed;
}

}  // namespace nokv::manifest
