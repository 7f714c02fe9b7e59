#include "raftlog/raft_log_test_util.h"
#include "raftlog/replay.h"
#include "raftlog/start_file.h"

namespace nokv::raftlog {
namespace {

using testing::HasSubstr;

std::string Path(const std::string& name) {
  return vfs::JoinPath(kDir, name);
}

void Damage(vfs::MemoryFileSystem& fs, const std::string& path, size_t offset) {
  auto content = fs.ReadFile(path, uint64_t{1} << 30);
  ASSERT_TRUE(content.ok()) << content.status();
  ASSERT_LT(offset, content->size());
  (*content)[offset] ^= 1;
  ASSERT_TRUE(fs.Overwrite(path, *content).ok());
}

// A log of three segments, synced, in which a group has entries all over.
std::unique_ptr<vfs::MemoryFileSystem> SomeLog() {
  auto fs = NewDisk();
  auto log = OpenLog(*fs, {.cache_bytes = 0});
  for (raft::LogIndex index = 1; log->GetStats().log.active_segment < 3; ++index) {
    WriteEntries(*log, 1, EntriesOf(index, index, 1, 300));
  }
  EXPECT_TRUE(log->Close().ok());
  return fs;
}

TEST(DamageTest, AMissingSegmentIsNamedAndRefused) {
  for (const char* name : {"00001.wal", "00002.wal"}) {
    auto fs = SomeLog();
    ASSERT_TRUE(fs->Remove(Path(name)).ok());
    const Status status = OpenStatus(*fs);
    EXPECT_TRUE(status.IsCorruption());
    EXPECT_THAT(status.ToString(), HasSubstr(name));
    EXPECT_THAT(status.ToString(), HasSubstr("missing"));
  }
  auto fs = SomeLog();
  for (const char* name : {"00001.wal", "00002.wal", "00003.wal"}) {
    ASSERT_TRUE(fs->Remove(Path(name)).ok());
  }
  EXPECT_TRUE(OpenStatus(*fs).IsCorruption());
}

TEST(DamageTest, ADamagedByteOfWhatOpenReadsIsNamedAndRefused) {
  const auto refused = [](const std::string& name, size_t offset) {
    auto fs = SomeLog();
    Damage(*fs, Path(name), offset);
    const Status status = OpenStatus(*fs);
    EXPECT_TRUE(status.IsCorruption()) << name << " " << offset << " " << status;
    EXPECT_THAT(status.ToString(), HasSubstr(name)) << offset;
  };
  const auto size = SomeLog()->FileSize(Path("00002.wal"));
  ASSERT_TRUE(size.ok()) << size.status();
  const uint64_t digest_end = *size - wal::RecordBytes(wal::kSegmentIndexBytes);
  refused("00002.wal", 10);               // its header
  refused("00002.wal", digest_end - 12);  // its digest, without which it is read whole
}

TEST(DamageTest, ADamagedByteOfASegmentThatIsReadWholeIsNamedAndRefused) {
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  for (raft::LogIndex index = 1; index < 9; ++index) {
    WriteEntries(*log, 1, EntriesOf(index, index));
    SyncAll(*log);
  }
  const auto place = log->StorageOf(1).SlotAt(3)->place;
  log.reset();
  Damage(*fs, Path(wal::SegmentFileName(place.segment)), place.offset + 5);
  const Status status = OpenStatus(*fs);
  EXPECT_TRUE(status.IsCorruption()) << status;
  EXPECT_THAT(status.ToString(), HasSubstr(wal::SegmentFileName(place.segment) + ": offset"));
}

TEST(DamageTest, ATornTailIsCutAndSaidToTheLogger) {
  struct Lines : base::Logger {
    std::string text;
    void Log(base::LogLevel /*level*/, std::string_view message) override { text += message; }
  } lines;
  auto fs = NewDisk();
  auto log = OpenLog(*fs);
  WriteEntries(*log, 1, EntriesOf(1, 1));
  SyncAll(*log);
  WriteEntries(*log, 1, EntriesOf(2, 2));
  WriteEntries(*log, 1, EntriesOf(3, 3));
  const auto place = log->StorageOf(1).SlotAt(2)->place;
  log.reset();
  Damage(*fs, Path(wal::SegmentFileName(place.segment)), place.offset + 5);
  log = OpenLog(*fs, {.logger = &lines});
  EXPECT_EQ(ReadAll(*log, 1), EntriesOf(1, 1));
  EXPECT_THAT(lines.text, HasSubstr("torn tail at 00001.wal:"));
}

TEST(DamageTest, AnEntryThatRotsAfterTheOpenIsNamedByItsReader) {
  auto fs = SomeLog();
  auto log = OpenLog(*fs, {.cache_bytes = 0});
  const auto place = log->StorageOf(1).SlotAt(2)->place;
  Damage(*fs, Path(wal::SegmentFileName(place.segment)), place.offset + 9);
  const Status status = log->StorageOf(1).Entries(1, 4, raft::kNoLimit).status();
  EXPECT_TRUE(status.IsCorruption());
  EXPECT_THAT(status.ToString(), HasSubstr(ToString(place) + ": entry 2 of raft group 1"));
  EXPECT_EQ(*log->StorageOf(1).Entries(1, 2, raft::kNoLimit), EntriesOf(1, 1, 1, 300));
}

TEST(DamageTest, TheStartFileIsNeitherGuessedNorMadeUp) {
  auto fs = SomeLog();
  Damage(*fs, Path(kStartFileName), 8);
  EXPECT_THAT(OpenStatus(*fs).ToString(), HasSubstr("RAFTLOG: its checksum line"));
  ASSERT_TRUE(fs->Remove(Path(kStartFileName)).ok());
  const Status status = OpenStatus(*fs);
  EXPECT_TRUE(status.IsCorruption());
  EXPECT_THAT(status.ToString(), HasSubstr("RAFTLOG: the file is missing"));
  ASSERT_TRUE(vfs::WriteFileAtomically(*fs, Path(kStartFileName),
                                       "start 00001.wal\nnokv-raftlog 2 crc32c 00000000\n")
                  .ok());
  EXPECT_EQ(OpenStatus(*fs).code(), StatusCode::kUnimplemented);
  // Behind the truth: the groups would come back without their beginning.
  ASSERT_TRUE(WriteStartFile(*fs, kDir, 2).ok());
  EXPECT_THAT(OpenStatus(*fs).ToString(), HasSubstr("raft group 1: its state is not in the log"));
}

// A record without which the entries of a group do not follow each other; no damaged byte says so.
TEST(DamageTest, AHoleInTheEntriesOfAGroupIsNamedAndRefused) {
  Replay replay;
  const auto visit = [&replay](const auto& write) {
    const wal::LogPosition start{1, 100};
    std::string payload(4096, '\0');
    std::vector<EntrySlot> slots;
    SectionSizer sizer;
    write(sizer);
    payload.resize(sizer.bytes());
    SectionWriter writer(payload.data(), start, &slots);
    write(writer);
    return replay.Visit(
        {.type = wal::RecordType::kRaftEntries, .payload = payload, .start = start});
  };
  ASSERT_TRUE(visit([](auto& sink) {
                sink.State(7, {.hard_state = {}, .base = {1, 2}, .snapshot = SnapshotAt(2)}, true);
                sink.Entries(7, SectionKind::kEntries, EntriesOf(3, 4));
              }).ok());
  EXPECT_TRUE(replay.Check(kDir).ok());
  ASSERT_TRUE(
      visit([](auto& sink) { sink.Entries(7, SectionKind::kEntries, EntriesOf(8, 9)); }).ok());
  const Status status = replay.Check(kDir);
  EXPECT_TRUE(status.IsCorruption());
  EXPECT_THAT(status.ToString(), HasSubstr("raft group 7: the entries 5 to 7 are not in the log"));
}

TEST(DamageTest, ACreationThatWasInterruptedIsFinished) {
  auto fs = NewDisk();
  OpenLog(*fs).reset();
  ASSERT_TRUE(fs->Remove(Path(kStartFileName)).ok());
  auto log = OpenLog(*fs);
  WriteEntries(*log, 1, EntriesOf(1, 1));
  log.reset();
  EXPECT_EQ(ReadAll(*OpenLog(*fs), 1), EntriesOf(1, 1));
}

}  // namespace
}  // namespace nokv::raftlog
