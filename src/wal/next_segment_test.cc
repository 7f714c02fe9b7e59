// The segment that is prepared before it is needed.
#include <cerrno>
#include <functional>

#include "vfs/fault_fs.h"
#include "wal/log.h"
#include "wal/wal_test_util.h"

namespace nokv::wal {
namespace {

using Loss = vfs::MemoryFileSystem::Loss;

// What is done to the disk in `body`, but for stores to files that are mapped.
std::vector<vfs::Op> OperationsOf(vfs::FaultFileSystem& fs, const std::function<void()>& body) {
  std::vector<vfs::Op> operations;
  fs.SetObserver([&](const vfs::Operation& operation) {
    if (operation.op != vfs::Op::kWritten) operations.push_back(operation.op);
    return vfs::Fault{};
  });
  body();
  fs.SetObserver(nullptr);
  return operations;
}

TEST(WalNextSegmentTest, WhoFillsASegmentFindsTheNextOnePrepared) {
  auto disk = NewDisk();
  auto fs = vfs::NewFaultFileSystem(*disk);
  auto log = CreateLog(*fs, 4096);
  const auto prepare = [&] { EXPECT_TRUE(log->PrepareNext().ok()); };
  EXPECT_TRUE(OperationsOf(*fs, prepare).empty()) << "it is not due";
  ASSERT_TRUE(Append(*log, std::string(2000, 'a')).ok());
  EXPECT_FALSE(OperationsOf(*fs, prepare).empty());
  EXPECT_TRUE(OperationsOf(*fs, prepare).empty()) << "it is there";
  const auto fill = [&] { ASSERT_TRUE(Append(*log, std::string(3000, 'b')).ok()); };
  EXPECT_TRUE(OperationsOf(*fs, fill).empty()) << "the writer waits for no device";
  EXPECT_EQ(log->GetStats().active_segment, 2U);
  ASSERT_TRUE(log->Sync().ok());
  EXPECT_EQ(ReadLog(*disk->CrashClone(Loss::kEverything, 1)).payloads.size(), 2U);
}

TEST(WalNextSegmentTest, APreparedSegmentThatIsTooSmallIsReplaced) {
  auto disk = NewDisk();
  auto log = CreateLog(*disk, 4096);
  ASSERT_TRUE(Append(*log, std::string(2000, 'a')).ok());
  ASSERT_TRUE(log->PrepareNext().ok());
  ASSERT_TRUE(Append(*log, std::string(9000, 'b')).ok());
  ASSERT_TRUE(Append(*log, "c").ok());
  ASSERT_TRUE(log->Sync().ok());
  const Recovered recovered = ReadLog(*disk->CrashClone(Loss::kEverything, 1));
  ASSERT_EQ(recovered.payloads.size(), 3U);
  EXPECT_EQ(recovered.payloads[1].size(), 9000U);
}

TEST(WalNextSegmentTest, ACrashWithAPreparedSegmentLosesNothing) {
  auto disk = NewDisk();
  auto log = CreateLog(*disk, 4096);
  ASSERT_TRUE(Append(*log, std::string(2000, 'a')).ok());
  ASSERT_TRUE(log->Sync().ok());
  ASSERT_TRUE(log->PrepareNext().ok());
  ASSERT_TRUE(Append(*log, "b").ok());
  auto killed = disk->KillClone();
  const Recovered recovered = ReadLog(*killed);
  ASSERT_TRUE(recovered.status.ok()) << recovered.status;
  EXPECT_EQ(recovered.payloads.size(), 2U);
  auto again = Restart(*killed, recovered.report, 4096);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(Append(**again, "c").ok());
}

TEST(WalNextSegmentTest, CloseLeavesNoPreparedSegment) {
  auto disk = NewDisk();
  auto log = CreateLog(*disk, 4096);
  ASSERT_TRUE(Append(*log, std::string(2000, 'a')).ok());
  ASSERT_TRUE(log->PrepareNext().ok());
  EXPECT_TRUE(disk->FileSize(SegmentPath(2)).ok());
  ASSERT_TRUE(log->Close().ok());
  EXPECT_TRUE(disk->FileSize(SegmentPath(2)).status().IsNotFound());
  EXPECT_EQ(ReadLog(*disk).payloads.size(), 1U);
}

TEST(WalNextSegmentTest, AnErrorOfPreparingIsNotFinal) {
  auto disk = NewDisk();
  auto fs = vfs::NewFaultFileSystem(*disk);
  auto log = CreateLog(*fs, 4096);
  ASSERT_TRUE(Append(*log, std::string(2000, 'a')).ok());
  const std::vector<vfs::Op> steps = {vfs::Op::kCreateMapped, vfs::Op::kMappedSync,
                                      vfs::Op::kRename, vfs::Op::kSyncDir};
  for (const vfs::Op step : steps) {
    fs->SetObserver([step](const vfs::Operation& operation) {
      return vfs::Fault{.error_number = operation.op == step ? ENOSPC : 0};
    });
    EXPECT_FALSE(log->PrepareNext().ok()) << vfs::OpName(step);
  }
  fs->SetObserver(nullptr);
  EXPECT_TRUE(Append(*log, std::string(3000, 'b')).ok()) << "there is room again";
}

}  // namespace
}  // namespace nokv::wal
