#include "engine/batch.h"

#include <gtest/gtest.h>

#include "base/crc32c.h"

namespace nokv::engine {
namespace {

Batch Sample() {
  Batch batch;
  lsm::EntryAttributes attributes;
  attributes.expiry_ms = 1234;
  attributes.user_meta = 7;
  batch.Put(keys::EncodeEngineKey(keys::Keyspace::kData, "k"), "value", attributes);
  batch.Delete(keys::EncodeEngineKey(keys::Keyspace::kData, "d"));
  batch.DeleteRange(keys::EncodePrefix(keys::Keyspace::kData, "a"),
                    keys::EncodePrefix(keys::Keyspace::kData, "b"));
  return batch;
}

TEST(BatchTest, EntriesComeBackAsTheyWereAdded) {
  const Batch batch = Sample();
  BatchReader reader(batch.encoding());
  EXPECT_EQ(reader.count(), 3U);
  BatchEntry entry;
  ASSERT_TRUE(reader.Next(&entry, true));
  EXPECT_EQ(entry.kind, keys::Kind::kPut);
  EXPECT_EQ(entry.value, "value");
  EXPECT_EQ(entry.attributes.expiry_ms, 1234U);
  EXPECT_EQ(entry.attributes.user_meta, 7);
  ASSERT_TRUE(reader.Next(&entry, true));
  EXPECT_EQ(entry.kind, keys::Kind::kDelete);
  EXPECT_EQ(keys::KeyOf(entry.key), "d");
  ASSERT_TRUE(reader.Next(&entry, true));
  EXPECT_EQ(entry.kind, keys::Kind::kRangeDelete);
  EXPECT_EQ(entry.value, keys::EncodePrefix(keys::Keyspace::kData, "b"));
  EXPECT_FALSE(reader.Next(&entry, true));
  EXPECT_TRUE(reader.status().ok());
}

TEST(BatchTest, ValuesLieRawAtTheirOffsetWithTheirOwnChecksum) {
  const Batch batch = Sample();
  BatchReader reader(batch.encoding());
  BatchEntry entry;
  ASSERT_TRUE(reader.Next(&entry, true));
  const std::string_view raw = std::string_view(batch.encoding()).substr(entry.value_offset, 5);
  EXPECT_EQ(raw, "value");
  EXPECT_EQ(base::UnmaskCrc(entry.value_crc), base::Crc32c("value"));
}

TEST(BatchTest, EveryTruncationAndEveryValueFlipIsRefused) {
  const std::string encoding = Sample().encoding();
  for (size_t length = 0; length < encoding.size(); length++) {
    BatchReader reader(std::string_view(encoding).substr(0, length));
    BatchEntry entry;
    while (reader.Next(&entry, true)) {
    }
    EXPECT_TRUE(reader.status().IsCorruption()) << length;
  }
  std::string flipped = encoding;
  flipped[encoding.find("value") + 2] ^= 1;
  BatchReader reader(flipped);
  BatchEntry entry;
  EXPECT_FALSE(reader.Next(&entry, true));
  EXPECT_EQ(reader.status().message(), "batch entry 0: value checksum mismatch");
}

}  // namespace
}  // namespace nokv::engine
