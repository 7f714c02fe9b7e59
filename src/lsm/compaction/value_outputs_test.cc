#include "lsm/compaction/value_outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>

#include "base/crc32c.h"
#include "keys/keys.h"
#include "vfs/memory_fs.h"
#include "vlog/value_file.h"

namespace nokv::lsm {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

class ValueOutputsTest : public testing::Test {
 protected:
  ValueOutputsTest() : fs_(vfs::NewMemoryFileSystem()) { EXPECT_TRUE(fs_->CreateDirs("/db").ok()); }

  void Start(const ValueOutputOptions& options) {
    outputs_.emplace(*fs_, "/db", [this] { return ++last_number_; }, options);
  }
  static std::string Key(int i) {
    return keys::EncodeEngineKey(keys::Keyspace::kData, "key" + std::to_string(i));
  }
  vlog::ValuePointer Add(int i, bool old) {
    const std::string value = "value " + std::to_string(i);
    auto pointer = outputs_->Add(Key(i), old, value, base::MaskCrc(base::Crc32c(value)));
    EXPECT_TRUE(pointer.ok());
    return *pointer;
  }
  std::shared_ptr<const vlog::ValueFile> Open(vlog::ValueFileId id) {
    auto file = vlog::ValueFile::Open(*fs_, "/db", id, vfs::ReadMode::kRead);
    EXPECT_TRUE(file.ok()) << file.status();
    (*file)->ExtendTo((*file)->size());
    return *file;
  }

  const std::unique_ptr<vfs::MemoryFileSystem> fs_;
  uint64_t last_number_ = 0;
  std::optional<ValueOutputs> outputs_;
};

TEST_F(ValueOutputsTest, AKeyHasOneBucketAndOldValuesLieApart) {
  Start({.buckets = 3});
  std::map<int, vlog::ValuePointer> pointers;
  for (int i = 0; i < 100; i++) pointers[i] = Add(i, /*old=*/i % 2 != 0);
  const vlog::ValuePointer again = Add(7, /*old=*/true);
  EXPECT_EQ(again.file, pointers[7].file);
  ASSERT_TRUE(outputs_->Finish().ok());
  std::set<vlog::ValueFileId> files;
  for (const auto& [i, pointer] : pointers) {
    files.insert(pointer.file);
    const auto file = Open(pointer.file);
    EXPECT_EQ(file->group().old, i % 2 != 0);
    EXPECT_LT(file->group().bucket, 3);
    std::string scratch;
    std::string_view value;
    ASSERT_TRUE(file->Read(pointer, &scratch, &value).ok());
    EXPECT_EQ(value, "value " + std::to_string(i));
  }
  EXPECT_THAT(files, SizeIs(6));
}

TEST_F(ValueOutputsTest, ValuesOfOneFileAreInTheOrderInWhichTheyCame) {
  Start({.buckets = 2});
  std::map<vlog::ValueFileId, uint64_t> ends;
  for (int i = 0; i < 50; i++) {
    const vlog::ValuePointer pointer = Add(i, /*old=*/false);
    EXPECT_GT(pointer.offset, ends[pointer.file]);
    ends[pointer.file] = pointer.end();
  }
}

TEST_F(ValueOutputsTest, AFileThatIsFullIsFollowedByAnother) {
  Start({.buckets = 1, .target_file_bytes = 100});
  for (int i = 0; i < 20; i++) Add(i, /*old=*/false);
  ASSERT_TRUE(outputs_->Finish().ok());
  uint64_t bytes = 0;
  const auto names = *fs_->List("/db");
  EXPECT_GT(names.size(), 2U);
  for (const std::string& name : names) bytes += *fs_->FileSize("/db/" + name);
  EXPECT_EQ(outputs_->bytes_written(), bytes);
}

TEST_F(ValueOutputsTest, WhatIsNotWantedIsRemoved) {
  Start({.buckets = 4});
  EXPECT_TRUE(outputs_->empty());
  for (int i = 0; i < 20; i++) Add(i, /*old=*/false);
  EXPECT_FALSE(outputs_->empty());
  outputs_->Remove();
  EXPECT_THAT(*fs_->List("/db"), IsEmpty());
}

}  // namespace
}  // namespace nokv::lsm
