#include "coordinator/coordinator.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "coordinator/machine_root_test_util.h"
#include "runtime/sim_runtime.h"

namespace nokv::coordinator {
namespace {

constexpr uint64_t kSecond = 1'000'000;

FirstLayout TwoRegions() {
  FirstLayout layout;
  for (uint64_t store = 1; store <= 3; store++) {
    layout.stores.push_back({store, "s" + std::to_string(store) + ":1"});
  }
  for (uint64_t id = 1; id <= 2; id++) {
    topology::Region region{.id = id, .epoch = {1, 1}};
    (id == 1 ? region.range.end : region.range.start) = "m";
    for (uint64_t store = 1; store <= 3; store++) region.peers.push_back({store, store * 100 + id});
    layout.regions.push_back(region);
  }
  return layout;
}

class CoordinatorTest : public ::testing::Test {
 protected:
  std::shared_ptr<Coordinator> Make(const std::string& id, const FirstLayout& layout = {},
                                    const std::string& incarnation = "1") {
    CoordinatorOptions options;
    options.allocator.holder = {.id = id, .addr = id + ":2379", .incarnation = incarnation};
    options.first_layout = layout;
    auto made = Coordinator::Make(options, {root_, *runtime_, base::NullLogger()});
    made->Start();
    runtime_->Advance(kSecond / 10);
    return made;
  }
  Status Publish(Coordinator& coordinator, metaroot::Event event, uint64_t epoch = 0) {
    Status result = Status::Internal("no answer");
    coordinator.Publish(std::move(event), epoch,
                        [&](const Result<Published>& published) { result = published.status(); });
    runtime_->Advance(kSecond / 10);
    return result;
  }
  static bool HasAlarm(Coordinator& coordinator, const std::string& part) {
    for (const std::string& alarm : coordinator.Alarms()) {
      if (alarm.find(part) != std::string::npos) return true;
    }
    return false;
  }

  std::unique_ptr<runtime::SimRuntime> runtime_ = runtime::NewSimRuntime(1);
  MachineRoot root_{*runtime_};
};

TEST_F(CoordinatorTest, BringsTheFirstLayoutOnce) {
  const auto first = Make("c1", TwoRegions());
  EXPECT_TRUE(root_.state().regions.empty()) << "there is no cluster yet";
  root_.Create();
  const auto second = Make("c2", TwoRegions());
  runtime_->Advance(3 * kSecond);
  EXPECT_EQ(root_.state().regions.size(), 2U);
  EXPECT_EQ(root_.state().stores.size(), 3U);
  FirstLayout other = TwoRegions();
  other.regions.pop_back();
  other.regions[0].range.end.clear();
  const auto third = Make("c3", other);
  runtime_->Advance(3 * kSecond);
  EXPECT_EQ(root_.state().regions.size(), 2U) << "a layout that is there stays";
}

TEST_F(CoordinatorTest, ALayoutOfManyStoresComesInParts) {
  root_.Create();
  FirstLayout layout = TwoRegions();
  for (uint64_t store = 4; store <= 200; store++) {
    layout.stores.push_back({store, "s" + std::to_string(store) + ":1"});
  }
  const auto coordinator = Make("c1", layout);
  runtime_->Advance(3 * kSecond);
  EXPECT_EQ(root_.state().stores.size(), 200U);
  EXPECT_EQ(root_.state().regions.size(), 2U);
}

TEST_F(CoordinatorTest, IdsOfTheFirstLayoutAreNotAllocated) {
  root_.Create();
  const auto without = Make("c1");
  uint64_t id = 0;
  const auto allocate = [&] {
    without->allocator().Take(NumberKind::kIds, 1,
                              [&](const Result<Allocation>& taken) { id = taken->first; });
  };
  allocate();
  EXPECT_EQ(id, 1U);
  const auto with = Make("c2", TwoRegions());
  runtime_->Advance(kSecond);
  allocate();
  EXPECT_GT(id, 302U);
}

TEST_F(CoordinatorTest, PublishesWhatCallersMayAndNothingElse) {
  root_.Create();
  const auto coordinator = Make("c1");
  EXPECT_TRUE(Publish(*coordinator, metaroot::StoreJoined{1, "s1:1"}).ok());
  EXPECT_TRUE(Publish(*coordinator, metaroot::StoreJoined{1, "s1:1"}).ok()) << "once more";
  for (const metaroot::Event& event :
       {metaroot::Event(metaroot::ClusterCreated{7}),
        metaroot::Event(metaroot::LeaseGranted{"me", 10'000}),
        metaroot::Event(metaroot::LeaseEnded{.generation = 1, .released = true}),
        metaroot::Event(metaroot::WindowReserved{.generation = 1, .from = 1, .until = 100})}) {
    EXPECT_EQ(Publish(*coordinator, event).code(), StatusCode::kInvalidArgument)
        << metaroot::NameOf(event);
  }
  EXPECT_EQ(Publish(*coordinator, metaroot::StoreJoined{2, "s2:1"}, 99).code(),
            StatusCode::kAborted);
}

TEST_F(CoordinatorTest, SaysWhatSomebodyShouldLookAfter) {
  const auto coordinator = Make("c1");
  EXPECT_TRUE(HasAlarm(*coordinator, "no coordinator holds the lease"));
  root_.Create();
  runtime_->Advance(kSecond);
  EXPECT_TRUE(HasAlarm(*coordinator, "there is no layout yet"));
  const auto second = Make("c2", TwoRegions());
  runtime_->Advance(2 * kSecond);
  EXPECT_TRUE(coordinator->Alarms().empty());
  runtime_->Advance(30 * kSecond);
  EXPECT_TRUE(coordinator->Alarms().empty()) << "no store has reported yet";
  coordinator->catalog().Read([](const Catalog::Now& now) {
    return now.view.Hear(StoreHeartbeat{.store = 2}, now.us).ok();
  });
  EXPECT_TRUE(HasAlarm(*coordinator, "store 1 at s1:1 is disconnected"));
  EXPECT_FALSE(HasAlarm(*coordinator, "store 2"));
  root_.SetSilent(true);
  EXPECT_TRUE(HasAlarm(*coordinator, "the metadata root is not heard"));
  EXPECT_TRUE(HasAlarm(*coordinator, "meta-root 1 at root:1 does not answer"));
}

TEST_F(CoordinatorTest, ATransitionThatDoesNotMoveIsAnAlarm) {
  root_.Create();
  const auto coordinator = Make("c1", TwoRegions());
  runtime_->Advance(kSecond);
  const topology::Region from = TwoRegions().regions[0];
  topology::Region to = from;
  to.epoch.conf_version++;
  to.peers.pop_back();
  ASSERT_TRUE(
      Publish(*coordinator,
              metaroot::TransitionPlanned{.from = {from}, .to = {to}, .waits_for = "the leader"})
          .ok());
  EXPECT_FALSE(HasAlarm(*coordinator, "has not moved"));
  runtime_->Advance(700 * kSecond);
  EXPECT_TRUE(HasAlarm(*coordinator, "it waits for the leader"));
}

TEST_F(CoordinatorTest, TheSecondProcessWithAnIdIsToGo) {
  root_.Create();
  const auto first = Make("c1", {}, "a");
  const auto second = Make("c1", {}, "b");
  EXPECT_TRUE(second->CheckId().ok());
  runtime_->Advance(30 * kSecond);
  EXPECT_EQ(second->CheckId().error_number(), 2303);
  EXPECT_TRUE(first->CheckId().ok());
}

TEST_F(CoordinatorTest, GrantsOfItsFormerProcessThatAreToldAgainAreNoOtherProcess) {
  root_.Create();
  const auto holder = Make("c2");
  runtime_->Advance(kSecond);
  const auto coordinator = Make("c1", {}, "b");
  const metaroot::TailEvent grant = {
      root_.state().revision, metaroot::LeaseGranted{.holder = "c1@c1:2379#a", .ttl_ms = 1'000}};
  EXPECT_TRUE(coordinator->OnEvents({grant, grant, grant}).ok());
  EXPECT_TRUE(coordinator->CheckId().ok());
}

TEST_F(CoordinatorTest, OnlyTheHolderHasOperatorsForStores) {
  root_.Create();
  const auto first = Make("c1", TwoRegions());
  const auto second = Make("c2");
  runtime_->Advance(kSecond);
  for (Coordinator* each : {first.get(), second.get()}) {
    each->catalog().Read([](const Catalog::Now& now) {
      for (uint64_t store = 1; store <= 3; store++) {
        EXPECT_TRUE(
            now.view
                .Hear(StoreHeartbeat{.store = store, .capacity_bytes = 10, .available_bytes = 10},
                      now.us)
                .ok());
      }
      EXPECT_TRUE(now.view.root().regions.size() == 2);
      return 0;
    });
    ASSERT_TRUE(Publish(*each, metaroot::StoreIntended{1, metaroot::StoreIntent::kDrain}).ok());
    each->catalog().Read([](const Catalog::Now& now) {
      for (uint64_t id = 1; id <= 2; id++) {
        EXPECT_TRUE(
            now.view
                .Hear(RegionHeartbeat{.region = id, .epoch = {1, 1}, .term = 1, .leader = 100 + id},
                      now.us)
                .ok());
      }
      return 0;
    });
  }
  EXPECT_FALSE(first->OperatorsFor(1).empty());
  EXPECT_TRUE(first->OperatorsFor(2).empty()) << "it leads nothing";
  EXPECT_TRUE(second->OperatorsFor(1).empty());
  EXPECT_FALSE(second->Plan(16).empty()) << "a dry run is for everybody";
}

}  // namespace
}  // namespace nokv::coordinator
