// The log is cut at every operation of the file system, with several legal losses, and every
// operation fails once. Whatever happens: what was synced is recovered, and what is recovered is a
// prefix of what was written.
#include <cerrno>

#include "vfs/fault_fs.h"
#include "wal/wal_test_util.h"

namespace nokv::wal {
namespace {

using Loss = vfs::MemoryFileSystem::Loss;

struct Progress {
  int started = 0;  // records that were begun
  int synced = 0;   // of which this many were acknowledged as synced
};

// Appends up to record `to`, telling `progress` before each.
Status AppendUpTo(Log& log, int to, Progress* progress) {
  while (progress->started < to) {
    const std::string payload = PayloadOf(progress->started++);
    auto end = Append(log, payload);
    if (!end.ok()) return end.status();
  }
  return Status::Ok();
}

Status SyncAll(Log& log, Progress* progress) {
  auto end = log.Sync();
  if (!end.ok()) return end.status();
  progress->synced = progress->started;
  return Status::Ok();
}

// Two runs of a log with a restart between that has to copy; segments of 512 bytes.
Status RunWorkload(vfs::FileSystem& fs, Progress* progress) {
  constexpr uint64_t kSmall = 512;
  auto log = Log::Create(fs, kDir, {.segment_bytes = kSmall, .salt_seed = 7});
  if (!log.ok()) return log.status();
  for (int i = 1; i <= 4; ++i) {
    if (Status s = AppendUpTo(**log, i * 5, progress); !s.ok()) return s;
    if (i % 2 == 0) {
      if (Status s = SyncAll(**log, progress); !s.ok()) return s;
      if (auto ready = (*log)->WriteAhead(); !ready.ok()) return ready.status();
    }
  }
  if (Status s = AppendUpTo(**log, 27, progress); !s.ok()) return s;
  log->reset();

  const Recovered recovered = ReadLog(fs);
  if (!recovered.status.ok()) return recovered.status;
  EXPECT_EQ(recovered.payloads, PayloadsTo(progress->started));
  log = Restart(fs, recovered.report, kSmall);
  if (!log.ok()) return log.status();
  progress->synced = progress->started;
  if (Status s = AppendUpTo(**log, 35, progress); !s.ok()) return s;
  if (Status s = SyncAll(**log, progress); !s.ok()) return s;
  if (Status s = AppendUpTo(**log, 38, progress); !s.ok()) return s;
  if (Status s = (*log)->Close(); !s.ok()) return s;
  progress->synced = progress->started;
  return Status::Ok();
}

// Recovers, goes on, loses power again and recovers again.
void CheckDisk(vfs::MemoryFileSystem& disk, const Progress& progress, Loss loss, uint64_t seed) {
  const Recovered first = ReadLog(disk);
  ASSERT_TRUE(first.status.ok()) << first.status;
  const int kept = static_cast<int>(first.payloads.size());
  ASSERT_GE(kept, progress.synced);
  ASSERT_LE(kept, progress.started);
  ASSERT_EQ(first.payloads, PayloadsTo(kept));
  auto log = Restart(disk, first.report, 512);
  ASSERT_TRUE(log.ok()) << log.status();
  AppendRange(**log, kept, kept + 3);
  ASSERT_TRUE((*log)->Sync().ok());
  AppendRange(**log, kept + 3, kept + 6);
  auto again = disk.CrashClone(loss, seed);
  const Recovered second = ReadLog(*again);
  ASSERT_TRUE(second.status.ok()) << second.status;
  const int more = static_cast<int>(second.payloads.size());
  ASSERT_GE(more, kept + 3);
  ASSERT_EQ(second.payloads, PayloadsTo(more));
}

uint64_t OperationsOfTheWorkload() {
  auto fs = NewDisk();
  auto faults = vfs::NewFaultFileSystem(*fs);
  Progress progress;
  const Status status = RunWorkload(*faults, &progress);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(progress.synced, 38);
  return faults->operations();
}

TEST(WalCrashTest, PowerLossBeforeAnyOperationKeepsWhatWasSynced) {
  auto fs = NewDisk();
  auto faults = vfs::NewFaultFileSystem(*fs);
  Progress progress;
  int cuts = 0;
  faults->SetObserver([&](const vfs::Operation& operation) {
    if (!vfs::ChangesDisk(operation.op)) return vfs::Fault{};
    for (uint64_t seed = 0; seed < 8; ++seed) {
      const Loss loss = seed == 0 ? Loss::kNothing : seed == 1 ? Loss::kEverything : Loss::kRandom;
      SCOPED_TRACE("before operation " + std::to_string(operation.number) + " " +
                   std::string(vfs::OpName(operation.op)) + " " + operation.path + ", seed " +
                   std::to_string(seed));
      auto disk = fs->CrashClone(loss, operation.number * 100 + seed);
      CheckDisk(*disk, progress, loss, seed);
      ++cuts;
    }
    return vfs::Fault{};
  });
  const Status status = RunWorkload(*faults, &progress);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_GT(cuts, 400);
}

TEST(WalCrashTest, KilledProcessLosesNothingThatWasCommitted) {
  auto fs = NewDisk();
  auto log = CreateLog(*fs, 512);
  for (int i = 0; i < 40; ++i) {
    AppendRange(*log, i, i + 1);
    auto disk = fs->KillClone();
    ASSERT_EQ(ReadLog(*disk).payloads, PayloadsTo(i + 1));
  }
}

// Of the operations only those that prepare a segment may fail untold: it is made when it is
// needed.
TEST(WalCrashTest, AnyFailingOperationLosesNothingThatWasSynced) {
  const uint64_t operations = OperationsOfTheWorkload();
  ASSERT_GT(operations, 50U);
  uint64_t untold = 0;
  for (uint64_t failing = 0; failing < operations; ++failing) {
    SCOPED_TRACE("operation " + std::to_string(failing) + " fails");
    auto fs = NewDisk();
    auto faults = vfs::NewFaultFileSystem(*fs);
    faults->SetObserver([&](const vfs::Operation& operation) {
      return vfs::Fault{.error_number = operation.number == failing ? EIO : 0,
                        .partial_bytes = failing % 3 * 20};
    });
    Progress progress;
    if (RunWorkload(*faults, &progress).ok()) untold++;
    for (uint64_t seed = 0; seed < 4; ++seed) {
      const Loss loss = seed == 0 ? Loss::kNothing : seed == 1 ? Loss::kEverything : Loss::kRandom;
      auto disk = fs->CrashClone(loss, failing * 100 + seed);
      ASSERT_NO_FATAL_FAILURE(CheckDisk(*disk, progress, loss, seed));
    }
  }
  // To create the file, write its header, sync it, name it and sync the directory, twice.
  EXPECT_LE(untold, 10U);
}

}  // namespace
}  // namespace nokv::wal
