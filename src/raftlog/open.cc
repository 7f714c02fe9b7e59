// How a raft log comes back: the start file, the records from there on, and a new segment.
#include <string>
#include <utility>

#include "base/macros.h"
#include "raftlog/raft_log.h"
#include "raftlog/replay.h"
#include "raftlog/start_file.h"

namespace nokv::raftlog {

Result<std::unique_ptr<RaftLog>> RaftLog::Open(vfs::FileSystem& fs, const std::string& dir,
                                               const RaftLogOptions& options) {
  std::unique_ptr<RaftLog> log(new RaftLog(fs, dir, options));
  RETURN_IF_ERROR(log->Recover().Prefixed("open the raft log"));
  return log;
}

Status RaftLog::CheckStart(std::optional<uint64_t> start) const {
  // A log whose creation was interrupted has one segment, which is empty.
  const bool nothing_written = recovery_.records == 0 && recovery_.highest_segment <= 1;
  if (start.has_value() || nothing_written) return Status::Ok();
  return Status::Corruption(vfs::JoinPath(dir_, kStartFileName) +
                            ": the file is missing, but there are segments; nothing was changed")
      .WithHint("restore the file from where the directory was copied")
      .WithErrorNumber(1308);
}

Status RaftLog::Recover() {
  ASSIGN_OR_RETURN(const std::optional<uint64_t> start, ReadStartFile(fs_, dir_));
  Replay replay;
  wal::RecoverOptions options{.replay_from = {start.value_or(0), 0}};
  options.digest_type = wal::RecordType::kRaftState;
  options.digest = [&](const auto& record, const auto& index) {
    return replay.VisitDigest(record, index);
  };
  ASSIGN_OR_RETURN(recovery_, wal::Recover(fs_, dir_, options, [&](const auto& record) {
                     return replay.Visit(record);
                   }));
  RETURN_IF_ERROR(CheckStart(start));
  RETURN_IF_ERROR(replay.Check(dir_));
  if (recovery_.cut) {
    options_.logger->Warning("raft log " + dir_ + " ends in a torn tail at " +
                             ToString(recovery_.end) + "; " + std::to_string(recovery_.cut_bytes) +
                             " bytes that were never acknowledged as synced were cut off");
  }

  std::map<wal::LogPosition, wal::LogPosition> copied;
  ASSIGN_OR_RETURN(
      log_,
      wal::Log::StartAfterRecovery(
          fs_, dir_, {.segment_bytes = options_.segment_bytes, .salt_seed = options_.salt_seed},
          recovery_, [&](auto from, auto to) { copied.emplace(from, to); }));
  appended_end_ = log_->CommittedEnd();
  digest_covers_ = copied.empty();
  const base::MutexLock lock(mu_);
  uses_.set_now(appended_end_);
  for (const wal::LiveSegment& segment : recovery_.segments) {
    // The log goes on in the new segment from there; what lay behind was copied.
    if (segment.number > recovery_.synced.segment) break;
    uses_.SetFileBytes(segment.number, segment.end);
  }
  uses_.SetFileBytes(appended_end_.segment, appended_end_.offset);
  groups_ = replay.TakeGroups(copied, &uses_);
  start_segment_ = start.value_or(uses_.uses().begin()->first);
  return start.has_value() ? Status::Ok() : WriteStartFile(fs_, dir_, start_segment_);
}

}  // namespace nokv::raftlog
