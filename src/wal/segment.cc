#include "wal/segment.h"

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/macros.h"

namespace nokv::wal {
namespace {

constexpr uint64_t kSealBytes = RecordBytes(kSegmentIndexBytes);
// What memory is asked for at a time. Whoever reserves waits for it, so it is little.
constexpr uint64_t kExpectedBytes = uint64_t{64} << 10;
constexpr uint64_t kPageBytes = 4096;

constexpr uint64_t RoundUp(uint64_t offset, uint64_t unit) {
  return (offset + unit - 1) / unit * unit;
}

}  // namespace

Segment::Segment(vfs::FileSystem& fs, std::string dir, std::string temporary_name,
                 const SegmentHeader& header, std::unique_ptr<vfs::MappedFile> file)
    : fs_(fs),
      dir_(std::move(dir)),
      temporary_name_(std::move(temporary_name)),
      path_(vfs::JoinPath(dir_, SegmentFileName(header.segment))),
      header_(header),
      file_(std::move(file)) {}

Result<std::unique_ptr<Segment>> Segment::Create(vfs::FileSystem& fs, const std::string& dir,
                                                 const SegmentHeader& header, uint64_t file_bytes,
                                                 uint64_t record_bytes) {
  const std::string name = TemporaryFileName(header.segment);
  const uint64_t size = std::max(file_bytes, kSegmentHeaderBytes + record_bytes + kSealBytes);
  ASSIGN_OR_RETURN(auto file, fs.CreateMapped(vfs::JoinPath(dir, name), size));
  return std::unique_ptr<Segment>(new Segment(fs, dir, name, header, std::move(file)));
}

Status Segment::Publish() {
  header_.synced_offset = index_.end_offset;
  EncodeSegmentHeader(header_, data());
  RETURN_IF_ERROR(file_->Written(0, kSegmentHeaderBytes));
  RETURN_IF_ERROR(file_->Sync());
  RETURN_IF_ERROR(fs_.Rename(vfs::JoinPath(dir_, temporary_name_), path_));
  return fs_.SyncDir(dir_);
}

bool Segment::Fits(uint64_t record_bytes) const {
  return record_bytes + kSealBytes <= file_->size() - index_.end_offset;
}

uint64_t Segment::Reserve(RecordType type, uint32_t payload_bytes) {
  const uint64_t bytes = RecordBytes(payload_bytes);
  NOKV_CHECK(!sealed() && Fits(bytes)) << path_ << ": no room for " << bytes << " bytes";
  const uint64_t offset = index_.end_offset;
  index_.Add(type, offset + kRecordHeaderBytes, payload_bytes);
  index_.end_offset += bytes;
  ExpectStores(offset);
  return offset;
}

uint64_t Segment::UnusedFrom() const {
  return RoundUp(index_.end_offset + RecordBytes(0), kPageBytes);
}

void Segment::ExpectStores(uint64_t offset) {
  const uint64_t end = index_.end_offset;
  if (expects_syncs_ || end <= expected_end_) return;
  // In the page where the record begins others may be storing.
  const uint64_t begin = std::max(expected_end_, RoundUp(offset, kPageBytes));
  expected_end_ = std::min(RoundUp(end, kExpectedBytes), file_->size());
  // A long record is stored by one that pays for itself, beside the others.
  if (begin >= expected_end_ || end - offset > kExpectedBytes) return;
  BringMemory(begin, expected_end_);
}

Status Segment::Write(RecordType type, uint64_t offset, uint32_t payload_bytes,
                      LogPosition synced) {
  SealRecord(key(), type, payload_bytes, synced, data() + offset);
  return file_->Written(offset, RecordBytes(payload_bytes));
}

Status Segment::WriteFrom(char* record, RecordType type, uint64_t offset, uint32_t payload_bytes,
                          LogPosition synced) {
  SealRecord(key(), type, payload_bytes, synced, record);
  return file_->WriteAt(offset, {record, RecordBytes(payload_bytes)});
}

Status Segment::Seal(LogPosition synced) {
  NOKV_CHECK(!sealed()) << path_ << ": sealed already";
  const uint64_t offset = index_.end_offset;
  EncodeSegmentIndex(index_, data() + offset + kRecordHeaderBytes);
  sealed_end_ = offset + kSealBytes;
  return Write(RecordType::kSeal, offset, kSegmentIndexBytes, synced);
}

Status Segment::MarkEnd() {
  NOKV_CHECK(!sealed()) << path_ << ": sealed already";
  // There is room: a seal would fit, which is longer.
  const uint64_t offset = index_.end_offset;
  if (!expects_syncs_) return Write(RecordType::kMark, offset, 0, end()).Prefixed(path_);
  std::array<char, RecordBytes(0)> mark;
  return WriteFrom(mark.data(), RecordType::kMark, offset, 0, end()).Prefixed(path_);
}

Status Segment::MarkHeader(uint64_t offset) {
  EncodeSyncedMark(key(), offset, data());
  return file_->Written(kSyncedMarkOffset, kSyncedMarkBytes).Prefixed(path_);
}

}  // namespace nokv::wal
