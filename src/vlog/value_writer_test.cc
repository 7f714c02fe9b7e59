#include "vlog/value_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "vfs/memory_fs.h"
#include "vlog/placement.h"
#include "vlog/value_file.h"

namespace nokv::vlog {
namespace {

using testing::HasSubstr;

const std::string kDir = "/db";
const std::string kPath = "/db/00012.vlog";
constexpr ValueFileId kId{12, ValueFileId::Kind::kMoved};

constexpr ValueGroup kGroup{.bucket = 300, .old = true};

uint32_t CrcOf(const std::string& value) {
  return base::MaskCrc(base::Crc32c(value));
}

class ValueWriterTest : public testing::Test {
 protected:
  ValueWriterTest() : fs_(vfs::NewMemoryFileSystem()) {
    EXPECT_TRUE(fs_->CreateDirs(kDir).ok());
    EXPECT_TRUE(fs_->SyncDir("/").ok());
  }

  // Writes the values into file 12.
  std::vector<ValuePointer> Write(const std::vector<std::string>& values) {
    auto writer = *ValueWriter::Create(*fs_, kDir, 12, kGroup);
    std::vector<ValuePointer> pointers;
    for (const std::string& value : values) pointers.push_back(*writer->Add(value, CrcOf(value)));
    EXPECT_TRUE(writer->Finish().ok());
    EXPECT_EQ(writer->file_bytes(), *fs_->FileSize(kPath));
    return pointers;
  }

  std::unique_ptr<vfs::MemoryFileSystem> fs_;
};

TEST_F(ValueWriterTest, TheFileSaysWhichValuesItHolds) {
  Write({"a"});
  EXPECT_EQ((*ValueFile::Open(*fs_, kDir, kId, vfs::ReadMode::kRead))->group(), kGroup);
}

TEST_F(ValueWriterTest, WhatWasAddedIsReadAndSurvivesPowerLoss) {
  const std::vector<std::string> values = {"a", "", std::string(600'000, 'b'), "last"};
  const std::vector<ValuePointer> pointers = Write(values);
  ASSERT_TRUE(fs_->SyncDir(kDir).ok());
  fs_ = fs_->CrashClone(vfs::MemoryFileSystem::Loss::kEverything, 0);
  const auto file = ValueFile::Open(*fs_, kDir, kId, vfs::ReadMode::kRead);
  ASSERT_TRUE(file.ok()) << file.status();
  (*file)->ExtendTo((*file)->size());
  uint64_t space = 0;
  for (size_t i = 0; i < values.size(); i++) {
    std::string scratch;
    std::string_view value;
    const Status status = (*file)->Read(pointers[i], &scratch, &value);
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(value, values[i]);
    space += SpaceOf(pointers[i]);
  }
  EXPECT_EQ(space + 32, (*file)->size()) << "a file that is all in use has no garbage";
}

TEST_F(ValueWriterTest, EveryDamagedByteOfTheHeaderIsFoundWhenTheFileIsOpened) {
  Write({"value"});
  const std::string content = *fs_->ReadFile(kPath, 1 << 20);
  for (size_t at = 0; at < 32; at++) {
    std::string damaged = content;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    ASSERT_TRUE(fs_->Overwrite(kPath, damaged).ok());
    const Status status = ValueFile::Open(*fs_, kDir, kId, vfs::ReadMode::kRead).status();
    EXPECT_TRUE(status.IsCorruption()) << at << " " << status;
    EXPECT_EQ(status.error_number(), 1306);
    EXPECT_THAT(status.ToString(), HasSubstr(kPath));
  }
}

TEST_F(ValueWriterTest, ANewerFormatAndAnotherFilesContentAreRefusedByName) {
  Write({"value"});
  ASSERT_TRUE(fs_->Rename(kPath, "/db/00013.vlog").ok());
  EXPECT_THAT(ValueFile::Open(*fs_, kDir, {13, ValueFileId::Kind::kMoved}, vfs::ReadMode::kRead)
                  .status()
                  .ToString(),
              HasSubstr("/db/00013.vlog: the file holds value file 12"));
  ASSERT_TRUE(fs_->Rename("/db/00013.vlog", kPath).ok());
  std::string newer = *fs_->ReadFile(kPath, 1 << 20);
  newer[8] = 2;
  const uint32_t crc = CrcOf(newer.substr(0, 28));
  for (size_t i = 0; i < 4; i++) newer[28 + i] = static_cast<char>(crc >> (8 * i));
  ASSERT_TRUE(fs_->Overwrite(kPath, newer).ok());
  const Status status = ValueFile::Open(*fs_, kDir, kId, vfs::ReadMode::kRead).status();
  EXPECT_EQ(status.code(), StatusCode::kUnimplemented);
  EXPECT_EQ(status.error_number(), 1305);
}

TEST(ValueFileNameTest, OnlyTheNamesOfValueFilesAreTakenForSuch) {
  uint64_t number = 0;
  EXPECT_TRUE(ParseMovedFileName("00012.vlog", &number));
  EXPECT_EQ(number, 12U);
  EXPECT_TRUE(ParseMovedFileName("1234567.vlog", &number));
  for (const char* name : {"12.vlog", "00012.wal", "0001x.vlog", ".vlog", "00012.vlog.tmp", ""}) {
    EXPECT_FALSE(ParseMovedFileName(name, &number)) << name;
  }
}

TEST(PlacementTest, TheFirstRuleThatFitsDecidesAndEmptyValuesStayInside) {
  const Placement placement(100, {{"log/keep", Placement::kNever}, {"log/", 0}});
  EXPECT_FALSE(placement.Apart("other", 99));
  EXPECT_TRUE(placement.Apart("other", 100));
  EXPECT_TRUE(placement.Apart("log/x", 1));
  EXPECT_FALSE(placement.Apart("log/x", 0));
  EXPECT_FALSE(placement.Apart("log/keep", 1 << 30));
}

}  // namespace
}  // namespace nokv::vlog
