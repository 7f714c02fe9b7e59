#include "wal/log.h"

#include <atomic>
#include <cerrno>
#include <set>

#include "runtime/runtime.h"
#include "vfs/fault_fs.h"
#include "wal/wal_test_util.h"

namespace nokv::wal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(WalLogTest, ReplaysEveryTypeInOrder) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  ASSERT_TRUE(Append(*log, "a batch", RecordType::kBatch).ok());
  ASSERT_TRUE(Append(*log, "", RecordType::kRaftEntries).ok());
  ASSERT_TRUE(Append(*log, std::string(1000, 's'), RecordType::kRaftState).ok());
  std::vector<RecordType> types;
  const auto report = Recover(*fs, kDir, {}, [&](const RecordView& record) {
    types.push_back(record.type);
    return Status::Ok();
  });
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(types,
              ElementsAre(RecordType::kBatch, RecordType::kRaftEntries, RecordType::kRaftState));
  EXPECT_EQ(ReadLog(*fs).payloads,
            (std::vector<std::string>{"a batch", "", std::string(1000, 's')}));
  EXPECT_EQ(report->end, log->CommittedEnd());
  EXPECT_FALSE(report->cut);
  EXPECT_EQ(report->types[2].payload_bytes, 1000U);
}

TEST(WalLogTest, PayloadsLieWhereTheirReservationsSay) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  AppendRange(*log, 0, 3);
  auto place = log->Reserve(RecordType::kBatch, 5);
  ASSERT_TRUE(place.ok()) << place.status();
  std::memcpy(place->payload, "value", 5);
  ASSERT_TRUE(log->Commit(*place).ok());
  const LogPosition position = place->payload_position();
  EXPECT_EQ(Content(*fs, SegmentPath(position.segment)).substr(position.offset, 5), "value");
}

TEST(WalLogTest, TheDeviceIsWrittenAheadOfTheRecordsAPieceAtATime) {
  constexpr uint64_t kPiece = kWriteAheadBytes;
  auto disk = NewDisk();
  auto fs = vfs::NewFaultFileSystem(*disk);
  auto log = CreateLog(*fs, 11 * kPiece);
  std::vector<std::pair<uint64_t, uint64_t>> written;  // begin and end
  fs->SetObserver([&](const vfs::Operation& operation) {
    if (operation.op == vfs::Op::kWriteAhead) {
      written.emplace_back(operation.offset, operation.offset + operation.length);
    }
    return vfs::Fault{};
  });
  const auto ahead = [&] {
    written.clear();
    for (bool ready = false; !ready;) {
      const auto done = log->WriteAhead();
      ASSERT_TRUE(done.ok()) << done.status();
      ready = *done;
    }
  };
  using Ranges = std::vector<std::pair<uint64_t, uint64_t>>;
  ahead();
  constexpr uint64_t kPage = 4096;
  Ranges expected = {{kPage, kPiece}};
  for (uint64_t i = 1; i < 9; i++) expected.emplace_back(i * kPiece, (i + 1) * kPiece);
  EXPECT_EQ(written, expected) << "eight, and the rest of the first one, but not where a record is";
  ahead();
  EXPECT_EQ(written, Ranges{}) << "enough lies ready";
  ASSERT_TRUE(Append(*log, std::string(kPiece, 'x')).ok());
  ahead();
  EXPECT_EQ(written, (Ranges{{9 * kPiece, 10 * kPiece}}));
  ASSERT_TRUE(Append(*log, std::string(3 * kPiece, 'x')).ok());
  ahead();
  EXPECT_EQ(written, (Ranges{{10 * kPiece, 11 * kPiece}})) << "up to the end of the file";
  ASSERT_TRUE(log->Rotate().ok());
  ahead();
  EXPECT_EQ(written.size(), 9U) << "another segment";
  EXPECT_EQ(ReadLog(*disk).payloads.size(), 2U);
}

// The device gets zeros there: they must not take the place of anything.
TEST(WalLogTest, WritingAheadTouchesNeitherRecordsNorMarks) {
  const TempDir dir;
  vfs::FileSystem& fs = vfs::PosixFileSystem();
  auto created = Log::Create(fs, dir.path(), {.segment_bytes = 8 * kWriteAheadBytes});
  ASSERT_TRUE(created.ok()) << created.status();
  Log& log = **created;
  std::vector<std::string> expected;
  // The mark lies across the end of a page.
  const uint64_t first = 4096 - 16 - kSegmentHeaderBytes - kRecordHeaderBytes;
  for (uint64_t bytes = first; expected.size() < 300; bytes = 1000) {
    expected.emplace_back(bytes, static_cast<char>('a' + expected.size() % 26));
    ASSERT_TRUE(Append(log, expected.back()).ok());
    ASSERT_TRUE(log.Sync().ok());
    ASSERT_TRUE(log.MarkSynced().ok());
    ASSERT_TRUE(log.WriteAhead().ok());
    if (expected.size() == 1) {
      const std::string path = vfs::JoinPath(dir.path(), SegmentFileName(1));
      const std::string mark = Content(fs, path).substr(4096 - 16, kRecordHeaderBytes);
      EXPECT_NE(mark.substr(16), std::string(24, '\0')) << "cut at the page";
    }
  }
  created->reset();
  const Recovered recovered = ReadLog(fs, {}, dir.path());
  ASSERT_TRUE(recovered.status.ok()) << recovered.status;
  EXPECT_EQ(recovered.payloads, expected);
}

TEST(WalLogTest, AnErrorOfWritingAheadIsFinal) {
  auto disk = NewDisk();
  auto fs = vfs::NewFaultFileSystem(*disk);
  auto log = CreateLog(*fs, kWriteAheadBytes);
  AppendRange(*log, 0, 1);
  fs->SetObserver([](const vfs::Operation& operation) {
    return vfs::Fault{.error_number = operation.op == vfs::Op::kWriteAhead ? EIO : 0};
  });
  const Status failed = log->WriteAhead().status();
  EXPECT_FALSE(failed.ok());
  EXPECT_EQ(log->Sync().status().message(), failed.message()) << "the device told it only once";
}

TEST(WalLogTest, RefusesTypesAndSizesWithoutEndingTheLog) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  EXPECT_EQ(log->Reserve(RecordType::kSeal, 1).status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(log->Reserve(RecordType::kBatch, kMaxPayloadBytes + 1).status().code(),
            StatusCode::kInvalidArgument);
  EXPECT_TRUE(Append(*log, "still fine").ok());
}

TEST(WalLogTest, SealsASegmentWithItsIndexAndGoesOnInTheNext) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs, 4096);
  AppendRange(*log, 0, 200);
  ASSERT_GE(log->GetStats().active_segment, 3U);
  ASSERT_TRUE(log->Sync().ok());
  EXPECT_EQ(ReadLog(*fs).payloads, PayloadsTo(200));

  // A synced segment is cut after its seal, whose index agrees with the records.
  const std::string content = Content(*fs, SegmentPath(1));
  const auto header = DecodeSegmentHeader(content);
  ASSERT_TRUE(header.ok()) << header.status();
  const SegmentKey key{header->segment, header->salt};
  SegmentIndex expected;
  uint64_t offset = kSegmentHeaderBytes;
  ParsedRecord record;
  while (ParseRecord(key, content, offset, &record) && record.type != RecordType::kSeal) {
    expected.Add(record.type, offset + kRecordHeaderBytes,
                 static_cast<uint32_t>(record.payload.size()));
    offset += record.size;
    expected.end_offset = offset;
  }
  EXPECT_EQ(record.type, RecordType::kSeal);
  EXPECT_EQ(offset + record.size, content.size());
  SegmentIndex index;
  ASSERT_TRUE(DecodeSegmentIndex(record.payload, &index));
  EXPECT_EQ(index, expected);
}

TEST(WalLogTest, RecordLargerThanASegmentGetsASegmentOfItsOwn) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs, 4096);
  const std::string large(100000, 'L');
  ASSERT_TRUE(Append(*log, "before").ok());
  ASSERT_TRUE(Append(*log, large).ok());
  ASSERT_TRUE(Append(*log, "after").ok());
  EXPECT_EQ(ReadLog(*fs).payloads, (std::vector<std::string>{"before", large, "after"}));
  EXPECT_EQ(log->GetStats().segment_count, 3U);
}

TEST(WalLogTest, UncommittedReservationHoldsBackWhatFollows) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  AppendRange(*log, 0, 2);
  const LogPosition before = log->CommittedEnd();
  auto hole = log->Reserve(RecordType::kBatch, 10);
  ASSERT_TRUE(hole.ok()) << hole.status();
  auto after = Append(*log, "behind the hole");
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(*after, before);
  EXPECT_EQ(log->CommittedEnd(), before);
  const Recovered recovered = ReadLog(*fs);
  EXPECT_EQ(recovered.payloads, PayloadsTo(2));
  EXPECT_TRUE(recovered.report.cut);
  EXPECT_EQ(recovered.report.cut_records, 1U);

  std::memset(hole->payload, 'h', 10);
  auto filled = log->Commit(*hole);
  ASSERT_TRUE(filled.ok()) << filled.status();
  EXPECT_GT(*filled, hole->end);
  EXPECT_EQ(ReadLog(*fs).payloads.size(), 4U);
}

TEST(WalLogTest, HoleInASealedSegmentHoldsBackTheNextSegment) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  auto hole = log->Reserve(RecordType::kBatch, 10);
  ASSERT_TRUE(hole.ok());
  ASSERT_TRUE(log->Rotate().ok());
  AppendRange(*log, 0, 3);
  EXPECT_EQ(log->CommittedEnd(), hole->start);
  auto synced = log->Sync();
  ASSERT_TRUE(synced.ok()) << synced.status();
  EXPECT_EQ(*synced, hole->start);
  EXPECT_TRUE(ReadLog(*fs).payloads.empty());
  std::memset(hole->payload, 'h', 10);
  ASSERT_TRUE(log->Commit(*hole).ok());
  EXPECT_EQ(log->CommittedEnd().segment, 2U);
  EXPECT_EQ(ReadLog(*fs).payloads.size(), 4U);
}

TEST(WalLogTest, WritersOnManyThreadsMakeOneLogInReservationOrder) {
  constexpr int kWriters = 4;
  constexpr int kRecords = 500;
  auto fs = NewDisk();
  auto log = CreateLog(*fs, 16384);
  auto runtime = runtime::NewThreadRuntime({.compaction_threads = kWriters});
  auto done = runtime->NewEvent();
  auto prepared = runtime->NewEvent();
  std::atomic<int> running = kWriters;
  std::atomic<int> failures = 0;
  std::vector<std::vector<LogPosition>> starts(kWriters);
  for (int writer = 0; writer < kWriters; ++writer) {
    runtime->Post(runtime::Lane::kCompaction, [&, writer] {
      for (int i = 0; i < kRecords; ++i) {
        const std::string payload = std::to_string(writer) + ":" + PayloadOf(i);
        auto place = log->Reserve(RecordType::kBatch, static_cast<uint32_t>(payload.size()));
        if (!place.ok()) {
          ++failures;
          break;
        }
        std::memcpy(place->payload, payload.data(), payload.size());
        if (!log->Commit(*place).ok()) ++failures;
        starts[static_cast<size_t>(writer)].push_back(place->start);
        // One thread syncs: one sync at a time is its duty.
        if (writer == 0 && i % 20 == 0 && !log->Sync().ok()) ++failures;
      }
      if (--running == 0) done->Set();
    });
  }
  runtime->Post(runtime::Lane::kFlush, [&] {
    while (running > 0) {
      if (!log->PrepareNext().ok()) ++failures;
    }
    prepared->Set();
  });
  done->Wait();
  prepared->Wait();
  EXPECT_EQ(failures, 0);
  std::vector<size_t> next(kWriters, 0);
  const auto report = Recover(*fs, kDir, {}, [&](const RecordView& record) {
    const size_t writer = static_cast<size_t>(record.payload[0] - '0');
    const size_t i = next[writer]++;
    EXPECT_EQ(record.payload.substr(2), PayloadOf(static_cast<int>(i)));
    EXPECT_EQ(record.start, starts[writer][i]);
    return Status::Ok();
  });
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->records, static_cast<uint64_t>(kWriters * kRecords));
  EXPECT_EQ(report->end, log->CommittedEnd());
}

TEST(WalLogTest, SyncsOlderSegmentsFirstAndCutsThem) {
  auto fs = NewDisk();
  auto faults = vfs::NewFaultFileSystem(*fs);
  auto log = CreateLog(*faults);
  AppendRange(*log, 0, 1);
  ASSERT_TRUE(log->Rotate().ok());
  ASSERT_TRUE(log->Rotate().ok());
  AppendRange(*log, 1, 2);
  std::vector<std::string> trace;
  faults->SetObserver(
      vfs::TraceObserver(kDir, [&](std::string line) { trace.push_back(std::move(line)); }));
  auto synced = log->Sync();
  ASSERT_TRUE(synced.ok()) << synced.status();
  EXPECT_EQ(*synced, log->CommittedEnd());
  ASSERT_EQ(trace.size(), 5U) << ::testing::PrintToString(trace);
  EXPECT_THAT(trace[0], HasSubstr("sync-mapped 00001.wal"));
  EXPECT_THAT(trace[1], HasSubstr("close-mapped 00001.wal"));
  EXPECT_THAT(trace[2], HasSubstr("sync-mapped 00002.wal"));
  EXPECT_THAT(trace[3], HasSubstr("close-mapped 00002.wal"));
  EXPECT_THAT(trace[4], HasSubstr("sync-mapped 00003.wal"));
}

TEST(WalLogTest, OnlyAQuietLogIsMarked) {
  auto fs = NewDisk();
  auto faults = vfs::NewFaultFileSystem(*fs);
  auto log = CreateLog(*faults);
  std::vector<std::string> trace;
  const auto mark = [&] {
    trace.clear();
    faults->SetObserver(
        vfs::TraceObserver(kDir, [&](std::string line) { trace.push_back(std::move(line)); }));
    ASSERT_TRUE(log->MarkSynced().ok());
    faults->SetObserver(nullptr);
  };
  mark();
  EXPECT_EQ(trace.size(), 0U) << "nothing is in the log";
  AppendRange(*log, 0, 1);
  ASSERT_TRUE(log->Sync().ok());
  AppendRange(*log, 1, 2);
  mark();
  EXPECT_EQ(trace.size(), 0U) << "the next record says it";
  ASSERT_TRUE(log->Sync().ok());
  mark();
  ASSERT_EQ(trace.size(), 1U);
  EXPECT_THAT(trace[0], HasSubstr("write-mapped 00001.wal"));
}

TEST(WalLogTest, SyncWithNothingNewTouchesNoFile) {
  auto fs = NewDisk();
  auto faults = vfs::NewFaultFileSystem(*fs);
  auto log = CreateLog(*faults);
  AppendRange(*log, 0, 1);
  ASSERT_TRUE(log->Sync().ok());
  const uint64_t operations = faults->operations();
  ASSERT_TRUE(log->Sync().ok());
  EXPECT_EQ(faults->operations(), operations);
}

TEST(WalLogTest, FailedSyncIsFinal) {
  auto fs = NewDisk();
  auto faults = vfs::NewFaultFileSystem(*fs);
  auto log = CreateLog(*faults);
  AppendRange(*log, 0, 2);
  ASSERT_TRUE(log->Sync().ok());
  const LogPosition synced = log->SyncedEnd();
  AppendRange(*log, 2, 4);
  auto outstanding = log->Reserve(RecordType::kBatch, 4);
  ASSERT_TRUE(outstanding.ok());
  faults->SetObserver([](const vfs::Operation& operation) {
    return vfs::Fault{.error_number = operation.op == vfs::Op::kMappedSync ? EIO : 0};
  });
  const Status failed = log->Sync().status();
  EXPECT_FALSE(failed.ok());
  faults->SetObserver([](const vfs::Operation&) { return vfs::Fault{}; });
  const uint64_t operations = faults->operations();
  const LogPosition committed = log->CommittedEnd();
  EXPECT_EQ(log->Sync().status().message(), failed.message());
  EXPECT_EQ(log->Reserve(RecordType::kBatch, 1).status().message(), failed.message());
  EXPECT_EQ(log->Rotate().message(), failed.message());
  EXPECT_EQ(faults->operations(), operations) << "the file must not be touched again";
  EXPECT_EQ(log->Commit(*outstanding).status().message(), failed.message());
  EXPECT_EQ(log->SyncedEnd(), synced);
  EXPECT_EQ(log->CommittedEnd(), committed);
  EXPECT_EQ(log->Close().message(), failed.message());
  EXPECT_EQ(log->Close().message(), failed.message());
}

TEST(WalLogTest, FullDiskAtANewSegmentIsACleanError) {
  auto fs = NewDisk();
  fs->SetCapacity(10000);
  auto log = CreateLog(*fs, 4096);
  Status full;
  int appended = 0;
  while (full.ok()) {
    full = Append(*log, PayloadOf(appended)).status();
    if (full.ok()) ++appended;
  }
  EXPECT_EQ(full.code(), StatusCode::kResourceExhausted) << full;
  EXPECT_FALSE(full.hint().empty());
  EXPECT_EQ(Append(*log, "x").status().code(), StatusCode::kResourceExhausted);
  fs->SetCapacity(UINT64_MAX);
  const Recovered recovered = ReadLog(*fs);
  ASSERT_TRUE(recovered.status.ok()) << recovered.status;
  EXPECT_EQ(recovered.payloads, PayloadsTo(appended));
  EXPECT_TRUE(Restart(*fs, recovered.report).ok());
}

TEST(WalLogTest, AbandonedReservationEndsTheLog) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  AppendRange(*log, 0, 1);
  auto place = log->Reserve(RecordType::kBatch, 4);
  ASSERT_TRUE(place.ok());
  log->Abandon(*place, Status::Ok());
  EXPECT_EQ(Append(*log, "x").status().code(), StatusCode::kAborted);
  EXPECT_EQ(ReadLog(*fs).payloads, PayloadsTo(1));
}

TEST(WalLogTest, RemovesSegmentsBelowTheActiveOneSyncedOrNot) {
  auto fs = NewDisk();
  auto faults = vfs::NewFaultFileSystem(*fs);
  auto log = CreateLog(*faults);
  for (int i = 0; i < 4; ++i) {
    AppendRange(*log, i, i + 1);
    ASSERT_TRUE(log->Rotate().ok());
  }
  ASSERT_TRUE(log->RemoveSegmentsBefore(2).ok());
  EXPECT_EQ(log->GetStats().segments_removed, 1U) << "not synced, but nobody needs it";
  ASSERT_TRUE(log->Sync().ok());
  std::vector<std::string> trace;
  faults->SetObserver(
      vfs::TraceObserver(kDir, [&](std::string line) { trace.push_back(std::move(line)); }));
  ASSERT_TRUE(log->RemoveSegmentsBefore(4).ok());
  EXPECT_THAT(trace, ElementsAre("remove 00002.wal", "remove 00003.wal"));
  ASSERT_TRUE(log->RemoveSegmentsBefore(100).ok());
  EXPECT_EQ(log->GetStats().segments_removed, 4U);
  EXPECT_EQ(log->GetStats().segment_count, 1U);
  EXPECT_TRUE(Append(*log, "x").ok());
  EXPECT_EQ(ReadLog(*fs, {.replay_from = {5, 0}}).payloads, std::vector<std::string>{"x"});
}

TEST(WalLogTest, SegmentsThatAreKeptForTheirValuesStayUntilTheyAreNot) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(log->Rotate().ok());
  const auto files = [&] {
    std::vector<std::string> names;
    for (const auto& [name, content] : AllFiles(*fs)) names.push_back(name);
    return names;
  };
  ASSERT_TRUE(log->RemoveSegmentsBefore(5, {1, 3}).ok());
  EXPECT_THAT(files(), ElementsAre("00001.wal", "00003.wal", "00005.wal"));
  ASSERT_TRUE(log->RemoveSegmentsBefore(5, {3}).ok());
  EXPECT_THAT(files(), ElementsAre("00003.wal", "00005.wal"));
  ASSERT_TRUE(log->RemoveSegmentsBefore(5).ok());
  EXPECT_THAT(files(), ElementsAre("00005.wal"));
  EXPECT_EQ(log->GetStats().segments_removed, 4U);
}

TEST(WalLogTest, CloseSealsSyncsAndCutsTheLastSegment) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  AppendRange(*log, 0, 3);
  EXPECT_TRUE(log->Close().ok());
  EXPECT_TRUE(log->Close().ok());
  EXPECT_EQ(log->SyncedEnd(), log->CommittedEnd());
  EXPECT_EQ(log->Reserve(RecordType::kBatch, 1).status().code(), Status::Closed("x").code());
  EXPECT_FALSE(log->Sync().ok());
  EXPECT_FALSE(log->Rotate().ok());
  EXPECT_FALSE(log->RemoveSegmentsBefore(9).ok());
  EXPECT_LT(Content(*fs, SegmentPath(1)).size(), 1000U);

  auto lost = fs->CrashClone(vfs::MemoryFileSystem::Loss::kNothing, 1);
  const Recovered recovered = ReadLog(*lost);
  ASSERT_TRUE(recovered.status.ok()) << recovered.status;
  EXPECT_EQ(recovered.payloads, PayloadsTo(3));
  EXPECT_FALSE(recovered.report.cut);
  EXPECT_GT(recovered.report.end, log->CommittedEnd()) << "the seal is part of what was synced";
}

TEST(WalLogTest, CloseWithAnOutstandingReservationIsAnError) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  AppendRange(*log, 0, 1);
  auto place = log->Reserve(RecordType::kBatch, 4);
  ASSERT_TRUE(place.ok());
  EXPECT_EQ(log->Close().code(), StatusCode::kAborted);
  EXPECT_FALSE(log->Commit(*place).ok());
}

TEST(WalLogTest, CreateRefusesADirectoryThatHoldsALog) {
  auto fs = NewDisk();
  CreateLog(*fs);
  EXPECT_EQ(Log::Create(*fs, kDir, {}).status().code(), StatusCode::kFailedPrecondition);
}

TEST(WalLogTest, CountsWhatWasReserved) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs);
  ASSERT_TRUE(Append(*log, "12345", RecordType::kRaftState).ok());
  ASSERT_TRUE(log->Sync().ok());
  const LogStats stats = log->GetStats();
  EXPECT_EQ(stats.reserved[2].records, 1U);
  EXPECT_EQ(stats.reserved[2].payload_bytes, 5U);
  EXPECT_EQ(stats.active_segment, 1U);
  EXPECT_EQ(stats.active_bytes, kSegmentHeaderBytes + RecordBytes(5));
  EXPECT_EQ(stats.syncs, 1U);
}

}  // namespace
}  // namespace nokv::wal
