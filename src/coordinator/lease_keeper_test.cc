#include "coordinator/lease_keeper.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>

namespace nokv::coordinator {
namespace {

using metaroot::Lease;

constexpr uint64_t kSecond = 1'000'000;

LeaseOptions Holder(const char* name) {
  LeaseOptions options;
  options.holder = name;
  return options;
}

Lease Of(const char* holder, uint64_t generation, bool in_force = true) {
  return {.holder = holder, .ttl_ms = 10'000, .generation = generation, .in_force = in_force};
}

TEST(LeaseKeeperTest, HoldsFromTheAnswerUntilShortlyBeforeItsTimeIsOver) {
  LeaseKeeper keeper(Holder("c1"), 1);
  EXPECT_TRUE(keeper.ShouldAsk(0));
  keeper.Asked(1 * kSecond);
  EXPECT_FALSE(keeper.ShouldAsk(2 * kSecond)) << "it is being asked";
  EXPECT_FALSE(keeper.Holds(2 * kSecond));
  keeper.Answered(3 * kSecond, Of("c1", 4));
  EXPECT_TRUE(keeper.Holds(3 * kSecond));
  EXPECT_EQ(keeper.generation(), 4U);
  // Counted from the question, less what clocks may differ by.
  EXPECT_TRUE(keeper.Holds(10 * kSecond));
  EXPECT_FALSE(keeper.Holds(10'500'000));
}

TEST(LeaseKeeperTest, RenewsInTimeAndKeepsTheGeneration) {
  LeaseKeeper keeper(Holder("c1"), 1);
  keeper.Asked(0);
  keeper.Answered(0, Of("c1", 1));
  EXPECT_FALSE(keeper.ShouldAsk(6 * kSecond));
  EXPECT_TRUE(keeper.ShouldAsk(6'500'000));
  keeper.Asked(7 * kSecond);
  keeper.Failed(8 * kSecond);
  EXPECT_TRUE(keeper.Holds(9 * kSecond)) << "what was granted stands";
  EXPECT_FALSE(keeper.ShouldAsk(8 * kSecond));
  EXPECT_TRUE(keeper.ShouldAsk(8'300'000)) << "and again, soon";
  keeper.Asked(8'300'000);
  keeper.Answered(8'400'000, Of("c1", 1));
  EXPECT_TRUE(keeper.Holds(17 * kSecond));
}

TEST(LeaseKeeperTest, ALeaseShorterThanItsRenewalIsRenewedHalfway) {
  LeaseKeeper keeper(Holder("c1"), 1);
  keeper.Asked(0);
  Lease lease = Of("c1", 1);
  lease.ttl_ms = 1000;
  keeper.Answered(0, lease);
  EXPECT_EQ(keeper.AskAtUs(), 475'000U);
}

TEST(LeaseKeeperTest, AnothersLeaseIsAskedForWhenItsTimeIsOver) {
  LeaseOptions options = Holder("c2");
  options.watch_ms = 60'000;
  LeaseKeeper keeper(options, 1);
  keeper.Asked(0);
  Lease lease = Of("c1", 1);
  lease.granted_revision = 7;
  keeper.Answered(kSecond, lease);
  EXPECT_FALSE(keeper.Holds(kSecond));
  EXPECT_FALSE(keeper.ShouldAsk(10'999'000));
  EXPECT_TRUE(keeper.ShouldAsk(11'050'000)) << "whoever leads the root has seen it before";
  // A renewal counts from when it is seen; that it is seen twice changes nothing.
  lease.granted_revision = 8;
  keeper.Seen(5 * kSecond, lease);
  keeper.Seen(9 * kSecond, lease);
  EXPECT_FALSE(keeper.ShouldAsk(14'999'000));
  EXPECT_TRUE(keeper.ShouldAsk(15'050'000));
  // A root that has seen it later refuses: again soon.
  keeper.Asked(15'050'000);
  keeper.Answered(15'060'000, lease);
  EXPECT_FALSE(keeper.ShouldAsk(15'150'000));
  EXPECT_TRUE(keeper.ShouldAsk(15'210'000));
  // Its end is news.
  keeper.Seen(15'170'000, Of("c1", 1, false));
  EXPECT_TRUE(keeper.ShouldAsk(15'170'000));
}

TEST(LeaseKeeperTest, AnothersLeaseIsAskedForNowAndThenAllTheSame) {
  LeaseKeeper keeper(Holder("c2"), 1);
  keeper.Asked(0);
  keeper.Answered(0, Of("c1", 1));
  EXPECT_FALSE(keeper.ShouldAsk(499'000));
  EXPECT_TRUE(keeper.ShouldAsk(550'000)) << "nobody may tell of its end";
}

TEST(LeaseKeeperTest, StopsWhenTheLeaseIsSeenToBeAnothers) {
  LeaseKeeper keeper(Holder("c1"), 1);
  keeper.Asked(0);
  keeper.Answered(0, Of("c1", 3));
  keeper.Seen(1, Of("c0", 2));
  EXPECT_TRUE(keeper.Holds(2)) << "that is older";
  keeper.Seen(2, Of("c1", 3));
  EXPECT_TRUE(keeper.Holds(3));
  keeper.Seen(3, Of("c2", 4));
  EXPECT_FALSE(keeper.Holds(4));
  EXPECT_EQ(keeper.generation(), 0U);
}

TEST(LeaseKeeperTest, ANewGenerationCountsItsOwnTime) {
  LeaseKeeper keeper(Holder("c1"), 1);
  keeper.Asked(0);
  Lease longer = Of("c1", 1);
  longer.ttl_ms = 100'000;
  keeper.Answered(0, longer);
  keeper.Seen(kSecond, Of("c1", 1, false));
  keeper.Asked(2 * kSecond);
  keeper.Answered(2 * kSecond, Of("c1", 2));
  EXPECT_TRUE(keeper.Holds(3 * kSecond));
  EXPECT_FALSE(keeper.Holds(12 * kSecond));
}

// A root whose leader counts from when it is told, and three coordinators whose questions and
// answers take any time; now and then one does nothing for longer than its lease.
TEST(LeaseKeeperTest, NoTwoHoldAtOneMoment) {
  for (uint64_t seed = 1; seed <= 50; seed++) {
    base::Random random(seed);
    Lease lease;
    uint64_t told_us = 0;
    struct Node {
      std::unique_ptr<LeaseKeeper> keeper;
      uint64_t paused_until_us = 0;
      std::optional<std::pair<uint64_t, Lease>> answer;  // and when it arrives
    };
    std::array<Node, 3> nodes;
    const char* names[] = {"c0", "c1", "c2"};
    for (size_t i = 0; i < 3; i++) {
      nodes[i].keeper = std::make_unique<LeaseKeeper>(Holder(names[i]), random.Next());
    }
    uint64_t held = 0;
    uint64_t holder_changes = 0;
    for (uint64_t now = 0; now < 200 * kSecond; now += 50'000) {
      size_t holders = 0;
      for (size_t i = 0; i < 3; i++) {
        Node& node = nodes[i];
        holders += node.keeper->Holds(now) ? 1 : 0;
        if (node.paused_until_us > now) continue;
        if (random.OneIn(400)) node.paused_until_us = now + random.Uniform(25 * kSecond);
        if (node.answer.has_value() && node.answer->first <= now) {
          node.keeper->Answered(now, node.answer->second);
          node.answer.reset();
        } else if (node.keeper->ShouldAsk(now)) {
          node.keeper->Asked(now);
          const bool expired = now >= told_us + lease.ttl_ms * 1000;
          if (lease.in_force && expired) lease.in_force = false;
          if (!lease.in_force || lease.holder == names[i]) {
            if (!lease.in_force) holder_changes++;
            lease = Of(names[i], lease.generation + (lease.in_force ? 0 : 1));
            told_us = now;
          }
          node.answer = {now + random.Uniform(2 * kSecond), lease};
        }
      }
      ASSERT_LE(holders, 1U) << "seed " << seed << " at " << now;
      held += holders;
    }
    EXPECT_GT(held, 2000U) << "seed " << seed << ": somebody holds it most of the time";
    EXPECT_GT(holder_changes, 1U) << "seed " << seed;
  }
}

}  // namespace
}  // namespace nokv::coordinator
