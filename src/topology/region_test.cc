#include "topology/region.h"

#include <gtest/gtest.h>

namespace nokv::topology {
namespace {

Region Sample() {
  return {.id = 7,
          .range = {"a", "m"},
          .epoch = {3, 4},
          .peers = {{1, 71}, {2, 72}, {3, 73, PeerRole::kLearner}}};
}

TEST(RegionTest, RangesOverlapIfOneKeyIsInBoth) {
  EXPECT_TRUE(Overlap({"", ""}, {"x", "y"}));
  EXPECT_TRUE(Overlap({"a", "c"}, {"b", ""}));
  EXPECT_FALSE(Overlap({"a", "b"}, {"b", "c"}));
  EXPECT_FALSE(Overlap({"b", ""}, {"", "b"}));
  EXPECT_TRUE(Overlap({"", "b"}, {"", "a"}));
}

TEST(RegionTest, ARangeContainsItsStartAndNotItsEnd) {
  const KeyRange range = {"b", "d"};
  EXPECT_TRUE(range.Contains("b"));
  EXPECT_TRUE(range.Contains("c\xff"));
  EXPECT_FALSE(range.Contains("d"));
  EXPECT_FALSE(range.Contains("a"));
  EXPECT_TRUE((KeyRange{"b", ""}).Contains("\xff\xff"));
  EXPECT_EQ(ToString(range), "[\"b\", \"d\")");
  EXPECT_EQ(ToString({"\xff", ""}), "[\"\\xff\", ∞)");
}

TEST(RegionTest, RefusesWhatCannotBeARegion) {
  EXPECT_TRUE(CheckRegion(Sample()).ok());
  const auto refused = [](auto change, const char* text) {
    Region region = Sample();
    change(region);
    const std::string message(CheckRegion(region).message());
    EXPECT_NE(message.find(text), std::string::npos) << message;
  };
  refused([](Region& r) { r.id = 0; }, "id 0");
  refused([](Region& r) { r.range.end = "a"; }, "region 7 has no keys");
  refused([](Region& r) { r.range.start = std::string(kMaxBoundBytes + 1, 'a'); }, "4096 bytes");
  refused([](Region& r) { r.peers.clear(); }, "no peer that votes");
  refused([](Region& r) { r.peers = {{1, 71, PeerRole::kLearner}}; }, "no peer that votes");
  refused([](Region& r) { r.peers[1].store = 0; }, "id of 0");
  refused([](Region& r) { r.peers[1].peer = 71; }, "two peers with the id 71");
  refused([](Region& r) { r.peers[1].store = 1; }, "two peers on store 1");
  refused([](Region& r) { r.peers.assign(kMaxPeers + 1, {1, 1}); }, "more than 32 peers");
}

TEST(RegionTest, DecodesWhatItEncodedAndNothingShorter) {
  std::string bytes;
  EncodeRegion(Sample(), &bytes);
  std::string_view in = bytes;
  Region region;
  ASSERT_TRUE(DecodeRegion(&in, &region));
  EXPECT_EQ(region, Sample());
  EXPECT_TRUE(in.empty());
  for (size_t length = 0; length < bytes.size(); length++) {
    in = std::string_view(bytes).substr(0, length);
    EXPECT_FALSE(DecodeRegion(&in, &region)) << length;
  }
  bytes.back() = 2;  // no such role
  in = bytes;
  EXPECT_FALSE(DecodeRegion(&in, &region));
}

TEST(RegionTest, ComparesPeersInAnyOrder) {
  Region other = Sample();
  std::swap(other.peers[0], other.peers[2]);
  EXPECT_TRUE(SamePeers(other, Sample()));
  other.peers[0].role = PeerRole::kVoter;
  EXPECT_FALSE(SamePeers(other, Sample()));
}

}  // namespace
}  // namespace nokv::topology
