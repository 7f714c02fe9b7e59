#include "lsm/entry.h"

#include <gtest/gtest.h>

namespace nokv::lsm {
namespace {

TEST(EntryTest, EveryCombinationOfFieldsComesBack) {
  for (int mask = 0; mask < 8; mask++) {
    EntryAttributes in;
    if (mask & 1) in.expiry_ms = 1700000000123;
    if (mask & 2) in.user_meta = 0xfe;
    if (mask & 4) in.origin = 0;  // zero is an origin, not the absence of one
    std::string payload;
    AppendEntryPayload(in, "value", &payload);
    EntryAttributes out;
    std::string_view value;
    ASSERT_TRUE(ParseEntryPayload(payload, &out, &value)) << mask;
    EXPECT_EQ(out, in) << mask;
    EXPECT_EQ(value, "value");
    EXPECT_LE(payload.size() - value.size(), kMaxEntryHeaderBytes);
  }
  std::string plain;
  AppendEntryPayload({}, "v", &plain);
  EXPECT_EQ(plain.size(), 2U) << "absent fields take no byte";
}

TEST(EntryTest, DamagedPayloadsAreRefused) {
  EntryAttributes attributes{.expiry_ms = 1 << 20, .user_meta = 1, .origin = 7};
  char header[kMaxEntryHeaderBytes];
  const size_t size = StoreEntryHeader(header, attributes);
  std::string_view value;
  for (size_t cut = 0; cut < size; cut++) {
    EXPECT_FALSE(ParseEntryPayload({header, cut}, &attributes, &value)) << cut;
  }
  EXPECT_FALSE(ParseEntryPayload("\x08value", &attributes, &value)) << "unknown flag";
}

TEST(EntryTest, ExpiryIsReachedAtItsMillisecond) {
  EXPECT_FALSE((EntryAttributes{.expiry_ms = 10, .user_meta = 0, .origin = {}}.ExpiredAt(9)));
  EXPECT_TRUE((EntryAttributes{.expiry_ms = 10, .user_meta = 0, .origin = {}}.ExpiredAt(10)));
  EXPECT_FALSE(EntryAttributes{}.ExpiredAt(UINT64_MAX));
}

}  // namespace
}  // namespace nokv::lsm
