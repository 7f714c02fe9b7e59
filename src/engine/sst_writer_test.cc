#include "nokv/sst_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/db.h"
#include "vfs/fault_fs.h"
#include "vfs/memory_fs.h"

namespace nokv::engine {
namespace {

using ::testing::HasSubstr;

constexpr char kPath[] = "/out.sst";

class SstWriterTest : public ::testing::Test {
 protected:
  std::unique_ptr<SstWriter> Create() {
    auto writer = CreateSstWriter({}, kPath, *fs_);
    EXPECT_TRUE(writer.ok()) << writer.status();
    return writer.ok() ? *std::move(writer) : nullptr;
  }

  std::unique_ptr<vfs::MemoryFileSystem> disk_ = vfs::NewMemoryFileSystem();
  std::unique_ptr<vfs::FaultFileSystem> fs_ = vfs::NewFaultFileSystem(*disk_);
};

TEST_F(SstWriterTest, SaysWhatTheTableHolds) {
  const auto writer = Create();
  ASSERT_TRUE(writer->DeleteRange("x", "z").ok());
  ASSERT_TRUE(writer->Put("a", "1").ok());
  ASSERT_TRUE(writer->Delete("b").ok());
  const auto table = writer->Finish();
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->path, kPath);
  EXPECT_EQ(table->entries, 2U);
  EXPECT_EQ(table->range_deletions, 1U);
  EXPECT_EQ(table->file_bytes, *fs_->FileSize(kPath));
}

TEST_F(SstWriterTest, RefusesKeysOutOfOrderAndGoesOn) {
  const auto writer = Create();
  ASSERT_TRUE(writer->Put("b", "1").ok());
  for (const char* key : {"b", "a", ""}) {
    const Status status = writer->Put(key, "2");
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(),
                HasSubstr("/out.sst: key \"" + std::string(key) + "\" is not behind \"b\""));
  }
  EXPECT_EQ(writer->DeleteRange("d", "c").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(writer->Put(std::string(2 << 20, 'k'), "").code(), StatusCode::kInvalidArgument);
  EXPECT_TRUE(writer->Put("c", "3").ok());
  const auto table = writer->Finish();
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->entries, 2U);
}

TEST_F(SstWriterTest, KeysWithTheReservedByteAreInOrderToo) {
  const auto writer = Create();
  for (const char* key : {"\xfe", "\xff", "\xff\x01", "\xff\xff"}) {
    EXPECT_TRUE(writer->Put(key, "").ok());
  }
  EXPECT_TRUE(writer->Finish().ok());
}

TEST_F(SstWriterTest, AnUnfinishedFileGoes) {
  {
    const auto writer = Create();
    ASSERT_TRUE(writer->Put("a", "1").ok());
    EXPECT_EQ(CreateSstWriter({}, kPath, *fs_).status().code(), StatusCode::kAlreadyExists);
  }
  EXPECT_FALSE(*fs_->Exists(kPath));
  EXPECT_EQ(Create()->Finish().status().code(), StatusCode::kInvalidArgument) << "nothing added";
  EXPECT_FALSE(*fs_->Exists(kPath));
}

TEST_F(SstWriterTest, AFinishedFileIsDurableAndTakesNoMore) {
  const auto writer = Create();
  ASSERT_TRUE(writer->Put("a", "1").ok());
  const auto table = writer->Finish();
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(writer->Put("b", "2").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(writer->Finish().status().code(), StatusCode::kFailedPrecondition);
  const auto remains = disk_->CrashClone(vfs::MemoryFileSystem::Loss::kEverything, 0);
  EXPECT_EQ(*remains->FileSize(kPath), table->file_bytes);
}

TEST_F(SstWriterTest, AFailureAtAnyOperationLeavesNoFile) {
  bool failed = true;
  uint64_t nth = 0;
  for (; failed && nth < 100; nth++) {
    failed = false;
    fs_->SetObserver([&, count = uint64_t{0}](const vfs::Operation& operation) mutable {
      vfs::Fault fault;
      // By then all is synced, and nobody asks how the close went.
      if (operation.op == vfs::Op::kClose) return fault;
      if (!failed && count++ == nth) {
        failed = true;
        fault.error_number = ENOSPC;
      }
      return fault;
    });
    auto writer = CreateSstWriter({}, kPath, *fs_);
    Status status = writer.status();
    if (status.ok()) status = (*writer)->Put("a", std::string(300'000, 'v'));
    if (status.ok()) status = (*writer)->Put("b", std::string(300'000, 'v'));
    if (status.ok()) status = (*writer)->Finish().status();
    if (failed) {
      EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << nth << ": " << status;
      if (writer.ok()) {
        EXPECT_EQ((*writer)->Finish().status().ToString(), status.ToString());
      }
    } else {
      EXPECT_TRUE(status.ok()) << status;
    }
    fs_->SetObserver(nullptr);
    if (writer.ok()) writer->reset();
    EXPECT_EQ(*fs_->Exists(kPath), !failed) << nth;
  }
  EXPECT_GE(nth, 5U);
  EXPECT_FALSE(failed);
}

}  // namespace
}  // namespace nokv::engine
