#include "vlog/value_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "vfs/memory_fs.h"
#include "wal/log.h"

namespace nokv::vlog {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kDir = "/db";
constexpr ValueFileId kFirst{1, ValueFileId::Kind::kSegment};

// A log whose records are values.
class ValueFileTest : public testing::Test {
 protected:
  ValueFileTest() : fs_(vfs::NewMemoryFileSystem()) {
    EXPECT_TRUE(fs_->CreateDirs(kDir).ok());
    log_ = *wal::Log::Create(*fs_, kDir, {.segment_bytes = 4096, .salt_seed = 7});
  }

  ValuePointer Append(const std::string& value) {
    const auto length = static_cast<uint32_t>(value.size());
    auto place = log_->Reserve(wal::RecordType::kBatch, length);
    EXPECT_TRUE(place.ok());
    value.copy(place->payload, value.size());
    EXPECT_TRUE(log_->Commit(*place).ok());
    return PointerIntoLog(place->payload_position(), length, base::MaskCrc(base::Crc32c(value)));
  }
  // The first segment, with values up to its end.
  std::shared_ptr<const ValueFile> Open() {
    auto file = *ValueFile::Open(*fs_, kDir, kFirst, vfs::ReadMode::kRead);
    file->ExtendTo(UINT64_MAX);
    return file;
  }
  std::string Path(uint64_t segment) { return kDir + "/" + wal::SegmentFileName(segment); }

  const std::unique_ptr<vfs::MemoryFileSystem> fs_;
  std::unique_ptr<wal::Log> log_;
};

TEST_F(ValueFileTest, ReadsValuesOfTheActiveSegmentAndOfASealedOne) {
  const ValuePointer first = Append("first");
  const auto file = Open();
  std::string scratch;
  std::string_view value;
  ASSERT_TRUE(file->Read(first, &scratch, &value).ok());
  EXPECT_EQ(value, "first");
  const ValuePointer second = Append("second, behind what was there when the file was opened");
  ASSERT_TRUE(log_->Close().ok());
  ASSERT_TRUE(file->Read(second, &scratch, &value).ok());
  EXPECT_THAT(std::string(value), HasSubstr("second"));
  ASSERT_TRUE(file->Read(first, &scratch, &value).ok()) << "after the segment was cut to its end";
}

TEST_F(ValueFileTest, EveryDamagedByteOfAValueIsNamed) {
  const ValuePointer pointer = Append("a value of some length");
  ASSERT_TRUE(log_->Close().ok());
  const std::string content = *fs_->ReadFile(Path(1), 1 << 20);
  for (uint64_t at = pointer.offset; at < pointer.end(); at++) {
    std::string damaged = content;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    ASSERT_TRUE(fs_->Overwrite(Path(1), damaged).ok());
    const auto file = Open();
    std::string scratch;
    std::string_view value;
    const Status status = file->Read(pointer, &scratch, &value);
    ASSERT_TRUE(status.IsCorruption()) << at;
    EXPECT_EQ(status.error_number(), 1306);
    EXPECT_THAT(status.ToString(),
                HasSubstr("/db/00001.wal: value of 22 bytes at offset " +
                          std::to_string(pointer.offset) + ": checksum mismatch"));
  }
}

TEST_F(ValueFileTest, APointerPastTheEndIsRefusedBeforeAnythingIsAllocated) {
  ValuePointer pointer = Append("value");
  const auto file = Open();
  std::string scratch;
  std::string_view value;
  pointer.length = UINT32_MAX;
  EXPECT_THAT(file->Read(pointer, &scratch, &value).ToString(), HasSubstr("past the end"));
  pointer.offset = UINT64_MAX - 1;
  pointer.length = 5;
  EXPECT_THAT(file->Read(pointer, &scratch, &value).ToString(), HasSubstr("past the end"));
  EXPECT_TRUE(scratch.empty());
}

TEST_F(ValueFileTest, NothingIsReadBehindTheValuesThatAreKnown) {
  const ValuePointer first = Append("first");
  const ValuePointer second = Append("second");
  const auto file = *ValueFile::Open(*fs_, kDir, kFirst, vfs::ReadMode::kRead);
  std::string scratch;
  std::string_view value;
  EXPECT_THAT(file->Read(first, &scratch, &value).ToString(), HasSubstr("past the end"));
  file->ExtendTo(first.end());
  file->ExtendTo(first.offset);
  EXPECT_TRUE(file->Read(first, &scratch, &value).ok());
  EXPECT_THAT(file->Read(second, &scratch, &value).ToString(), HasSubstr("past the end"));
  file->ExtendTo(UINT64_MAX);
  EXPECT_TRUE(file->Read(second, &scratch, &value).ok());
}

TEST_F(ValueFileTest, AFileOfAnotherSegmentOrWithoutAHeaderIsRefused) {
  ASSERT_TRUE(log_->Rotate().ok());
  const std::string second = *fs_->ReadFile(Path(2), 1 << 20);
  ASSERT_TRUE(fs_->Overwrite(Path(1), second).ok());
  EXPECT_THAT(ValueFile::Open(*fs_, kDir, kFirst, vfs::ReadMode::kRead).status().ToString(),
              HasSubstr("/db/00001.wal: the file holds segment 2"));
  ASSERT_TRUE(fs_->Overwrite(Path(1), "short").ok());
  EXPECT_TRUE(ValueFile::Open(*fs_, kDir, kFirst, vfs::ReadMode::kRead).status().IsCorruption());
  ASSERT_TRUE(fs_->Remove(Path(1)).ok());
  EXPECT_TRUE(ValueFile::Open(*fs_, kDir, kFirst, vfs::ReadMode::kRead).status().IsNotFound());
}

TEST_F(ValueFileTest, AFileIsInUseAsLongAsSomebodyHoldsIt) {
  ASSERT_TRUE(log_->Rotate().ok());
  ValueFiles files(*fs_, kDir, vfs::ReadMode::kRead);
  auto first = *files.Use(kFirst);
  auto again = *files.Use(kFirst);
  EXPECT_EQ(first, again) << "opened twice";
  const auto second = *files.Use({2, ValueFileId::Kind::kSegment});
  EXPECT_THAT(files.InUse(), ElementsAre(first->id(), second->id()));
  first.reset();
  EXPECT_THAT(files.InUse(), ElementsAre(again->id(), second->id()));
  again.reset();
  EXPECT_THAT(files.InUse(), ElementsAre(second->id()));
  EXPECT_FALSE(files.Use({9, ValueFileId::Kind::kSegment}).ok());
  EXPECT_THAT(files.InUse(), ElementsAre(second->id()));
}

}  // namespace
}  // namespace nokv::vlog
