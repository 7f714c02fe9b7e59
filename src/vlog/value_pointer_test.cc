#include "vlog/value_pointer.h"

#include <gtest/gtest.h>

namespace nokv::vlog {
namespace {

std::string Encoded(const ValuePointer& pointer) {
  char bytes[kMaxPointerBytes];
  return {bytes, StorePointer(bytes, pointer)};
}

TEST(ValuePointerTest, EveryFieldComesBack) {
  for (const ValuePointer& pointer : {ValuePointer{}, PointerIntoLog({7, 4096}, 1000, 0xfeedbeef),
                                      ValuePointer{{UINT64_MAX >> 1, ValueFileId::Kind::kMoved},
                                                   UINT64_MAX - UINT32_MAX,
                                                   UINT32_MAX,
                                                   UINT32_MAX}}) {
    const std::string bytes = Encoded(pointer);
    EXPECT_LE(bytes.size(), kMaxPointerBytes);
    std::string_view rest = bytes;
    ValuePointer back;
    ASSERT_TRUE(GetPointer(&rest, &back));
    EXPECT_EQ(back, pointer);
    EXPECT_TRUE(rest.empty());
  }
}

TEST(ValuePointerTest, ACutOneAndOneBeyondAllOffsetsAreRefused) {
  const std::string bytes = Encoded(PointerIntoLog({7, 4096}, 1000, 1));
  ValuePointer back;
  for (size_t cut = 0; cut < bytes.size(); cut++) {
    std::string_view rest = std::string_view(bytes).substr(0, cut);
    EXPECT_FALSE(GetPointer(&rest, &back)) << cut;
  }
  std::string overflow = Encoded(PointerIntoLog({7, UINT64_MAX}, 1, 1));
  std::string_view rest = overflow;
  EXPECT_FALSE(GetPointer(&rest, &back));
}

TEST(ValuePointerTest, DescribesWhereTheValueLies) {
  EXPECT_EQ(Describe(PointerIntoLog({7, 4096}, 12, 0)),
            "00007.wal: value of 12 bytes at offset 4096");
}

}  // namespace
}  // namespace nokv::vlog
