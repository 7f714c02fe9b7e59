#include "wal/recover.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

#include "base/coding.h"
#include "base/macros.h"
#include "wal/chain.h"
#include "wal/digest.h"

namespace nokv::wal {
namespace {

// Far above what the log writes: one record of the largest size in a segment of its own.
constexpr uint64_t kMaxSegmentBytes = uint64_t{1} << 40;
constexpr std::string_view kDamageHint =
    "nothing was changed; restore the file from a backup or a replica";

SegmentKey KeyOf(const SegmentHeader& header) {
  return {header.segment, header.salt};
}

// The length of `bytes` without the zeros at its end.
uint64_t LengthWithoutZeros(std::string_view bytes) {
  uint64_t length = bytes.size();
  while (length % sizeof(uint64_t) != 0 && bytes[length - 1] == '\0') --length;
  if (length % sizeof(uint64_t) != 0) return length;
  while (length > 0 && base::LoadFixed64(bytes.data() + length - sizeof(uint64_t)) == 0) {
    length -= sizeof(uint64_t);
  }
  while (length > 0 && bytes[length - 1] == '\0') --length;
  return length;
}

// A segment file from some offset on. The memory is used again for the next one: most of the time
// that a replay takes would else go into getting it from the system.
class SegmentContent {
 public:
  // The file as it is now. Nothing before `from` may be looked at.
  Status Load(vfs::FileSystem& fs, const std::string& path, uint64_t from);
  std::string_view view() const { return {memory_.get(), size_}; }

 private:
  std::unique_ptr<char[]> memory_;
  size_t capacity_ = 0;
  size_t size_ = 0;
};

Status SegmentContent::Load(vfs::FileSystem& fs, const std::string& path, uint64_t from) {
  size_ = 0;
  ASSIGN_OR_RETURN(const auto file, fs.OpenRandom(path, vfs::ReadMode::kRead));
  const uint64_t size = file->Size();
  if (size > kMaxSegmentBytes) return Status::Corruption(path + ": too long for a segment");
  if (size > capacity_) {
    memory_ = std::make_unique_for_overwrite<char[]>(size);
    capacity_ = size;
  }
  std::string_view read;
  if (from < size) {
    RETURN_IF_ERROR(file->Read(from, size - from, memory_.get() + from, &read));
    if (read.data() != memory_.get() + from) {
      std::memcpy(memory_.get() + from, read.data(), read.size());
    }
  }
  size_ = std::min(from, size) + read.size();
  if (size_ == size) return Status::Ok();
  // A live writer may have cut the file to its end meanwhile.
  ASSIGN_OR_RETURN(const uint64_t now, fs.FileSize(path));
  if (now <= size_) return Status::Ok();
  return Status::Unavailable("read " + path + ": the read ended before the file does");
}

class Replayer {
 public:
  Replayer(vfs::FileSystem& fs, const RecoverOptions& options, const RecordVisitor& visitor,
           const Chain& chain)
      : fs_(fs), options_(options), visitor_(visitor), links_(chain.links) {}

  Result<RecoveryReport> Run();

 private:
  // What is known to be on disk before a record is read.
  Status FindSynced();
  // True if the end of link `index` told everything, so that it need not be replayed.
  Result<bool> ReplayDigest(size_t index);
  // Replays link `index` from `offset` on; sets `ended` if the log ends in it.
  Status ReplaySegment(size_t index, uint64_t offset, bool* ended);
  // Replays the record at `offset` of `link`; sets `sealed` if it ends the segment.
  Status ReplayRecord(const ChainLink& link, uint64_t offset, const ParsedRecord& record,
                      bool* sealed);
  Status CheckSeal(const ChainLink& link, uint64_t offset, const ParsedRecord& record) const;
  // False if no record of the log is there: something unreadable, or the mark at the end of what is
  // synced, of which the report takes note.
  bool ReadRecord(const ChainLink& link, uint64_t offset, ParsedRecord* record);
  // Looks at what follows the unreadable record at `bad`: sets `damage` if a record tells that
  // `bad` was synced, else fills the report's account of the torn tail.
  Status ExamineTail(size_t index, LogPosition bad, bool* damage);
  // As ExamineTail for `content` of `link` from `offset` on.
  bool ScanForMark(const ChainLink& link, std::string_view content, uint64_t offset,
                   LogPosition bad);
  Status Damage(const ChainLink& link, uint64_t offset, std::string_view what) const;

  vfs::FileSystem& fs_;
  const RecoverOptions& options_;
  const RecordVisitor& visitor_;
  const std::vector<ChainLink>& links_;
  std::vector<std::optional<Seal>> seals_;  // of the links, as far as digests are wanted
  SegmentContent content_;                  // of the segment being replayed
  RecoveryReport report_;
};

Status Replayer::Damage(const ChainLink& link, uint64_t offset, std::string_view what) const {
  return Status::Corruption(link.path + ": offset " + std::to_string(offset) + ": " +
                            std::string(what))
      .WithHint(kDamageHint);
}

Status Replayer::FindSynced() {
  report_.synced = std::max(options_.replay_from, options_.known_synced);
  for (size_t i = 0; i < links_.size(); ++i) {
    const SegmentHeader& header = links_[i].header;
    // The oldest header is on disk, and so is all that was copied when a recovery resumed.
    if (i == 0 || header.resume.segment != 0) {
      report_.synced =
          std::max(report_.synced,
                   {header.segment, i == 0 && header.resume.segment == 0 ? kSegmentHeaderBytes
                                                                         : header.synced_offset});
    }
    if (header.synced_mark != 0) {
      report_.synced = std::max(report_.synced, {header.segment, header.synced_mark});
    }
  }
  seals_.resize(links_.size());
  for (size_t i = 0; i < links_.size() && options_.digest; ++i) {
    report_.synced = std::max(report_.synced, links_[i].header.resume);
    if (links_[i].limit.has_value()) continue;
    ASSIGN_OR_RETURN(seals_[i], ReadSeal(fs_, links_[i]));
    if (seals_[i].has_value()) report_.synced = std::max(report_.synced, seals_[i]->synced);
  }
  return Status::Ok();
}

Result<bool> Replayer::ReplayDigest(size_t index) {
  const std::optional<Seal>& seal = seals_[index];
  if (!seal.has_value() || report_.synced < seal->start) return false;
  const RecordType type = options_.digest_type;
  ASSIGN_OR_RETURN(const auto record, ReadLastRecord(fs_, links_[index], *seal, type));
  if (!record.has_value()) return false;
  ASSIGN_OR_RETURN(
      const bool enough,
      options_.digest(
          {.type = type, .payload = record->payload, .start = record->start, .end = record->end},
          seal->index));
  if (!enough) return false;
  for (size_t i = 0; i < kUserTypes; ++i) {
    report_.records += seal->index.types[i].records;
    report_.types[i].records += seal->index.types[i].records;
    report_.types[i].payload_bytes += seal->index.types[i].payload_bytes;
  }
  report_.segments.push_back({seal->end.segment, kSegmentHeaderBytes, seal->end.offset});
  report_.end = seal->end;
  ++report_.digests;
  return true;
}

Result<RecoveryReport> Replayer::Run() {
  RETURN_IF_ERROR(FindSynced());
  bool ended = false;
  for (size_t i = 0; i < links_.size() && !ended; ++i) {
    const uint64_t offset = std::max(i == 0 ? options_.replay_from.offset : 0, kSegmentHeaderBytes);
    if (offset == kSegmentHeaderBytes) {
      ASSIGN_OR_RETURN(const bool told, ReplayDigest(i));
      if (told) continue;
    }
    RETURN_IF_ERROR(ReplaySegment(i, offset, &ended));
  }
  if (report_.end < report_.synced) {
    return Status::Corruption("the log ends at " + ToString(report_.end) +
                              ", but it was synced up to " + ToString(report_.synced))
        .WithHint(kDamageHint);
  }
  return std::move(report_);
}

Status Replayer::ReplaySegment(size_t index, uint64_t offset, bool* ended) {
  const ChainLink& link = links_[index];
  RETURN_IF_ERROR(content_.Load(fs_, link.path, offset));
  if (offset > content_.view().size() || offset % kAlignment != 0) {
    return Damage(link, offset, "the replay position is not in the segment");
  }
  LiveSegment live{link.header.segment, offset, offset};
  bool sealed = false;
  while (!sealed && offset != link.limit) {
    ParsedRecord record;
    bool readable = ReadRecord(link, offset, &record);
    if (!readable) {
      const LogPosition bad{link.header.segment, offset};
      bool damage = link.limit.has_value() || bad < report_.synced;
      if (!damage) RETURN_IF_ERROR(ExamineTail(index, bad, &damage));
      if (!damage) {
        *ended = true;
        break;
      }
      // A live writer may have written the record after it was read and before its mark was.
      RETURN_IF_ERROR(content_.Load(fs_, link.path, offset));
      readable = ReadRecord(link, offset, &record);
    }
    if (!readable) return Damage(link, offset, "a record that was synced cannot be read");
    if (link.limit.has_value() && offset + record.size > *link.limit) {
      return Damage(link, offset, "a record reaches over the place where the log was cut");
    }
    RETURN_IF_ERROR(ReplayRecord(link, offset, record, &sealed));
    offset += record.size;
  }
  if (link.limit.has_value() && offset != *link.limit) {
    return Damage(link, offset, "the segment ends before the place where the log was cut");
  }
  live.end = offset;
  report_.segments.push_back(live);
  report_.end = {link.header.segment, offset};
  return Status::Ok();
}

bool Replayer::ReadRecord(const ChainLink& link, uint64_t offset, ParsedRecord* record) {
  if (!ParseRecord(KeyOf(link.header), content_.view(), offset, record)) return false;
  if (record->type != RecordType::kMark) return true;
  report_.synced = std::max(report_.synced, record->synced);
  return false;
}

Status Replayer::ReplayRecord(const ChainLink& link, uint64_t offset, const ParsedRecord& record,
                              bool* sealed) {
  report_.synced = std::max(report_.synced, record.synced);
  if (record.type == RecordType::kSeal) {
    *sealed = true;
    return CheckSeal(link, offset, record);
  }
  if (!IsUserType(record.type)) {
    return Status::Unimplemented(link.path + ": offset " + std::to_string(offset) +
                                 ": a record of unknown type " +
                                 std::to_string(static_cast<unsigned>(record.type)))
        .WithHint("open the directory with the version of nokv that wrote it, or a newer one");
  }
  ++report_.records;
  RecoveryReport::Type& count = report_.types[static_cast<size_t>(record.type) - 1];
  ++count.records;
  count.payload_bytes += record.payload.size();
  const uint64_t segment = link.header.segment;
  return visitor_({.type = record.type,
                   .payload = record.payload,
                   .start = {segment, offset},
                   .end = {segment, offset + record.size}});
}

Status Replayer::CheckSeal(const ChainLink& link, uint64_t offset,
                           const ParsedRecord& record) const {
  SegmentIndex index;
  if (!DecodeSegmentIndex(record.payload, &index) || index.end_offset != offset) {
    return Damage(link, offset, "the seal does not describe the segment");
  }
  return Status::Ok();
}

Status Replayer::ExamineTail(size_t index, LogPosition bad, bool* damage) {
  report_.cut_bytes = 0;
  report_.cut_records = 0;
  // The mark at the end of the log is no part of what is cut.
  ParsedRecord mark;
  const bool marked = ParseRecord(KeyOf(links_[index].header), content_.view(), bad.offset, &mark);
  *damage = ScanForMark(links_[index], content_.view(), bad.offset + (marked ? mark.size : 0), bad);
  SegmentContent content;
  for (size_t later = index + 1; later < links_.size() && !*damage; ++later) {
    RETURN_IF_ERROR(content.Load(fs_, links_[later].path, kSegmentHeaderBytes));
    *damage = ScanForMark(links_[later], content.view(), kSegmentHeaderBytes, bad);
  }
  report_.cut = report_.cut_bytes > 0;
  return Status::Ok();
}

bool Replayer::ScanForMark(const ChainLink& link, std::string_view content, uint64_t offset,
                           LogPosition bad) {
  if (offset > content.size()) return false;
  const uint64_t end = offset + LengthWithoutZeros(content.substr(offset));
  report_.cut_bytes += end - offset;
  while (offset < end) {
    ParsedRecord record;
    if (!ParseRecord(KeyOf(link.header), content, offset, &record)) {
      offset += kAlignment;
      continue;
    }
    if (record.synced > bad) return true;
    if (IsUserType(record.type)) ++report_.cut_records;
    offset += record.size;
  }
  return false;
}

// The documented number of what stopped a recovery.
Status Numbered(const Status& status) {
  if (status.IsCorruption()) return status.WithErrorNumber(1302);
  if (status.code() == StatusCode::kUnimplemented) return status.WithErrorNumber(1305);
  return status;
}

}  // namespace

Result<RecoveryReport> Recover(vfs::FileSystem& fs, const std::string& dir,
                               const RecoverOptions& options, const RecordVisitor& visitor) {
  Result<Chain> chain = FindChain(fs, dir, options.replay_from);
  if (!chain.ok()) return Numbered(chain.status());
  Result<RecoveryReport> report = Replayer(fs, options, visitor, *chain).Run();
  if (!report.ok()) return Numbered(report.status());
  report->highest_segment = chain->highest_segment;
  report->orphans = std::move(chain->orphans);
  return report;
}

}  // namespace nokv::wal
