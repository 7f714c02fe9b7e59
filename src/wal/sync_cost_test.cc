// What a sync of the log costs on a real disk.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "wal/wal_test_util.h"

namespace nokv::wal {
namespace {

// What this process had written to disks; nothing if the system does not tell.
std::optional<uint64_t> WrittenToDisks() {
  std::ifstream io("/proc/self/io");
  uint64_t count = 0;
  for (std::string name; io >> name >> count;) {
    if (name == "write_bytes:") return count;
  }
  return std::nullopt;
}

TEST(WalSyncCostTest, ASyncWritesOnlyWhatChanged) {
  if (!WrittenToDisks().has_value()) GTEST_SKIP() << "/proc/self/io is not there";
  const TempDir dir;
  auto log = Log::Create(vfs::PosixFileSystem(), dir.path(), {.segment_bytes = uint64_t{80} << 20});
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_TRUE((*log)->WriteAhead().ok());
  for (int i = 0; i < 48; ++i) ASSERT_TRUE(Append(**log, std::string(1 << 20, 'x')).ok());
  ASSERT_TRUE((*log)->Sync().ok());
  constexpr uint64_t kSyncs = 16;
  const auto written_by_syncs_of = [&log](size_t record_bytes) {
    const uint64_t before = *WrittenToDisks();
    for (uint64_t i = 0; i < kSyncs; ++i) {
      EXPECT_TRUE(Append(**log, std::string(record_bytes, 'x')).ok());
      EXPECT_TRUE((*log)->Sync().ok());
    }
    return *WrittenToDisks() - before;
  };
  EXPECT_LE(written_by_syncs_of(size_t{64} << 10), kSyncs * (uint64_t{128} << 10));
  const auto append_short_ones = [&log](int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(Append(**log, std::string(1000, 'x')).ok());
    ASSERT_TRUE((*log)->Sync().ok());
  };
  append_short_ones(80);  // past where no memory is asked for behind a long one
  EXPECT_LE(written_by_syncs_of(1000), kSyncs * (uint64_t{16} << 10));
  ASSERT_TRUE((*log)->Rotate().ok());
  append_short_ones(34);
  EXPECT_LE(written_by_syncs_of(1000), kSyncs * (uint64_t{16} << 10)) << "in the next segment";
  log->reset();
}

TEST(WalSyncCostTest, WhereSyncsAreFrequentARecordTakesNoPageFault) {
  const TempDir dir;
  auto log = Log::Create(vfs::PosixFileSystem(), dir.path(), {.segment_bytes = uint64_t{1} << 20});
  ASSERT_TRUE(log.ok()) << log.status();
  ASSERT_TRUE((*log)->WriteAhead().ok());
  const auto append = [&log](char content) {
    ASSERT_TRUE(Append(**log, std::string(1000, content)).ok());
    ASSERT_TRUE((*log)->Sync().ok());
    ASSERT_TRUE((*log)->MarkSynced().ok());
  };
  append('a');
  const auto faults = [] {
    rusage usage = {};
    EXPECT_EQ(::getrusage(RUSAGE_THREAD, &usage), 0);
    return usage.ru_minflt;
  };
  const auto before = faults();
  constexpr int kRecords = 64;
  for (int i = 0; i < kRecords; ++i) append('b');
  EXPECT_LT(faults() - before, kRecords / 4);
  log->reset();
  const Recovered recovered = ReadLog(vfs::PosixFileSystem(), {}, dir.path());
  ASSERT_TRUE(recovered.status.ok()) << recovered.status;
  std::vector<std::string> expected(1 + kRecords, std::string(1000, 'b'));
  expected.front() = std::string(1000, 'a');
  EXPECT_EQ(recovered.payloads, expected);
}

}  // namespace
}  // namespace nokv::wal
