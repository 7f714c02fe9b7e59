// Segment: one file of the log while it is being written. A segment gets its name only when its
// header, and whatever was copied into it, is durable, so a file named as a segment always starts
// with a valid header.
//
// Thread safety: the places that Reserve gives may be filled and declared by many threads at once;
// everything else is thread-compatible (the log's lock guards it).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "nokv/status.h"
#include "vfs/vfs.h"
#include "wal/format.h"

namespace nokv::wal {

class Segment {
 public:
  // Creates the temporary file of segment `header.segment` in `dir` with room for `record_bytes` of
  // records and the seal, or `file_bytes` in all if that is more. `fs` is borrowed.
  static Result<std::unique_ptr<Segment>> Create(vfs::FileSystem& fs, const std::string& dir,
                                                 const SegmentHeader& header, uint64_t file_bytes,
                                                 uint64_t record_bytes);

  // Writes the header, with what was reserved so far as its synced part, makes everything durable
  // and gives the file its name. The records reserved so far must have been written.
  Status Publish();

  uint64_t number() const { return header_.segment; }
  SegmentKey key() const { return {header_.segment, header_.salt}; }
  const std::string& path() const { return path_; }
  // Where the next record goes.
  LogPosition end() const { return {header_.segment, index_.end_offset}; }
  // True if a record of `record_bytes` and the seal fit.
  bool Fits(uint64_t record_bytes) const;

  // Takes the next `RecordBytes(payload_bytes)` and returns their offset. REQUIRES: Fits.
  uint64_t Reserve(RecordType type, uint32_t payload_bytes);
  // The first byte of the file in memory.
  char* data() { return file_->data(); }
  // Completes the record at `offset`, whose payload is in place.
  Status Write(RecordType type, uint64_t offset, uint32_t payload_bytes, LogPosition synced);
  // Completes the one at `record`, which is memory of the caller's, and writes it to `offset`.
  Status WriteFrom(char* record, RecordType type, uint64_t offset, uint32_t payload_bytes,
                   LogPosition synced);

  // Writes the seal after the last record; nothing can be reserved afterwards. The records need not
  // be complete yet.
  Status Seal(LogPosition synced);
  bool sealed() const { return sealed_end_ != 0; }

  // Sync will be called often, for few records each: it shall write no more than them.
  void ExpectSyncs() { expects_syncs_ = true; }
  bool expects_syncs() const { return expects_syncs_; }
  // Where the first page begins that holds nothing: neither records nor a mark.
  uint64_t UnusedFrom() const;
  // Has memory brought for [`begin`, `end`), which holds nothing: see vfs::MappedFile.
  void BringMemory(uint64_t begin, uint64_t end) { file_->ExpectStores(begin, end - begin); }
  // Makes the file ready for many syncs: see vfs::MappedFile. Thread-safe, but for Close.
  Status WriteAhead(uint64_t offset, uint64_t length) {
    return file_->WriteAhead(offset, length).Prefixed(path_);
  }
  uint64_t file_bytes() const { return file_->size(); }
  // Makes everything written before the call durable.
  Status Sync() { return file_->Sync().Prefixed(path_); }
  // Notes at the end of the records, where the next one goes, that all of them are synced. The note
  // is not synced by itself. REQUIRES: not sealed.
  Status MarkEnd();
  // Notes in the header that everything before `offset` is synced. REQUIRES: as MarkEnd.
  Status MarkHeader(uint64_t offset);
  // Cuts the file after its seal. REQUIRES: sealed, and every record written.
  Status Close() { return file_->Close(sealed_end_).Prefixed(path_); }

 private:
  // Has memory brought for what is stored from `offset` on, if that is due; see vfs::MappedFile.
  void ExpectStores(uint64_t offset);

  // `temporary_name` is the file's name until Publish.
  Segment(vfs::FileSystem& fs, std::string dir, std::string temporary_name,
          const SegmentHeader& header, std::unique_ptr<vfs::MappedFile> file);

  vfs::FileSystem& fs_;
  const std::string dir_;
  const std::string temporary_name_;
  const std::string path_;
  SegmentHeader header_;
  std::unique_ptr<vfs::MappedFile> file_;
  SegmentIndex index_;
  uint64_t sealed_end_ = 0;  // the end of the seal, 0 before there is one
  bool expects_syncs_ = false;
  uint64_t expected_end_ = 0;  // memory was asked for up to here
};

}  // namespace nokv::wal
