#include "coordinator/cluster_view.h"

#include <gtest/gtest.h>

#include "coordinator/freshness.h"

namespace nokv::coordinator {
namespace {

constexpr uint64_t kSecond = 1'000'000;

metaroot::State TwoRegions() {
  metaroot::State state;
  state.revision = 10;
  state.layout_epoch = 3;
  for (uint64_t store = 1; store <= 3; store++) {
    state.stores[store] = {.addr = "h" + std::to_string(store) + ":1"};
  }
  state.regions[""] = {{.id = 1, .range = {"", "m"}, .epoch = {2, 2}, .peers = {{1, 11}, {2, 12}}}};
  state.regions["m"] = {
      {.id = 2, .range = {"m", ""}, .epoch = {1, 1}, .peers = {{1, 21}, {3, 23}}}};
  return state;
}

TEST(ClusterViewTest, AStoreGoesFromUpToDownAsItIsNotHeard) {
  ClusterView view({}, 100 * kSecond);
  view.SetRoot(TwoRegions());
  EXPECT_EQ(view.StateOf(1, 101 * kSecond), StoreState::kUp) << "the coordinator has just begun";
  EXPECT_EQ(view.StateOf(1, 120 * kSecond), StoreState::kDisconnected);
  ASSERT_TRUE(view.Hear(StoreHeartbeat{.store = 1, .leaders = 4}, 120 * kSecond).ok());
  EXPECT_EQ(view.StateOf(1, 121 * kSecond), StoreState::kUp);
  EXPECT_EQ(view.StoreOf(1)->leaders, 4U);
  EXPECT_EQ(view.StateOf(1, 2000 * kSecond), StoreState::kDown);
  EXPECT_EQ(view.StateOf(7, 0), StoreState::kTombstone);
}

TEST(ClusterViewTest, WhatTheRootIntendsCountsFirst) {
  ClusterView view({}, 0);
  metaroot::State state = TwoRegions();
  state.stores[3].intent = metaroot::StoreIntent::kDrain;
  view.SetRoot(state);
  ASSERT_TRUE(view.Hear(StoreHeartbeat{.store = 3}, 0).ok());
  EXPECT_EQ(view.StateOf(3, kSecond), StoreState::kOffline);
  state.stores[3].intent = metaroot::StoreIntent::kRemove;
  state.revision++;
  view.SetRoot(state);
  EXPECT_EQ(view.StateOf(3, kSecond), StoreState::kTombstone);
  EXPECT_EQ(view.StoreOf(3), nullptr);
  EXPECT_EQ(view.Hear(StoreHeartbeat{.store = 3}, 0).code(), StatusCode::kFailedPrecondition);
  EXPECT_TRUE(view.Hear(StoreHeartbeat{.store = 9}, 0).IsNotFound());
}

TEST(ClusterViewTest, AnOlderRootIsNotTaken) {
  ClusterView view({}, 0);
  view.SetRoot(TwoRegions());
  view.SetRoot({});
  EXPECT_EQ(view.root().revision, 10U);
}

TEST(ClusterViewTest, LeadersAreKnownFromHeartbeatsThatAreNotOlder) {
  ClusterView view({}, 0);
  view.SetRoot(TwoRegions());
  EXPECT_EQ(view.Find("a").leader, topology::kNoId);
  ASSERT_TRUE(
      view.Hear(RegionHeartbeat{.region = 1, .epoch = {2, 2}, .term = 5, .leader = 12}, 0).ok());
  EXPECT_EQ(view.Find("a").leader, 12U);
  EXPECT_EQ(view.Find("z").record->region.id, 2U);
  const auto code = [&](const RegionHeartbeat& heartbeat) {
    return view.Hear(heartbeat, 0).code();
  };
  EXPECT_EQ(code({.region = 1, .epoch = {2, 2}, .term = 4, .leader = 11}), StatusCode::kAborted);
  EXPECT_EQ(code({.region = 1, .epoch = {1, 2}, .term = 6, .leader = 11}), StatusCode::kAborted);
  EXPECT_EQ(code({.region = 9, .term = 6}), StatusCode::kNotFound);
  EXPECT_EQ(code({.region = 1, .epoch = {2, 2}, .term = 6, .behind = std::vector<uint64_t>(99)}),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(view.Find("a").leader, 12U);
  // A leader that is no peer any more cannot be gone to.
  ASSERT_TRUE(
      view.Hear(RegionHeartbeat{.region = 1, .epoch = {2, 2}, .term = 7, .leader = 99}, 0).ok());
  EXPECT_EQ(view.Find("a").leader, topology::kNoId);
}

TEST(ClusterViewTest, RegionsThatAreGoneAreForgotten) {
  ClusterView view({}, 0);
  metaroot::State state = TwoRegions();
  view.SetRoot(state);
  ASSERT_TRUE(view.Hear(RegionHeartbeat{.region = 2, .epoch = {1, 1}, .leader = 21}, 0).ok());
  state.regions.erase("m");
  state.regions[""].region.range.end = "";
  state.revision++;
  state.layout_epoch++;
  view.SetRoot(state);
  EXPECT_EQ(view.RegionOf(2), nullptr);
  EXPECT_EQ(ClusterView({}, 0).Find("a").record, nullptr);
}

TEST(FreshnessTest, StrongNeedsAQuorumThatSpokeAfterTheQuestion) {
  const FreshnessWanted strong = {.freshness = Freshness::kStrong};
  RootStanding standing = {.served_revision = 10, .heard_revision = 10};
  EXPECT_EQ(CheckFreshness(standing, strong).code(), StatusCode::kUnavailable)
      << "that nothing newer was heard of proves nothing";
  EXPECT_EQ(EvidenceOf(standing).serving, ServingClass::kBoundedStale);
  standing.confirmed_revision = 11;
  EXPECT_FALSE(CheckFreshness(standing, strong).ok());
  EXPECT_EQ(EvidenceOf(standing).lag, 1U);
  standing.served_revision = 11;
  EXPECT_TRUE(CheckFreshness(standing, strong).ok());
  EXPECT_EQ(EvidenceOf(standing).serving, ServingClass::kAuthoritative);
  EXPECT_EQ(EvidenceOf(standing).catch_up, CatchUp::kFresh);
}

TEST(FreshnessTest, BoundedIsAsOldAsWasSaid) {
  FreshnessWanted bounded = {.freshness = Freshness::kBounded, .max_lag = 2};
  RootStanding standing = {.served_revision = 10, .heard_revision = 12};
  EXPECT_TRUE(CheckFreshness(standing, bounded).ok());
  EXPECT_EQ(EvidenceOf(standing).degraded, DegradedMode::kRootLagging);
  standing.heard_revision = 13;
  EXPECT_FALSE(CheckFreshness(standing, bounded).ok());
  standing = {.served_revision = 10, .heard_revision = 10, .must_reload = true};
  EXPECT_FALSE(CheckFreshness(standing, bounded).ok());
  EXPECT_EQ(EvidenceOf(standing).catch_up, CatchUp::kBootstrapRequired);
  EXPECT_EQ(EvidenceOf(standing).serving, ServingClass::kDegraded);
  standing = {.served_revision = 10, .reachable = false, .silent_ms = 500};
  EXPECT_FALSE(CheckFreshness(standing, bounded).ok());
  bounded.max_silent_ms = 500;
  EXPECT_TRUE(CheckFreshness(standing, bounded).ok());
  bounded.max_silent_ms = 499;
  EXPECT_FALSE(CheckFreshness(standing, bounded).ok());
}

TEST(FreshnessTest, BestEffortSaysHowItIs) {
  const RootStanding standing = {.served_revision = 10, .reachable = false};
  EXPECT_TRUE(CheckFreshness(standing, {}).ok());
  EXPECT_EQ(EvidenceOf(standing).degraded, DegradedMode::kRootUnavailable);
  EXPECT_EQ(EvidenceOf(standing).serving, ServingClass::kDegraded);
  EXPECT_FALSE(CheckFreshness(standing, {.required_revision = 11}).ok());
}

}  // namespace
}  // namespace nokv::coordinator
