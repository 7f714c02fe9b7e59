#include "vfs/fault_fs.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <set>

#include "base/macros.h"
#include "vfs/memory_fs.h"

namespace nokv::vfs {
namespace {

class FaultFileSystemTest : public testing::Test {
 protected:
  // Fails the next operations of kind `op`.
  void FailEvery(Op op, Fault fault) {
    fs_->SetObserver(
        [=](const Operation& operation) { return operation.op == op ? fault : Fault{}; });
  }

  const std::unique_ptr<MemoryFileSystem> memory_ = NewMemoryFileSystem();
  const std::unique_ptr<FaultFileSystem> fs_ = NewFaultFileSystem(*memory_);
};

// Does everything that a file system can do once.
Status UseEverything(FileSystem& fs) {
  RETURN_IF_ERROR(fs.CreateDirs("/db"));
  ASSIGN_OR_RETURN(const auto lock, fs.LockExclusive("/db/LOCK", "me"));
  ASSIGN_OR_RETURN(const auto shared, fs.LockShared("/db/LOCK"));
  RETURN_IF_ERROR(fs.HasReaders("/db/LOCK").status());
  ASSIGN_OR_RETURN(const auto append, fs.CreateAppend("/db/a"));
  RETURN_IF_ERROR(append->Append("data"));
  RETURN_IF_ERROR(append->Sync());
  RETURN_IF_ERROR(append->Close());
  ASSIGN_OR_RETURN(const auto mapped, fs.CreateMapped("/db/m", 64));
  RETURN_IF_ERROR(mapped->Written(8, 8));
  RETURN_IF_ERROR(mapped->WriteAhead(16, 8));
  RETURN_IF_ERROR(mapped->Sync());
  RETURN_IF_ERROR(mapped->Close(32));
  ASSIGN_OR_RETURN(const auto random, fs.OpenRandom("/db/a", ReadMode::kRead));
  char scratch[4];
  std::string_view result;
  RETURN_IF_ERROR(random->Read(1, 2, scratch, &result));
  RETURN_IF_ERROR(fs.ReadFile("/db/a", 99).status());
  RETURN_IF_ERROR(fs.Exists("/db/a").status());
  RETURN_IF_ERROR(fs.FileSize("/db/a").status());
  RETURN_IF_ERROR(fs.AllocatedSize("/db/a").status());
  RETURN_IF_ERROR(fs.List("/db").status());
  RETURN_IF_ERROR(fs.FreeSpace("/db").status());
  RETURN_IF_ERROR(fs.Mode("/db/a").status());
  RETURN_IF_ERROR(fs.Rename("/db/a", "/db/b"));
  RETURN_IF_ERROR(fs.Link("/db/b", "/db/c"));
  RETURN_IF_ERROR(fs.SyncFile("/db/c"));
  RETURN_IF_ERROR(fs.Remove("/db/b"));
  return fs.SyncDir("/db");
}

TEST(FaultFileSystemSweepTest, EveryOperationIsNumberedAndCanFail) {
  std::set<Op> seen;
  bool finished = false;
  for (uint64_t failing = 0; !finished; failing++) {
    const auto memory = NewMemoryFileSystem();
    const auto fs = NewFaultFileSystem(*memory);
    uint64_t expected_number = 0;
    fs->SetObserver([&](const Operation& operation) {
      EXPECT_EQ(operation.number, expected_number++);
      seen.insert(operation.op);
      return Fault{.error_number = operation.number == failing ? EIO : 0};
    });
    const Status status = UseEverything(*fs);
    finished = status.ok();
    EXPECT_EQ(fs->operations(), finished ? failing : failing + 1);
    EXPECT_TRUE(finished || status.ToString().find("(injected)") != std::string::npos) << status;
  }
  EXPECT_EQ(seen.size(), static_cast<size_t>(Op::kMode) + 1);
}

TEST_F(FaultFileSystemTest, FailedAppendWritesThePartThatWasAskedFor) {
  auto file = fs_->CreateAppend("/a");
  ASSERT_TRUE(file.ok());
  FailEvery(Op::kAppend, {.error_number = ENOSPC, .partial_bytes = 3});
  EXPECT_EQ((*file)->Append("abcdef").code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(*memory_->ReadFile("/a", 99), "abc");
}

TEST_F(FaultFileSystemTest, FailedMappedWriteDeclaresThePartThatWasAskedFor) {
  auto file = fs_->CreateMapped("/m", 6);
  ASSERT_TRUE(file.ok());
  std::memcpy((*file)->data(), "abcdef", 6);
  FailEvery(Op::kWritten, {.error_number = EIO, .partial_bytes = 2});
  EXPECT_FALSE((*file)->Written(1, 4).ok());
  EXPECT_EQ(*memory_->ReadFile("/m", 99), std::string_view("\0bc\0\0\0", 6));
}

TEST_F(FaultFileSystemTest, ShortReadsGiveFewerBytesAndNoError) {
  ASSERT_TRUE((*fs_->CreateAppend("/a"))->Append("abcdef").ok());
  auto file = fs_->OpenRandom("/a", ReadMode::kRead);
  ASSERT_TRUE(file.ok());
  FailEvery(Op::kRead, {.partial_bytes = 2, .short_read = true});
  char scratch[8];
  std::string_view result;
  ASSERT_TRUE((*file)->Read(1, 4, scratch, &result).ok());
  EXPECT_EQ(result, "bc");
}

TEST_F(FaultFileSystemTest, AfterAFailedSyncNothingMoreBecomesDurable) {
  auto file = fs_->CreateAppend("/a");
  auto mapped = fs_->CreateMapped("/m", 512);
  ASSERT_TRUE(file.ok() && mapped.ok());
  ASSERT_TRUE((*file)->Append("1").ok() && (*file)->Sync().ok() && (*mapped)->Sync().ok());
  ASSERT_TRUE(fs_->SyncDir("/").ok());
  ASSERT_TRUE((*file)->Append("2").ok());
  (*mapped)->data()[0] = '2';
  ASSERT_TRUE((*mapped)->Written(0, 1).ok());
  fs_->SetObserver([](const Operation& operation) {
    const bool sync = operation.op == Op::kSync || operation.op == Op::kMappedSync;
    return Fault{.error_number = sync ? EIO : 0};
  });
  EXPECT_FALSE((*file)->Sync().ok());
  EXPECT_FALSE((*mapped)->Sync().ok());
  fs_->SetObserver(nullptr);
  EXPECT_TRUE((*file)->Sync().ok());
  EXPECT_TRUE((*mapped)->Sync().ok());
  const auto after = memory_->CrashClone(MemoryFileSystem::Loss::kEverything, 0);
  EXPECT_EQ(*after->ReadFile("/a", 99), "1");
  EXPECT_EQ(*after->ReadFile("/m", 999), std::string(512, '\0'));
}

TEST_F(FaultFileSystemTest, ObserverMayCloneTheDiskBeforeTheOperationHappens) {
  std::optional<bool> existed;
  fs_->SetObserver([&](const Operation& operation) {
    existed = *memory_->KillClone()->Exists(operation.path);
    return Fault{};
  });
  ASSERT_TRUE(fs_->CreateAppend("/a").ok());
  EXPECT_EQ(existed, false);
}

TEST_F(FaultFileSystemTest, TraceNamesWhatChangesTheDisk) {
  std::string trace;
  fs_->SetObserver(TraceObserver("/db", [&](const std::string& line) { trace += line + "\n"; }));
  ASSERT_TRUE(UseEverything(*fs_).ok());
  EXPECT_EQ(trace,
            "create-dirs .\n"
            "lock LOCK\n"
            "create a\n"
            "append a\n"
            "sync a\n"
            "create-mapped m\n"
            "write-mapped m\n"
            "write-ahead m\n"
            "sync-mapped m\n"
            "close-mapped m\n"
            "rename a -> b\n"
            "link b -> c\n"
            "sync c\n"
            "remove b\n"
            "sync-dir .\n");
}

}  // namespace
}  // namespace nokv::vfs
