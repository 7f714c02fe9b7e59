// How a log starts: empty, or after what a recovery found.
#include <cstring>

#include "base/macros.h"
#include "wal/log.h"
#include "wal/recover.h"

namespace nokv::wal {
namespace {

// Earlier versions kept a file of zeros for the next segment.
constexpr std::string_view kOldSpareFileName = "spare.wal.tmp";

// Bytes of records between what is known to be on disk and the end.
uint64_t UnsyncedBytes(const RecoveryReport& report) {
  uint64_t bytes = 0;
  for (const LiveSegment& segment : report.segments) {
    const LogPosition begin{segment.number, segment.begin};
    const LogPosition end{segment.number, segment.end};
    if (end <= report.synced) continue;
    bytes += segment.end - (begin < report.synced && report.synced.segment == segment.number
                                ? report.synced.offset
                                : segment.begin);
  }
  return bytes;
}

// Copies the records between what is known to be on disk and the end into `segment`.
Status CopyUnsynced(vfs::FileSystem& fs, const std::string& dir, const RecoveryReport& report,
                    const CopyObserver& copied, Segment& segment) {
  const Status changed =
      Status::FailedPrecondition("the log in " + dir + " changed after it was recovered");
  const auto copy = [&](const RecordView& record) -> Status {
    const auto bytes = static_cast<uint32_t>(record.payload.size());
    if (record.start >= report.end || !segment.Fits(RecordBytes(bytes))) return changed;
    const uint64_t offset = segment.Reserve(record.type, bytes);
    std::memcpy(segment.data() + offset + kRecordHeaderBytes, record.payload.data(), bytes);
    if (copied) copied(record.start, {segment.number(), offset});
    return segment.Write(record.type, offset, bytes, report.synced);
  };
  const RecoverOptions options{.replay_from = report.synced, .known_synced = report.synced};
  ASSIGN_OR_RETURN(const RecoveryReport again, Recover(fs, dir, options, copy));
  return again.end == report.end ? Status::Ok() : changed;
}

}  // namespace

Result<std::unique_ptr<Log>> Log::Create(vfs::FileSystem& fs, const std::string& dir,
                                         const LogOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(dir));
  for (const std::string& name : names) {
    uint64_t segment = 0;
    if (ParseSegmentFileName(name, &segment)) {
      return Status::FailedPrecondition("create a log in " + dir + ": " + name + " is there")
          .WithHint("recover the log that is there, or choose an empty directory");
    }
  }
  return StartAfterRecovery(fs, dir, options, RecoveryReport());
}

Result<std::unique_ptr<Log>> Log::StartAfterRecovery(vfs::FileSystem& fs, const std::string& dir,
                                                     const LogOptions& options,
                                                     const RecoveryReport& report,
                                                     const CopyObserver& copied) {
  std::set<uint64_t> files;
  ASSIGN_OR_RETURN(const std::vector<std::string> names, fs.List(dir));
  for (const std::string& name : names) {
    uint64_t segment = 0;
    if (ParseSegmentFileName(name, &segment)) files.insert(segment);
    if (name == kOldSpareFileName || ParseTemporaryFileName(name, &segment)) {
      RETURN_IF_ERROR(fs.Remove(vfs::JoinPath(dir, name)));
    }
  }
  SegmentHeader header;
  header.segment = report.highest_segment + 1;
  header.resume = report.synced;
  header.salt = SegmentSalt(options, header.segment);
  ASSIGN_OR_RETURN(auto first,
                   Segment::Create(fs, dir, header, options.segment_bytes, UnsyncedBytes(report)));
  if (report.synced < report.end) RETURN_IF_ERROR(CopyUnsynced(fs, dir, report, copied, *first));
  RETURN_IF_ERROR(first->Publish());
  return std::unique_ptr<Log>(new Log(fs, dir, options, std::move(first), std::move(files)));
}

}  // namespace nokv::wal
