#include "keys/keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.h"

namespace nokv::keys {
namespace {

TEST(KeysTest, EngineKeysComeApartAsTheyWerePutTogether) {
  const std::string key = EncodeEngineKey(Keyspace::kLock, "k\0y", 42);
  EXPECT_TRUE(IsEngineKey(key));
  EXPECT_EQ(KeyOf(key), std::string_view("k"));
  EXPECT_EQ(VersionOf(key), 42U);
  EXPECT_EQ(PrefixOf(key), EncodePrefix(Keyspace::kLock, "k"));
  EXPECT_FALSE(IsEngineKey("short"));
  EXPECT_FALSE(IsEngineKey(std::string("\x09") + std::string(9, 'x')));
}

TEST(KeysTest, AKeyThatIsAPrefixOfAnotherSortsBeforeAllItsVersions) {
  // Whole-string comparison would put "a\xff…" before version 0 of "a".
  const std::string shorter = EncodeEngineKey(Keyspace::kData, "a", 0);
  const std::string longer = EncodeEngineKey(Keyspace::kData, "a\x01", 7);
  EXPECT_LT(CompareEngineKeys(shorter, longer), 0);
  EXPECT_GT(CompareEngineKeys(longer, shorter), 0);
  EXPECT_GT(shorter, longer) << "the case that makes split-aware comparison necessary";
}

TEST(KeysTest, NewerVersionsAndNewerSequencesSortFirst) {
  EXPECT_LT(CompareEngineKeys(EncodeEngineKey(Keyspace::kData, "k", 9),
                              EncodeEngineKey(Keyspace::kData, "k", 8)),
            0);
  const std::string key = EncodeEngineKey(Keyspace::kData, "k");
  const std::string newer = EncodeInternalKey(key, PackTrailer(5, Kind::kPut));
  const std::string older = EncodeInternalKey(key, PackTrailer(4, Kind::kDelete));
  EXPECT_LT(CompareInternalKeys(newer, older), 0);
  EXPECT_LE(CompareInternalKeys(EncodeInternalKey(key, SeekTrailer(5)), newer), 0);
  EXPECT_EQ(SequenceOf(newer), 5U);
  EXPECT_EQ(KindOf(older), Kind::kDelete);
}

TEST(KeysTest, InternalKeysFromDiskAreChecked) {
  const std::string key = EncodeEngineKey(Keyspace::kData, "k");
  EXPECT_TRUE(IsInternalKey(EncodeInternalKey(key, PackTrailer(1, Kind::kPut))));
  EXPECT_FALSE(IsInternalKey(EncodeInternalKey(key, (1 << 8) | 0x77)));
  EXPECT_FALSE(IsInternalKey(key.substr(0, 8)));
}

TEST(KeysTest, EscapingKeepsTheOrderOfPlainKeysAndTheReservedAreaApart) {
  base::Random random(1);
  std::vector<std::string> plain = {"",         "a",       "\xff", std::string("\xff\x00", 2),
                                    "\xff\x01", "\xff\xff"};
  for (int i = 0; i < 500; i++) {
    std::string key;
    for (uint64_t n = random.Uniform(4); n > 0; n--) {
      key.push_back(random.OneIn(2) ? '\xff' : static_cast<char>(random.Uniform(3)));
    }
    plain.push_back(key);
  }
  std::sort(plain.begin(), plain.end());
  for (size_t i = 0; i + 1 < plain.size(); i++) {
    EXPECT_LE(EncodePlainKey(plain[i]), EncodePlainKey(plain[i + 1]));
  }
  for (const std::string& key : plain) {
    const std::string data_key = EncodePlainKey(key);
    EXPECT_TRUE(data_key < kReservedBegin || data_key >= kReservedEnd);
    std::string scratch;
    EXPECT_EQ(DecodePlainKey(data_key, &scratch), key);
  }
  const std::string reserved = EncodeReservedKey(3, "x");
  EXPECT_GE(reserved, kReservedBegin);
  EXPECT_LT(reserved, kReservedEnd);
  std::string scratch;
  EXPECT_EQ(DecodePlainKey(reserved, &scratch), std::nullopt);
}

}  // namespace
}  // namespace nokv::keys
