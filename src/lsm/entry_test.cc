#include "lsm/entry.h"

#include <gtest/gtest.h>

namespace nokv::lsm {
namespace {

const vlog::ValuePointer kPointer = vlog::PointerIntoLog({7, 4096}, 5, 0xabcdef);

TEST(EntryTest, EveryCombinationOfFieldsComesBack) {
  for (int mask = 0; mask < 8; mask++) {
    EntryAttributes in;
    if (mask & 1) in.expiry_ms = 1700000000123;
    if (mask & 2) in.user_meta = 0xfe;
    if (mask & 4) in.origin = 0;  // zero is an origin, not the absence of one
    std::string payload;
    AppendEntryPayload(in, "value", &payload);
    ParsedPayload out;
    ASSERT_TRUE(ParseEntryPayload(payload, &out)) << mask;
    EXPECT_EQ(out.attributes, in) << mask;
    EXPECT_EQ(out.value, "value");
    EXPECT_FALSE(out.pointer.has_value());
    EXPECT_LE(payload.size() - out.value.size(), kMaxEntryHeaderBytes);
  }
  std::string plain;
  AppendEntryPayload({}, "v", &plain);
  EXPECT_EQ(plain.size(), 2U) << "absent fields take no byte";
}

TEST(EntryTest, DamagedPayloadsAreRefused) {
  const EntryAttributes attributes{.expiry_ms = 1 << 20, .user_meta = 1, .origin = 7};
  char header[kMaxEntryHeaderBytes];
  const size_t size = StoreEntryHeader(header, attributes, &kPointer);
  ParsedPayload parsed;
  for (size_t cut = 0; cut < size; cut++) {
    EXPECT_FALSE(ParseEntryPayload({header, cut}, &parsed)) << cut;
  }
  EXPECT_FALSE(ParseEntryPayload("\x10value", &parsed)) << "unknown flag";
}

TEST(EntryTest, APointerComesWithAllOfItsValueOrWithNothing) {
  std::string apart;
  AppendApartPayload({}, kPointer, &apart);
  ParsedPayload parsed;
  ASSERT_TRUE(ParseEntryPayload(apart, &parsed));
  EXPECT_TRUE(parsed.apart());
  EXPECT_EQ(parsed.pointer, kPointer);
  const std::string both = apart + "value";
  ASSERT_TRUE(ParseEntryPayload(both, &parsed));
  EXPECT_FALSE(parsed.apart());
  EXPECT_EQ(parsed.pointer, kPointer);
  EXPECT_EQ(parsed.value, "value");
  EXPECT_FALSE(ParseEntryPayload(apart + "val", &parsed)) << "half a value";
  std::string plain;
  AppendEntryPayload({}, "v", &plain);
  ASSERT_TRUE(ParseEntryPayload(plain, &parsed));
  EXPECT_FALSE(parsed.pointer.has_value()) << "left over from the payload before";
}

TEST(EntryTest, ExpiryIsReachedAtItsMillisecond) {
  EXPECT_FALSE((EntryAttributes{.expiry_ms = 10, .user_meta = 0, .origin = {}}.ExpiredAt(9)));
  EXPECT_TRUE((EntryAttributes{.expiry_ms = 10, .user_meta = 0, .origin = {}}.ExpiredAt(10)));
  EXPECT_FALSE(EntryAttributes{}.ExpiredAt(UINT64_MAX));
}

}  // namespace
}  // namespace nokv::lsm
