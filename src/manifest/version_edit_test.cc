#include "manifest/version_edit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/coding.h"
#include "base/random.h"
#include "keys/keys.h"
#include "manifest/format.h"

namespace nokv::manifest {
namespace {

using ::testing::HasSubstr;

std::string InternalKey(const std::string& key) {
  return keys::EncodeInternalKey(keys::EncodeEngineKey(keys::Keyspace::kData, key),
                                 keys::PackTrailer(7, keys::Kind::kPut));
}

FileMetadata File(uint64_t number) {
  FileMetadata file;
  file.number = number;
  file.file_bytes = 1000 + number;
  file.entries = 10;
  file.deletions = 2;
  file.range_tombstones = 1;
  file.raw_key_bytes = 300;
  file.raw_value_bytes = 900;
  file.smallest = InternalKey("a" + std::to_string(number));
  file.largest = InternalKey("b" + std::to_string(number));
  file.smallest_sequence = 3;
  file.largest_sequence = 70;
  file.earliest_expiry_ms = 1'700'000'000'000;
  file.created_at_ms = 1'600'000'000'000;
  return file;
}

VersionEdit FullEdit() {
  VersionEdit edit;
  edit.comparator = kComparatorName;
  edit.log_position = LogPosition{4, 4096};
  edit.next_file_number = 12;
  edit.last_sequence = keys::kMaxSequence;
  edit.open_generation = 3;
  edit.DeleteFile(6, 9);
  edit.AddFile(0, File(10));
  edit.AddFile(6, File(11));
  edit.added_files.back().second.points_into = {{{3, ValueFileId::Kind::kSegment}, 100, 4096},
                                                {{3, ValueFileId::Kind::kMoved}, 9, 200},
                                                {{5, ValueFileId::Kind::kSegment}, 7, 99}};
  return edit;
}

std::string Encoded(const VersionEdit& edit) {
  std::string bytes;
  AppendEdit(edit, &bytes);
  return bytes;
}

TEST(VersionEditTest, EveryFieldSurvivesEncoding) {
  const Result<VersionEdit> decoded = DecodeEdit(Encoded(FullEdit()));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, FullEdit());
  EXPECT_EQ(*DecodeEdit(""), VersionEdit());
}

TEST(VersionEditTest, RefusesAnUnknownFieldByItsNumber) {
  std::string bytes = Encoded(FullEdit());
  base::PutVarint32(&bytes, 93);
  const Status status = DecodeEdit(bytes).status();
  EXPECT_EQ(status.code(), StatusCode::kUnimplemented);
  EXPECT_THAT(status.message(), HasSubstr("93"));
}

TEST(VersionEditTest, RefusesLevelsAndBoundsThatCannotBe) {
  VersionEdit deep;
  deep.DeleteFile(kLevels, 9);
  EXPECT_TRUE(DecodeEdit(Encoded(deep)).status().IsCorruption());

  for (const bool swapped : {false, true}) {
    VersionEdit edit;
    edit.AddFile(1, File(10));
    FileMetadata& file = edit.added_files.back().second;
    if (swapped) {
      std::swap(file.smallest, file.largest);
    } else {
      file.smallest = "short";
    }
    EXPECT_TRUE(DecodeEdit(Encoded(edit)).status().IsCorruption());
  }
}

TEST(VersionEditTest, EveryCutIsMalformedOrAShorterEdit) {
  const std::string bytes = Encoded(FullEdit());
  for (size_t length = 0; length < bytes.size(); length++) {
    const Result<VersionEdit> decoded = DecodeEdit(std::string_view(bytes).substr(0, length));
    if (decoded.ok()) {
      EXPECT_EQ(Encoded(*decoded), bytes.substr(0, length));
    } else {
      EXPECT_TRUE(decoded.status().IsCorruption()) << decoded.status();
    }
  }
}

TEST(VersionEditTest, RandomBytesNeverDoHarm) {
  base::Random random(5);
  for (int i = 0; i < 20000; i++) {
    std::string bytes = Encoded(FullEdit());
    for (uint64_t n = 1 + random.Uniform(4); n > 0; n--) {
      bytes[random.Uniform(bytes.size())] = static_cast<char>(random.Next());
    }
    const Result<VersionEdit> decoded = DecodeEdit(bytes);
    if (!decoded.ok()) continue;
    EXPECT_EQ(*DecodeEdit(Encoded(*decoded)), *decoded);
  }
}

TEST(DatabaseStateTest, ASnapshotMakesAnEmptyStateEqual) {
  DatabaseState state;
  VersionEdit before;
  before.AddFile(6, File(9));
  ASSERT_TRUE(state.Apply(before).ok());
  ASSERT_TRUE(state.Apply(FullEdit()).ok());
  EXPECT_FALSE(state.levels[6].contains(9));

  DatabaseState copy;
  ASSERT_TRUE(copy.Apply(state.Snapshot()).ok());
  EXPECT_EQ(copy, state);
}

TEST(DatabaseStateTest, ATableMovesBetweenLevelsInOneEdit) {
  DatabaseState state;
  VersionEdit add;
  add.AddFile(1, File(9));
  ASSERT_TRUE(state.Apply(add).ok());
  VersionEdit move;
  move.DeleteFile(1, 9);
  move.AddFile(2, File(9));
  ASSERT_TRUE(state.Apply(move).ok());
  EXPECT_TRUE(state.levels[1].empty());
  EXPECT_TRUE(state.levels[2].contains(9));
}

TEST(DatabaseStateTest, RefusesEditsThatDoNotFit) {
  DatabaseState state;
  VersionEdit add;
  add.AddFile(1, File(9));
  ASSERT_TRUE(state.Apply(add).ok());
  VersionEdit again;
  again.AddFile(2, File(9));
  EXPECT_TRUE(DatabaseState(state).Apply(again).IsCorruption());
  VersionEdit absent;
  absent.DeleteFile(2, 9);
  EXPECT_TRUE(DatabaseState(state).Apply(absent).IsCorruption());
  VersionEdit comparator;
  comparator.comparator = "other";
  const Status status = state.Apply(comparator);
  EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("\"other\""));
}

}  // namespace
}  // namespace nokv::manifest
