#include "lsm/sst/block.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "lsm/sst/block_builder.h"

namespace nokv::lsm::internal {
namespace {

std::string Key(int i) {
  return keys::EncodeInternalKey(
      keys::EncodeEngineKey(keys::Keyspace::kData, "key" + std::to_string(1000 + i)),
      keys::PackTrailer(7, keys::Kind::kPut));
}

// Entries of even numbers, and the restart points before them.
struct Block {
  static constexpr int kEnd = 60;

  Block() {
    BlockBuilder builder(8);
    for (int i = 0; i < kEnd; i += 2) {
      builder.Add(Key(i), "value" + std::to_string(i));
      places.push_back(builder.last_restart());
    }
    contents = builder.Finish();
  }
  std::string contents;
  std::vector<uint32_t> places;
};

TEST(BlockCursorTest, FindsOnFromARestartPointWhatASeekThereFinds) {
  const Block block;
  for (int i = 0; i < Block::kEnd; i += 2) {
    BlockCursor cursor;
    const std::string key = Key(i);
    const SeekKey target(key);
    ASSERT_TRUE(cursor.FindOn(block.contents, block.places[static_cast<size_t>(i / 2)], target));
    EXPECT_EQ(cursor.key(), key);
    EXPECT_EQ(cursor.payload(), "value" + std::to_string(i));
  }
}

// Of what is not there it finds nothing, or something else, behind the last entry as well, where
// bytes follow that are no entries.
TEST(BlockCursorTest, FindsOnlyOtherKeysOnFromARestartPointIfTheKeyIsNotThere) {
  const Block block;
  for (int i = 1; i < Block::kEnd + 2; i += 2) {
    BlockCursor cursor;
    const std::string key = Key(i);
    const SeekKey target(key);
    for (const uint32_t place : block.places) {
      if (!cursor.FindOn(block.contents, place, target)) continue;
      EXPECT_NE(target.CompareEngineKey(keys::EngineKeyOf(cursor.key())), 0);
    }
  }
}

TEST(BlockCursorTest, FindsNothingOnFromAPlaceOutsideTheBlock) {
  const Block block;
  const std::string key = Key(0);
  BlockCursor cursor;
  EXPECT_FALSE(cursor.FindOn(block.contents, block.contents.size(), SeekKey(key)));
  EXPECT_FALSE(cursor.FindOn(block.contents, block.contents.size() + 1000, SeekKey(key)));
}

}  // namespace
}  // namespace nokv::lsm::internal
