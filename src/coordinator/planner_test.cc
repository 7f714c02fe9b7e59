#include "coordinator/planner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "coordinator/number_source.h"
#include "metaroot/machine.h"
#include "metaroot/transition_rules.h"

namespace nokv::coordinator {
namespace {

using metaroot::State;
using metaroot::StoreIntent;

constexpr uint64_t kSecond = 1'000'000;
constexpr uint64_t kNow = 10'000 * kSecond;

// Stores 1 to `stores`, heard just now; regions of three keys each, whose leader is the first peer.
struct World {
  State state;
  StoreTimes times;
  std::vector<topology::StoreId> silent;
  std::vector<topology::PeerId> behind;

  explicit World(uint64_t stores) {
    state.cluster_id = 1;
    state.revision = 1;
    state.layout_epoch = 1;
    state.id_fence = 10'000;
    for (uint64_t id = 1; id <= stores; id++) {
      state.stores[id] = {.addr = "h" + std::to_string(id) + ":1"};
    }
  }
  void AddRegion(const std::vector<topology::Peer>& peers) {
    const uint64_t id = state.regions.size() + 1;
    const std::string start = id == 1 ? "" : std::string(1, static_cast<char>('a' + id));
    if (id > 1) state.regions.rbegin()->second.region.range.end = start;
    state.regions[start] = {
        .region = {.id = id, .range = {start, ""}, .epoch = {1, 1}, .peers = peers}};
  }
  // On stores 1, 2 and 3, led by store 1.
  void AddRegions(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
      const uint64_t base = 10 * (state.regions.size() + 1);
      AddRegion({{1, base + 1}, {2, base + 2}, {3, base + 3}});
    }
  }
  ClusterView View() const {
    ClusterView view(times, 0);
    view.SetRoot(state);
    for (const auto& [id, store] : state.stores) {
      if (std::find(silent.begin(), silent.end(), id) == silent.end()) {
        EXPECT_TRUE(view.Hear(StoreHeartbeat{.store = id}, kNow).ok());
      }
    }
    for (const auto& [start, record] : state.regions) {
      EXPECT_TRUE(view.Hear(RegionHeartbeat{.region = record.region.id,
                                            .epoch = record.region.epoch,
                                            .leader = record.region.peers[0].peer,
                                            .behind = behind},
                            kNow)
                      .ok());
    }
    return view;
  }
};

std::string Text(const std::vector<Operator>& plan) {
  std::string text;
  for (const Operator& op : plan) {
    text += std::string(NameOf(op.kind)) + " region " + std::to_string(op.region) + " store " +
            std::to_string(op.store) + "\n";
  }
  return text;
}

TEST(PlannerTest, LeadersAreSpreadUntilStoresDifferByNoMore) {
  World world(3);
  world.AddRegions(6);
  const auto plan = PlanLeaderBalance(world.View(), {}, kNow);
  EXPECT_EQ(Text(plan),
            "transfer_leader region 1 store 2\n"
            "transfer_leader region 2 store 3\n"
            "transfer_leader region 3 store 2\n"
            "transfer_leader region 4 store 3\n");
  EXPECT_EQ(plan[0].from_peer, 11U);
  EXPECT_EQ(plan[0].peer, 12U);
  EXPECT_EQ(plan[0].reason, "store 1 leads 6 regions, store 2 0");
  World even(3);
  even.AddRegions(1);
  EXPECT_EQ(Text(PlanLeaderBalance(even.View(), {}, kNow)), "") << "that would only swap places";
}

TEST(PlannerTest, NoLeaderGoesWhereItCannotBe) {
  World world(3);
  world.AddRegions(6);
  world.silent = {2};
  for (uint64_t region = 1; region <= 6; region++) world.behind.push_back(10 * region + 3);
  EXPECT_EQ(Text(PlanLeaderBalance(world.View(), {}, kNow)), "");
}

TEST(PlannerTest, AStoreThatDrainsLeadsNothing) {
  World world(3);
  world.AddRegions(1);
  world.state.stores[1].intent = StoreIntent::kDrain;
  const auto plan = PlanLeaderBalance(world.View(), {}, kNow);
  EXPECT_EQ(Text(plan), "transfer_leader region 1 store 2\n");
  EXPECT_EQ(plan[0].reason, "store 1 drains");
}

TEST(PlannerTest, PlansNoMoreThanItMay) {
  World world(3);
  world.AddRegions(20);
  EXPECT_EQ(PlanLeaderBalance(world.View(), {.max_operators = 3}, kNow).size(), 3U);
  EXPECT_EQ(PlanLeaderBalance(world.View(), {.max_operators_per_store = 2}, kNow).size(), 2U);
}

TEST(PlannerTest, APeerOnADeadStoreIsReplacedStepByStep) {
  World world(4);
  world.AddRegions(1);
  EXPECT_EQ(Text(PlanReplicaRepair(world.View(), {}, kNow)), "");
  world.silent = {3};
  world.times.down_us = kNow;
  auto plan = PlanReplicaRepair(world.View(), {}, kNow);
  ASSERT_EQ(Text(plan), "add_learner region 1 store 4\n");
  EXPECT_EQ(plan[0].reason, "the region has 2 good voters of 3");
  // Carried out by the rules of the root, one plan after the other.
  for (const char* next :
       {"promote_learner region 1 store 4\n", "remove_peer region 1 store 3\n", ""}) {
    const auto transition = TransitionFor(plan[0], world.state, 500, 7);
    ASSERT_TRUE(transition.ok()) << transition.status();
    ASSERT_TRUE(metaroot::CheckShape(*transition).ok());
    ASSERT_TRUE(metaroot::CheckPlan(world.state, *transition).ok());
    world.state.regions[""].region = transition->to[0];
    plan = PlanReplicaRepair(world.View(), {}, kNow);
    ASSERT_EQ(Text(plan), next);
  }
}

TEST(PlannerTest, ALearnerThatIsBehindWaits) {
  World world(4);
  world.AddRegion({{1, 11}, {2, 12}, {4, 14, topology::PeerRole::kLearner}});
  world.behind = {14};
  EXPECT_EQ(Text(PlanReplicaRepair(world.View(), {}, kNow)), "");
  world.behind = {};
  EXPECT_EQ(Text(PlanReplicaRepair(world.View(), {}, kNow)), "promote_learner region 1 store 4\n");
}

TEST(PlannerTest, ALeaderIsNotRemovedAndARegionUnderWayIsLeftAlone) {
  World world(4);
  world.AddRegion({{1, 11}, {2, 12}, {3, 13}, {4, 14}});
  world.state.stores[1].intent = StoreIntent::kDrain;
  EXPECT_EQ(Text(PlanReplicaRepair(world.View(), {}, kNow)), "") << "its leader goes first";
  std::swap(world.state.regions[""].region.peers[0], world.state.regions[""].region.peers[1]);
  EXPECT_EQ(Text(PlanReplicaRepair(world.View(), {}, kNow)), "remove_peer region 1 store 1\n");
  metaroot::Transition busy;
  busy.plan.from = {world.state.regions[""].region};
  world.state.transitions["peer:1:remove:1:11"] = busy;
  EXPECT_EQ(Text(PlanReplicaRepair(world.View(), {}, kNow)), "");
}

TEST(PlannerTest, TheRegionThatIsWorstOffComesFirst) {
  World world(5);
  world.AddRegion({{1, 11}, {2, 12}});
  world.AddRegion({{1, 21}});
  EXPECT_EQ(Text(PlanReplicaRepair(world.View(), {.max_operators = 1}, kNow)),
            "add_learner region 2 store 3\n")
      << "to the store with the fewest peers";
}

TEST(PlannerTest, AnOperatorOfAnOlderLayoutBecomesNoTransition) {
  World world(4);
  world.AddRegions(1);
  const Operator gone = {.kind = OperatorKind::kRemovePeer, .region = 1, .peer = 99};
  EXPECT_EQ(TransitionFor(gone, world.state, 0, 0).status().code(), StatusCode::kAborted);
  EXPECT_EQ(TransitionFor({.kind = OperatorKind::kAddLearner, .region = 9}, world.state, 0, 0)
                .status()
                .code(),
            StatusCode::kAborted);
  EXPECT_EQ(TransitionFor({}, world.state, 0, 0).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace nokv::coordinator
