// Recover: reads what the log holds, and tells a tail that a crash tore from damage to what was
// safely on disk.
//
// Every record carries the position up to which the log was known to be synced when the record was
// written. An unreadable record below such a mark is damage, and nothing is returned but the error.
// Above all marks it is the end of the log: what follows was never synced, so that it is not there
// breaks no promise, and the records returned are a prefix of those written.
//
// Recover writes nothing and may run beside a live writer: it then returns some prefix of the log.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "nokv/status.h"
#include "vfs/vfs.h"
#include "wal/format.h"

namespace nokv::wal {

struct RecordView {
  RecordType type = RecordType::kBatch;
  std::string_view payload;  // valid during the call
  LogPosition start = {};
  LogPosition end = {};

  LogPosition payload_position() const {
    return {start.segment, start.offset + kRecordHeaderBytes};
  }
};

// Called for each record in log order; an error stops the recovery and is its result.
using RecordVisitor = std::function<Status(const RecordView&)>;

// Asked about the last record of a type in a sealed segment that holds what `index` says. True: it
// told all that there is to know.
using DigestVisitor = std::function<Result<bool>(const RecordView&, const SegmentIndex& index)>;

struct RecoverOptions {
  // Where to start: the start or end of a record, offset 0 for the start of the segment. {0, 0}:
  // with the oldest segment there is. Nothing before it is looked at.
  LogPosition replay_from = {};
  // The caller knows from elsewhere (the manifest) that the log was synced up to here.
  LogPosition known_synced = {};
  // A segment that is sealed and known to be on disk is not read if the last record of
  // `digest_type` in it is enough for `digest`; damage to its other records is then not noticed.
  // Without `digest` everything is read.
  RecordType digest_type = RecordType::kRaftState;
  DigestVisitor digest = nullptr;
};

// A segment that is part of the log, and the part of it that is: [begin, end).
struct LiveSegment {
  uint64_t number = 0;
  uint64_t begin = 0;
  uint64_t end = 0;
};

struct RecoveryReport {
  LogPosition end;     // of the last record; {0, 0} if there is no segment
  LogPosition synced;  // what is known to be on disk; what lies between this and `end` may not be
  std::vector<LiveSegment> segments;  // that the log consists of from `replay_from` on, in order
  uint64_t highest_segment = 0;       // of all segments in the directory, 0 if there is none
  uint64_t records = 0;
  uint64_t digests = 0;  // segments that were not read but for their end
  struct Type {
    uint64_t records = 0;
    uint64_t payload_bytes = 0;
  };
  std::array<Type, kUserTypes> types;  // of RecordType i + 1

  // The torn tail, if there was one: bytes after `end` that are not zero, up to the last such.
  bool cut = false;
  uint64_t cut_bytes = 0;
  // Whole records that were found in the torn tail, behind a hole. They were never acknowledged as
  // synced and are not part of the log.
  uint64_t cut_records = 0;

  // Names of files that are not part of the log: segments that an earlier recovery cut off, which
  // go when segments are next removed, and temporary files, which go when the log is started.
  std::vector<std::string> orphans;
};

// Replays the log in `dir` from `options.replay_from`.
// kDataLoss, naming file and offset, if something that must be there is missing or damaged;
// kUnimplemented if a file is of a newer format; an I/O error as it is. `fs` is borrowed.
Result<RecoveryReport> Recover(vfs::FileSystem& fs, const std::string& dir,
                               const RecoverOptions& options, const RecordVisitor& visitor);

}  // namespace nokv::wal
