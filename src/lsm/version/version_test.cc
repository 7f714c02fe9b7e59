#include "lsm/version/version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lsm/compaction/test_tree.h"
#include "lsm/version/level_iterator.h"

namespace nokv::lsm {
namespace {

using ::testing::HasSubstr;
using State = LookupResult::State;

// A handle without a table: enough for whatever does not read.
std::shared_ptr<const FileHandle> Handle(uint64_t number, const std::string& from,
                                         const std::string& to, keys::SequenceNumber low,
                                         keys::SequenceNumber high, bool ends_with_tombstone) {
  manifest::FileMetadata meta;
  meta.number = number;
  meta.smallest =
      keys::EncodeInternalKey(TestTree::Key(from), keys::PackTrailer(high, keys::Kind::kPut));
  meta.largest = keys::EncodeInternalKey(
      TestTree::Key(to), ends_with_tombstone
                             ? keys::PackTrailer(keys::kMaxSequence, keys::Kind::kRangeDelete)
                             : keys::PackTrailer(low, keys::Kind::kPut));
  meta.smallest_sequence = low;
  meta.largest_sequence = high;
  meta.file_bytes = 10;
  return std::make_shared<const FileHandle>(meta, nullptr, nullptr, ValueFileList(),
                                            std::make_shared<ObsoleteFiles>());
}

// A table of no bytes.
std::shared_ptr<const FileHandle> Empty(const std::string& from, const std::string& to) {
  manifest::FileMetadata meta = Handle(1, from, to, 1, 5, false)->meta();
  meta.file_bytes = 0;
  return std::make_shared<const FileHandle>(meta, nullptr, nullptr, ValueFileList(),
                                            std::make_shared<ObsoleteFiles>());
}

Version With(int level, FileList files) {
  std::array<FileList, kLevels> levels;
  levels[static_cast<size_t>(level)] = std::move(files);
  return Version(std::move(levels));
}

TEST(VersionTest, TablesOfALevelMayTouchOnlyWhereOneEndsWithATombstone) {
  EXPECT_TRUE(With(1, {Handle(1, "a", "c", 1, 5, true), Handle(2, "c", "d", 1, 5, false)})
                  .CheckInvariants()
                  .ok());
  const Status shared =
      With(1, {Handle(1, "a", "c", 1, 5, false), Handle(2, "c", "d", 1, 5, false)})
          .CheckInvariants();
  EXPECT_EQ(shared.code(), StatusCode::kInternal);
  EXPECT_THAT(shared.message(), HasSubstr("00001.sst"));
  EXPECT_THAT(shared.message(), HasSubstr("00002.sst"));
}

TEST(VersionTest, ACursorWithAnEndOpensNoTableThatBeginsThereOrBehind) {
  // One that cannot be opened.
  const Version version = With(1, {Handle(1, "m", "p", 1, 5, false)});
  const auto it = NewLevelIterator(version.files(1), /*fill_cache=*/true,
                                   keys::EncodePrefix(keys::Keyspace::kData, "m"));
  it->Seek(keys::EncodeInternalKey(TestTree::Key("a"), keys::SeekTrailer(9)));
  EXPECT_FALSE(it->Valid());
  EXPECT_TRUE(it->status().ok());
  it->SeekToFirst();
  EXPECT_FALSE(it->Valid());
  EXPECT_TRUE(it->status().ok());
}

TEST(VersionTest, TablesOfLevelZeroMayNotInterleaveTheirSequences) {
  EXPECT_TRUE(With(0, {Handle(2, "a", "z", 6, 9, false), Handle(1, "a", "z", 1, 5, false)})
                  .CheckInvariants()
                  .ok());
  EXPECT_FALSE(With(0, {Handle(2, "a", "z", 5, 9, false), Handle(1, "a", "z", 1, 5, false)})
                   .CheckInvariants()
                   .ok());
}

TEST(VersionTest, NoTableIsListedTwice) {
  std::array<FileList, kLevels> levels;
  levels[1] = levels[2] = {Handle(1, "a", "c", 1, 5, false)};
  EXPECT_FALSE(Version(levels).CheckInvariants().ok());
}

TEST(VersionTest, ATableHasASizeAndItsBoundsInOrder) {
  EXPECT_TRUE(With(1, {Handle(1, "a", "c", 1, 5, false)}).CheckInvariants().ok());
  for (const auto& broken :
       {Handle(1, "c", "a", 1, 5, false), Handle(1, "a", "c", 5, 1, false), Empty("a", "c")}) {
    const Status status = With(1, {broken}).CheckInvariants();
    EXPECT_EQ(status.code(), StatusCode::kInternal);
    EXPECT_THAT(status.message(), HasSubstr("level 1: table 00001.sst"));
  }
}

TEST(VersionTest, OverlapRespectsExclusiveEnds) {
  const Version version = With(2, {Handle(1, "b", "d", 1, 5, true)});
  const auto at = [](const char* key) {
    return PrefixRange{TestTree::Prefix(key), TestTree::Prefix(key), true};
  };
  EXPECT_TRUE(version.OverlapsBelow(1, at("b")));
  EXPECT_FALSE(version.OverlapsBelow(1, at("d")));
  EXPECT_FALSE(version.OverlapsBelow(2, at("b")));
  EXPECT_FALSE(version.OverlapsBelow(1, {TestTree::Prefix("a"), TestTree::Prefix("b"), false}));
  EXPECT_TRUE(version.OverlapsBelow(1, {TestTree::Prefix("a"), TestTree::Prefix("b"), true}));
  EXPECT_TRUE(version.PrefixMayExistBelow(1, TestTree::Prefix("c")));
  EXPECT_FALSE(version.PrefixMayExistBelow(1, TestTree::Prefix("d")));
  EXPECT_EQ(version.Overlapping(2, at("c")).size(), 1U);
  EXPECT_EQ(version.Overlapping(2, at("d")).size(), 0U);
}

TEST(VersionTest, AnEntryUnderATombstoneOfAnotherTableIsDeleted) {
  TestTree tree;
  tree.Put("k", "value");
  ASSERT_TRUE(tree.Flush().ok());
  tree.DeleteRange("a", "z");
  ASSERT_TRUE(tree.Flush().ok());
  LookupResult result;
  ASSERT_TRUE(tree.version()->Get(TestTree::Key("k"), keys::kMaxSequence, &result).ok());
  EXPECT_EQ(result.state, State::kDeleted);
  LookupResult before;
  ASSERT_TRUE(tree.version()->Get(TestTree::Key("k"), 1, &before).ok());
  EXPECT_EQ(before.state, State::kFound);
}

TEST(VersionTest, ATombstoneOfAMemtableHidesOlderEntriesOnly) {
  TestTree tree;
  tree.Put("k", "value");
  ASSERT_TRUE(tree.Flush().ok());
  LookupResult hidden;
  hidden.covering = 9;
  ASSERT_TRUE(tree.version()->Get(TestTree::Key("k"), keys::kMaxSequence, &hidden).ok());
  EXPECT_EQ(hidden.state, State::kDeleted);
  EXPECT_EQ(hidden.tables_read, 0) << "nothing in tables can be newer";
  LookupResult missing;
  ASSERT_TRUE(tree.version()->Get(TestTree::Key("other"), keys::kMaxSequence, &missing).ok());
  EXPECT_EQ(missing.state, State::kMissing);
}

TEST(VersionTest, AReadAsksOneTablePerDeeperLevelAndStopsAtTheFirstHit) {
  TestTree tree;
  for (int round = 0; round < 2; round++) {
    for (char c = 'a'; c <= 'z'; c++) tree.Put(std::string(1, c), std::string(100, c));
    ASSERT_TRUE(tree.Flush().ok());
    if (round == 0) tree.CompactAll();
  }
  ASSERT_GT(tree.version()->files(kLevels - 1).size(), 2U);
  LookupResult newest;
  ASSERT_TRUE(tree.version()->Get(TestTree::Key("k"), keys::kMaxSequence, &newest).ok());
  EXPECT_EQ(newest.tables_read, 1);
  LookupResult older;
  ASSERT_TRUE(tree.version()->Get(TestTree::Key("k"), 26, &older).ok());
  EXPECT_EQ(older.state, State::kFound);
  EXPECT_LE(older.tables_read, 2);
}

TEST(LevelIteratorTest, WalksAllTablesBothWaysAndFromAnywhere) {
  TestTree tree;
  std::vector<std::string> expected;
  for (char c = 'a'; c <= 'z'; c += 2) {
    tree.Put(std::string(1, c), std::string(200, c));
    expected.push_back(TestTree::Key(std::string(1, c)));
  }
  tree.DeleteRange("A", "B");  // tables may hold nothing but tombstones at one end
  ASSERT_TRUE(tree.Flush().ok());
  ASSERT_TRUE(tree.Compact(*tree.Manual(0)).ok());
  const auto version = tree.version();
  ASSERT_GT(version->files(kLevels - 1).size(), 2U);
  const auto cursor = NewLevelIterator(version->files(kLevels - 1), true);
  std::vector<std::string> seen;
  for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
    seen.emplace_back(keys::EngineKeyOf(cursor->key()));
  }
  EXPECT_EQ(seen, expected);
  seen.clear();
  for (cursor->SeekToLast(); cursor->Valid(); cursor->Prev()) {
    seen.emplace(seen.begin(), keys::EngineKeyOf(cursor->key()));
  }
  EXPECT_EQ(seen, expected);
  for (char c = 'a'; c <= 'z'; c++) {
    const std::string key = TestTree::Key(std::string(1, c));
    const std::string target = keys::EncodeInternalKey(key, keys::SeekTrailer(keys::kMaxSequence));
    const auto next = std::lower_bound(expected.begin(), expected.end(), key);
    cursor->Seek(target);
    ASSERT_EQ(cursor->Valid(), next != expected.end()) << c;
    if (cursor->Valid()) {
      EXPECT_EQ(keys::EngineKeyOf(cursor->key()), *next);
    }
    cursor->SeekForPrev(target);
    ASSERT_EQ(cursor->Valid(), next != expected.begin()) << c;
    if (cursor->Valid()) {
      EXPECT_EQ(keys::EngineKeyOf(cursor->key()), *std::prev(next));
    }
  }
  EXPECT_TRUE(cursor->status().ok());
}

TEST(LevelIteratorTest, OfNoTablesIsNeverValid) {
  const FileList none;
  const auto cursor = NewLevelIterator(none, true);
  cursor->SeekToFirst();
  EXPECT_FALSE(cursor->Valid());
  cursor->SeekToLast();
  EXPECT_FALSE(cursor->Valid());
  EXPECT_TRUE(cursor->status().ok());
}

}  // namespace
}  // namespace nokv::lsm
