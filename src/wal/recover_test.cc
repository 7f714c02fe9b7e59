#include "wal/recover.h"

#include "base/coding.h"
#include "base/crc32c.h"
#include "vfs/fault_fs.h"
#include "wal/wal_test_util.h"

namespace nokv::wal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A log whose first `synced` of `count` records are covered by the mark of the record after them.
std::unique_ptr<vfs::MemoryFileSystem> DiskWithLog(int synced, int count, LogPosition* mark) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  AppendRange(*log, 0, synced);
  auto end = log->Sync();
  EXPECT_TRUE(end.ok()) << end.status();
  EXPECT_TRUE(log->MarkSynced().ok());
  *mark = *end;
  AppendRange(*log, synced, count);
  return fs;
}

// A damaged mark in the header says nothing; the records say the rest.
bool InSyncedMark(uint64_t offset) {
  return offset >= kSyncedMarkOffset && offset < kSyncedMarkOffset + kSyncedMarkBytes;
}

TEST(WalRecoverTest, EmptyDirectoryHoldsAnEmptyLog) {
  auto fs = NewDisk();
  const Recovered recovered = ReadLog(*fs);
  ASSERT_TRUE(recovered.status.ok()) << recovered.status;
  EXPECT_EQ(recovered.report.end, LogPosition{});
  auto log = Restart(*fs, recovered.report);
  ASSERT_TRUE(log.ok()) << log.status();
  AppendRange(**log, 0, 2);
  EXPECT_EQ(ReadLog(*fs).payloads, PayloadsTo(2));
}

TEST(WalRecoverTest, ReplaysFromAPosition) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  AppendRange(*log, 0, 2);
  const LogPosition middle = log->CommittedEnd();
  AppendRange(*log, 2, 3);
  ASSERT_TRUE(log->Rotate().ok());
  AppendRange(*log, 3, 4);
  EXPECT_THAT(ReadLog(*fs, {.replay_from = middle}).payloads,
              ElementsAre(PayloadOf(2), PayloadOf(3)));
  EXPECT_THAT(ReadLog(*fs, {.replay_from = {2, 0}}).payloads, ElementsAre(PayloadOf(3)));
  EXPECT_TRUE(ReadLog(*fs, {.replay_from = {1, 99996}}).status.IsCorruption());
}

TEST(WalRecoverTest, VisitorErrorStopsTheReplay) {
  LogPosition mark;
  auto fs = DiskWithLog(2, 4, &mark);
  int visited = 0;
  const auto report = Recover(*fs, kDir, {}, [&](const RecordView&) {
    return ++visited == 2 ? Status::Aborted("enough") : Status::Ok();
  });
  EXPECT_EQ(report.status().code(), StatusCode::kAborted);
  EXPECT_EQ(visited, 2);
}

// Cuts the only segment at every length. What is recovered must be a prefix, and what is appended
// after the restart must follow it at the next recovery: a log that goes on behind a torn record
// loses everything written after the crash.
TEST(WalRecoverTest, GoesOnAfterATailTornAtAnyByte) {
  LogPosition mark;
  auto fs = DiskWithLog(2, 5, &mark);
  const std::string content = Content(*fs, SegmentPath(1));
  const uint64_t end = ReadLog(*fs).report.end.offset;
  for (uint64_t length = 0; length <= end + 1; ++length) {
    SCOPED_TRACE("cut at " + std::to_string(length));
    auto torn = NewDisk();
    CreateLog(*torn);
    ASSERT_TRUE(torn->Overwrite(SegmentPath(1), content.substr(0, length)).ok());
    const Recovered first = ReadLog(*torn);
    if (length >= end - 1) {
      ASSERT_EQ(first.payloads.size(), length >= end ? 5U : 4U);
    }
    if (length >= mark.offset + RecordBytes(static_cast<uint32_t>(PayloadOf(2).size()))) {
      ASSERT_GE(first.payloads.size(), 3U);
    }
    ASSERT_TRUE(first.status.ok()) << first.status;
    const int kept = static_cast<int>(first.payloads.size());
    ASSERT_EQ(first.payloads, PayloadsTo(kept));
    auto log = Restart(*torn, first.report);
    ASSERT_TRUE(log.ok()) << log.status();
    AppendRange(**log, kept, kept + 2);
    const Recovered second = ReadLog(*torn);
    ASSERT_TRUE(second.status.ok()) << second.status;
    ASSERT_EQ(second.payloads, PayloadsTo(kept + 2));
    ASSERT_FALSE(second.report.cut);
  }
}

TEST(WalRecoverTest, AnyFlippedByteBelowAMarkIsDamage) {
  LogPosition mark;
  auto fs = DiskWithLog(3, 4, &mark);
  const std::string content = Content(*fs, SegmentPath(1));
  for (uint64_t i = 0; i < mark.offset; ++i) {
    if (InSyncedMark(i)) continue;
    SCOPED_TRACE("byte " + std::to_string(i));
    std::string damaged = content;
    damaged[i] ^= 0x40;
    ASSERT_TRUE(fs->Overwrite(SegmentPath(1), damaged).ok());
    const Recovered recovered = ReadLog(*fs);
    ASSERT_TRUE(recovered.status.IsCorruption()) << recovered.status;
    ASSERT_THAT(std::string(recovered.status.message()), HasSubstr("00001.wal: offset "));
    ASSERT_THAT(std::string(recovered.status.hint()), HasSubstr("nothing was changed"));
    ASSERT_EQ(Content(*fs, SegmentPath(1)), damaged);
  }
}

TEST(WalRecoverTest, AMarkAtTheEndIsNoRecordAndNotCut) {
  LogPosition mark;
  auto fs = DiskWithLog(3, 3, &mark);
  const Recovered recovered = ReadLog(*fs);
  ASSERT_TRUE(recovered.status.ok()) << recovered.status;
  EXPECT_EQ(recovered.payloads, PayloadsTo(3));
  EXPECT_EQ(recovered.report.end, mark);
  EXPECT_EQ(recovered.report.synced, mark);
  EXPECT_FALSE(recovered.report.cut);
  EXPECT_EQ(recovered.report.records, 3U);
}

TEST(WalRecoverTest, ATornTailBehindAMarkIsCutWithoutIt) {
  LogPosition mark;
  auto fs = DiskWithLog(3, 3, &mark);
  const std::string marked = Content(*fs, SegmentPath(1));
  auto written = DiskWithLog(3, 5, &mark);
  // Of two records the first did not reach the disk: the mark that it replaced is still there.
  std::string content = Content(*written, SegmentPath(1));
  const uint64_t next = mark.offset + RecordBytes(static_cast<uint32_t>(PayloadOf(3).size()));
  content.replace(mark.offset, next - mark.offset, marked, mark.offset, next - mark.offset);
  ASSERT_TRUE(fs->Overwrite(SegmentPath(1), content).ok());
  const Recovered recovered = ReadLog(*fs);
  ASSERT_TRUE(recovered.status.ok()) << recovered.status;
  EXPECT_EQ(recovered.payloads, PayloadsTo(3));
  EXPECT_TRUE(recovered.report.cut);
  EXPECT_EQ(recovered.report.cut_records, 1U);
}

TEST(WalRecoverTest, FlippedByteAboveAllMarksIsATornTail) {
  LogPosition mark;
  auto fs = DiskWithLog(3, 6, &mark);
  const std::string content = Content(*fs, SegmentPath(1));
  const uint64_t end = ReadLog(*fs).report.end.offset;
  for (uint64_t i = mark.offset; i < end; ++i) {
    SCOPED_TRACE("byte " + std::to_string(i));
    std::string damaged = content;
    damaged[i] ^= 0x40;
    ASSERT_TRUE(fs->Overwrite(SegmentPath(1), damaged).ok());
    const Recovered recovered = ReadLog(*fs);
    ASSERT_TRUE(recovered.status.ok()) << recovered.status;
    const int kept = static_cast<int>(recovered.payloads.size());
    ASSERT_GE(kept, 3);
    ASSERT_LT(kept, 6);
    ASSERT_EQ(recovered.payloads, PayloadsTo(kept));
    ASSERT_TRUE(recovered.report.cut);
    ASSERT_GT(recovered.report.cut_bytes, 0U);
    ASSERT_EQ(recovered.report.cut_records, static_cast<uint64_t>(6 - kept - 1));
  }
}

TEST(WalRecoverTest, AnyFlippedByteOfAClosedLogIsDamageUpToItsSeal) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  AppendRange(*log, 0, 3);
  const uint64_t end = log->CommittedEnd().offset;
  ASSERT_TRUE(log->Close().ok());
  const std::string content = Content(*fs, SegmentPath(1));
  for (uint64_t i = 0; i < end; ++i) {
    if (InSyncedMark(i)) continue;
    std::string damaged = content;
    damaged[i] ^= 0x01;
    ASSERT_TRUE(fs->Overwrite(SegmentPath(1), damaged).ok());
    ASSERT_TRUE(ReadLog(*fs).status.IsCorruption()) << "byte " << i;
  }
}

TEST(WalRecoverTest, DamageBelowAMarkOfALaterSegmentIsFound) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  AppendRange(*log, 0, 2);
  ASSERT_TRUE(log->Rotate().ok());
  AppendRange(*log, 2, 3);
  ASSERT_TRUE(log->Sync().ok());
  AppendRange(*log, 3, 4);
  std::string damaged = Content(*fs, SegmentPath(1));
  damaged[kSegmentHeaderBytes + 5] ^= 0x01;
  ASSERT_TRUE(fs->Overwrite(SegmentPath(1), damaged).ok());
  const Status status = ReadLog(*fs).status;
  EXPECT_TRUE(status.IsCorruption());
  EXPECT_THAT(std::string(status.message()), HasSubstr("00001.wal: offset 64"));
}

TEST(WalRecoverTest, LogThatEndsBelowWhatTheCallerKnowsToBeSyncedIsDamaged) {
  LogPosition mark;
  auto fs = DiskWithLog(3, 3, &mark);
  EXPECT_TRUE(ReadLog(*fs, {.known_synced = mark}).status.ok());
  std::string damaged = Content(*fs, SegmentPath(1));
  damaged[mark.offset - 1] ^= 0x01;
  ASSERT_TRUE(fs->Overwrite(SegmentPath(1), damaged).ok());
  EXPECT_TRUE(ReadLog(*fs).status.IsCorruption()) << "the sync left its mark in the segment";
  std::fill_n(damaged.begin() + static_cast<ptrdiff_t>(mark.offset), kRecordHeaderBytes, '\0');
  ASSERT_TRUE(fs->Overwrite(SegmentPath(1), damaged).ok());
  EXPECT_TRUE(ReadLog(*fs).report.cut) << "no mark tells";
  EXPECT_TRUE(ReadLog(*fs, {.known_synced = mark}).status.IsCorruption());
  EXPECT_TRUE(ReadLog(*fs, {.known_synced = {2, 64}}).status.IsCorruption());
}

TEST(WalRecoverTest, ClosedLogWithoutTheNewestSegmentTheCallerKnowsOfIsDamaged) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  AppendRange(*log, 0, 2);
  ASSERT_TRUE(log->Close().ok());
  EXPECT_TRUE(ReadLog(*fs, {.known_synced = log->SyncedEnd()}).status.ok());
  EXPECT_TRUE(ReadLog(*fs, {.known_synced = {2, 64}}).status.IsCorruption());
}

TEST(WalRecoverTest, MissingSegmentIsNamed) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  for (int i = 0; i < 4; ++i) {
    AppendRange(*log, i, i + 1);
    ASSERT_TRUE(log->Rotate().ok());
  }
  ASSERT_TRUE(fs->Remove(SegmentPath(3)).ok());
  for (const LogPosition from : {LogPosition{}, LogPosition{2, 0}, LogPosition{3, 64}}) {
    const Status status = ReadLog(*fs, {.replay_from = from}).status;
    EXPECT_TRUE(status.IsCorruption());
    EXPECT_THAT(std::string(status.message()), HasSubstr("00003.wal"));
  }
  EXPECT_THAT(ReadLog(*fs, {.replay_from = {4, 0}}).payloads, ElementsAre(PayloadOf(3)));
  EXPECT_THAT(std::string(ReadLog(*fs, {.replay_from = {9, 0}}).status.message()),
              HasSubstr("00009.wal"));
}

TEST(WalRecoverTest, SegmentUnderAnotherNumberIsRefused) {
  LogPosition mark;
  auto fs = DiskWithLog(2, 2, &mark);
  ASSERT_TRUE(fs->Rename(SegmentPath(1), SegmentPath(2)).ok());
  EXPECT_TRUE(ReadLog(*fs).status.IsCorruption());
}

TEST(WalRecoverTest, StaleRecordOfAnotherSegmentIsNotReplayed) {
  LogPosition mark;
  auto fs = DiskWithLog(2, 2, &mark);
  const std::string content = Content(*fs, SegmentPath(1));
  const auto header = DecodeSegmentHeader(content);
  ASSERT_TRUE(header.ok());
  for (const SegmentKey& key : {SegmentKey{7, header->salt}, SegmentKey{1, header->salt + 1}}) {
    std::string stale(RecordBytes(8), 's');
    SealRecord(key, RecordType::kBatch, 8, {}, stale.data());
    std::string reused = content;
    reused.replace(mark.offset, stale.size(), stale);
    ASSERT_TRUE(fs->Overwrite(SegmentPath(1), reused).ok());
    const Recovered recovered = ReadLog(*fs);
    EXPECT_EQ(recovered.payloads, PayloadsTo(2));
    EXPECT_TRUE(recovered.report.cut);
    EXPECT_EQ(recovered.report.cut_records, 0U);
  }
}

TEST(WalRecoverTest, SegmentNumbersAreOrderedAsNumbers) {
  auto fs = NewDisk();
  RecoveryReport report;
  report.highest_segment = 99997;
  auto log = Restart(*fs, report);
  ASSERT_TRUE(log.ok()) << log.status();
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(i == 0 || (*log)->Rotate().ok());
    AppendRange(**log, i, i + 1);
  }
  const Recovered recovered = ReadLog(*fs);
  ASSERT_TRUE(recovered.status.ok()) << recovered.status;
  EXPECT_EQ(recovered.payloads, PayloadsTo(4));
  EXPECT_EQ(recovered.report.highest_segment, 100001U);
  ASSERT_TRUE((*log)->Sync().ok());
  ASSERT_TRUE((*log)->RemoveSegmentsBefore(100000).ok());
  EXPECT_EQ(ReadLog(*fs, {.replay_from = {100000, 0}}).payloads.size(), 2U);
}

TEST(WalRecoverTest, NewerFormatIsRefusedByName) {
  LogPosition mark;
  auto fs = DiskWithLog(2, 2, &mark);
  std::string content = Content(*fs, SegmentPath(1));
  base::StoreFixed32(content.data() + 8, 2);
  base::StoreFixed32(content.data() + 48,
                     base::MaskCrc(base::Crc32c(std::string_view(content).substr(0, 48))));
  ASSERT_TRUE(fs->Overwrite(SegmentPath(1), content).ok());
  const Status status = ReadLog(*fs).status;
  EXPECT_EQ(status.code(), StatusCode::kUnimplemented);
  EXPECT_THAT(
      std::string(status.message()),
      ::testing::AllOf(HasSubstr("00001.wal"), HasSubstr("format 2"), HasSubstr("format 1")));
}

TEST(WalRecoverTest, UnknownRecordTypeIsRefusedByPosition) {
  LogPosition mark;
  auto fs = DiskWithLog(2, 2, &mark);
  std::string content = Content(*fs, SegmentPath(1));
  const auto header = DecodeSegmentHeader(content);
  ASSERT_TRUE(header.ok());
  SealRecord({1, header->salt}, static_cast<RecordType>(42), 3, {}, content.data() + mark.offset);
  ASSERT_TRUE(fs->Overwrite(SegmentPath(1), content).ok());
  const Status status = ReadLog(*fs).status;
  EXPECT_EQ(status.code(), StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("type 42"));
}

TEST(WalRecoverTest, NewestSegmentThatHoldsNothingIsReplaced) {
  for (const std::string& nothing :
       {std::string(), std::string(10, 'x'), std::string(4096, '\0')}) {
    auto fs = NewDisk();
    auto log = CreateLog(*fs);
    AppendRange(*log, 0, 2);
    ASSERT_TRUE(log->Rotate().ok());
    ASSERT_TRUE(fs->Overwrite(SegmentPath(2), nothing).ok());
    const Recovered recovered = ReadLog(*fs);
    ASSERT_TRUE(recovered.status.ok()) << recovered.status;
    EXPECT_EQ(recovered.payloads, PayloadsTo(2));
    EXPECT_THAT(recovered.report.orphans, ElementsAre("00002.wal"));
    auto next = Restart(*fs, recovered.report);
    ASSERT_TRUE(next.ok()) << next.status();
    AppendRange(**next, 2, 4);
    EXPECT_EQ(ReadLog(*fs).payloads, PayloadsTo(4));
  }
}

TEST(WalRecoverTest, RestartCopiesWhatMayNotBeOnDisk) {
  LogPosition mark;
  auto fs = DiskWithLog(2, 5, &mark);
  const Recovered recovered = ReadLog(*fs);
  EXPECT_EQ(recovered.report.synced, mark);
  auto log = Restart(*fs, recovered.report);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ((*log)->SyncedEnd(), (*log)->CommittedEnd());
  // Even if the disk had nothing but what was synced.
  auto lost = fs->CrashClone(vfs::MemoryFileSystem::Loss::kEverything, 1);
  EXPECT_EQ(ReadLog(*lost).payloads, PayloadsTo(5));
  const std::string old = Content(*lost, SegmentPath(1));
  ASSERT_TRUE(lost->Overwrite(SegmentPath(1), old.substr(0, mark.offset)).ok());
  EXPECT_EQ(ReadLog(*lost).payloads, PayloadsTo(5));
  // What was copied counts as synced: damage to it is no torn tail.
  std::string damaged = Content(*lost, SegmentPath(2));
  damaged[kSegmentHeaderBytes + 1] ^= 0x01;
  ASSERT_TRUE(lost->Overwrite(SegmentPath(2), damaged).ok());
  EXPECT_TRUE(ReadLog(*lost).status.IsCorruption());
}

TEST(WalRecoverTest, AsksOnlyForDigestsOfSealedSegmentsThatAreOnDisk) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  for (int segment = 0; segment < 4; ++segment) {
    AppendRange(*log, segment * 10, segment * 10 + 3);
    ASSERT_TRUE(Append(*log, "digest", RecordType::kRaftState).ok());
    // The last two are not known to be synced.
    if (segment < 3) {
      ASSERT_TRUE(log->Sync().ok());
    }
    if (segment == 2) {
      ASSERT_TRUE(Append(*log, "digest", RecordType::kRaftState).ok());
    }
    if (segment < 3) {
      ASSERT_TRUE(log->Rotate().ok());
    }
  }
  std::vector<uint64_t> asked;
  const auto recover = [&](bool enough) {
    RecoverOptions options;
    options.digest = [&](const RecordView& record, const SegmentIndex& index) -> Result<bool> {
      EXPECT_EQ(record.payload, "digest");
      EXPECT_EQ(index.of(RecordType::kBatch).records, 3U);
      asked.push_back(record.start.segment);
      return enough;
    };
    return ReadLog(*fs, options);
  };
  const Recovered told = recover(true);
  EXPECT_THAT(asked, ElementsAre(1, 2));
  EXPECT_EQ(told.report.digests, 2U);
  EXPECT_EQ(told.report.records, 17U);
  EXPECT_EQ(told.payloads.size(), 9U);
  EXPECT_EQ(told.payloads.front(), PayloadOf(20));
  EXPECT_EQ(told.report.end, ReadLog(*fs).report.end);
  EXPECT_EQ(recover(false).payloads, ReadLog(*fs).payloads);
}

TEST(WalRecoverTest, RestartTellsWhereTheCopiedRecordsAre) {
  LogPosition mark;
  auto fs = DiskWithLog(2, 5, &mark);
  const Recovered recovered = ReadLog(*fs);
  std::vector<LogPosition> from;
  std::vector<LogPosition> to;
  auto log = Log::StartAfterRecovery(*fs, kDir, {.segment_bytes = 4096}, recovered.report,
                                     [&](LogPosition old, LogPosition now) {
                                       from.push_back(old);
                                       to.push_back(now);
                                     });
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_EQ(from.size(), 3U);
  EXPECT_EQ(from.front(), mark);
  const std::string segment = Content(*fs, SegmentPath(2));
  for (size_t i = 0; i < to.size(); ++i) {
    EXPECT_EQ(to[i].segment, 2U);
    const std::string payload = PayloadOf(static_cast<int>(i) + 2);
    EXPECT_EQ(segment.substr(to[i].offset + kRecordHeaderBytes, payload.size()), payload);
  }
}

TEST(WalRecoverTest, WhatWasCutStaysCut) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  AppendRange(*log, 0, 2);
  auto hole = log->Reserve(RecordType::kBatch, 10);
  ASSERT_TRUE(hole.ok());
  ASSERT_TRUE(log->Rotate().ok());
  AppendRange(*log, 90, 95);
  const Recovered first = ReadLog(*fs);
  EXPECT_TRUE(first.report.cut);
  EXPECT_EQ(first.report.cut_records, 5U);
  auto next = Restart(*fs, first.report);
  ASSERT_TRUE(next.ok()) << next.status();
  AppendRange(**next, 2, 4);
  const Recovered second = ReadLog(*fs);
  EXPECT_EQ(second.payloads, PayloadsTo(4));
  EXPECT_FALSE(second.report.cut);
  EXPECT_THAT(second.report.orphans, ElementsAre("00002.wal"));
  // The cut segment may go at any time.
  ASSERT_TRUE(fs->Remove(SegmentPath(2)).ok());
  EXPECT_EQ(ReadLog(*fs).payloads, PayloadsTo(4));
}

TEST(WalRecoverTest, RestartFromAReplayPositionCopiesOnlyWhatFollowsIt) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  AppendRange(*log, 0, 3);
  const LogPosition from = log->CommittedEnd();
  AppendRange(*log, 3, 5);
  const Recovered recovered = ReadLog(*fs, {.replay_from = from});
  auto next = Restart(*fs, recovered.report);
  ASSERT_TRUE(next.ok()) << next.status();
  AppendRange(**next, 5, 6);
  EXPECT_THAT(ReadLog(*fs, {.replay_from = from}).payloads,
              ElementsAre(PayloadOf(3), PayloadOf(4), PayloadOf(5)));
}

TEST(WalRecoverTest, RecoveryChangesNoByte) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  AppendRange(*log, 0, 200);
  auto hole = log->Reserve(RecordType::kBatch, 10);
  ASSERT_TRUE(hole.ok());
  AppendRange(*log, 201, 203);
  const auto before = AllFiles(*fs);
  const Recovered recovered = ReadLog(*fs);
  EXPECT_TRUE(recovered.report.cut);
  EXPECT_EQ(AllFiles(*fs), before);
}

// A writer fills a hole, syncs and appends between the reader's looks at two segments: the mark
// that the reader then finds says that the hole, as it saw it, is damage.
TEST(WalRecoverTest, ReaderBesideALiveWriterTakesNoLateRecordForDamage) {
  auto fs = NewDisk();
  auto faults = vfs::NewFaultFileSystem(*fs);
  auto log = CreateLog(*fs);
  AppendRange(*log, 0, 2);
  auto hole = log->Reserve(RecordType::kBatch, static_cast<uint32_t>(PayloadOf(2).size()));
  ASSERT_TRUE(hole.ok());
  ASSERT_TRUE(log->Rotate().ok());
  faults->SetObserver([&](const vfs::Operation& operation) {
    if (operation.op == vfs::Op::kRead && operation.path == SegmentPath(2) &&
        operation.offset == kSegmentHeaderBytes && log->CommittedEnd() == hole->start) {
      std::memcpy(hole->payload, PayloadOf(2).data(), hole->payload_bytes);
      EXPECT_TRUE(log->Commit(*hole).ok());
      EXPECT_TRUE(log->Sync().ok());
      AppendRange(*log, 3, 5);
    }
    return vfs::Fault{};
  });
  const Recovered recovered = ReadLog(*faults);
  ASSERT_TRUE(recovered.status.ok()) << recovered.status;
  EXPECT_EQ(recovered.payloads, PayloadsTo(5));
  EXPECT_FALSE(recovered.report.cut);
}

TEST(WalRecoverTest, ReadsNothingBeforeTheReplayPosition) {
  LogPosition mark;
  auto fs = DiskWithLog(20, 20, &mark);
  auto faults = vfs::NewFaultFileSystem(*fs);
  uint64_t first = UINT64_MAX;
  faults->SetObserver([&](const vfs::Operation& operation) {
    if (operation.op == vfs::Op::kRead && operation.offset != 0) {
      first = std::min(first, operation.offset);
    }
    return vfs::Fault{};
  });
  RecoverOptions options;
  options.replay_from = mark;
  const auto report = Recover(*faults, kDir, options, [](const auto&) { return Status::Ok(); });
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(first, mark.offset);
}

TEST(WalRecoverTest, AReadThatEndsEarlyIsNoEndOfTheLog) {
  LogPosition mark;
  auto fs = DiskWithLog(20, 20, &mark);
  auto faults = vfs::NewFaultFileSystem(*fs);
  faults->SetObserver([&](const vfs::Operation& operation) {
    vfs::Fault fault;
    fault.short_read = operation.op == vfs::Op::kRead && operation.offset != 0;
    fault.partial_bytes = mark.offset / 2;
    return fault;
  });
  const auto report = Recover(*faults, kDir, {}, [](const auto&) { return Status::Ok(); });
  EXPECT_EQ(report.status().code(), StatusCode::kUnavailable) << report.status();
}

TEST(WalRecoverTest, TemporaryFilesAreRemovedAtTheRestart) {
  LogPosition mark;
  auto fs = DiskWithLog(2, 2, &mark);
  ASSERT_TRUE(fs->CreateAppend(vfs::JoinPath(kDir, "00002.wal.tmp")).ok());
  const Recovered recovered = ReadLog(*fs);
  EXPECT_THAT(recovered.report.orphans, ElementsAre("00002.wal.tmp"));
  auto log = Restart(*fs, recovered.report);
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_THAT(ReadLog(*fs).report.orphans, IsEmpty());
}

}  // namespace
}  // namespace nokv::wal
