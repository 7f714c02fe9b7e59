#include "coordinator/catalog.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "coordinator/machine_root_test_util.h"
#include "runtime/sim_runtime.h"

namespace nokv::coordinator {
namespace {

constexpr uint64_t kSecond = 1'000'000;

class CatalogTest : public ::testing::Test {
 protected:
  CatalogTest() {
    root_.Create();
    root_.Watch(catalog_);
    runtime_->Advance(10'000);
  }
  void Join(topology::StoreId store) {
    ASSERT_TRUE(
        root_.Take({.events = {metaroot::StoreJoined{store, "s" + std::to_string(store) + ":1"}}})
            .status.ok());
  }
  std::shared_ptr<std::optional<Result<RootStanding>>> Ask(const FreshnessWanted& wanted) {
    auto answer = std::make_shared<std::optional<Result<RootStanding>>>();
    catalog_->Await(wanted,
                    [answer](Result<RootStanding> standing) { *answer = std::move(standing); });
    return answer;
  }
  uint64_t Revision() { return catalog_->standing().served_revision; }

  std::unique_ptr<runtime::SimRuntime> runtime_ = runtime::NewSimRuntime(1);
  MachineRoot root_{*runtime_};
  std::shared_ptr<Catalog> catalog_ =
      std::make_shared<Catalog>(CatalogOptions{}, root_, *runtime_, base::NullLogger());
};

TEST_F(CatalogTest, FollowsTheRoot) {
  EXPECT_EQ(Revision(), 1U);
  Join(1);
  Join(2);
  runtime_->Advance(10'000);
  EXPECT_EQ(Revision(), 3U);
  EXPECT_EQ(catalog_->Read([](const Catalog::Now& now) { return now.view.root(); }), root_.state());
  EXPECT_EQ(catalog_->EventsAfter(1, 10).events.size(), 2U);
  EXPECT_EQ(catalog_->EventsAfter(1, 1).events.at(0).revision, 3U) << "the last ones";
}

TEST_F(CatalogTest, EventsBeginWithTheOldestThatTheRootKeeps) {
  for (uint64_t store = 1; store <= 7; store++) Join(store);
  const auto later = std::make_shared<Catalog>(CatalogOptions{.max_events = 6}, root_, *runtime_,
                                               base::NullLogger());
  root_.silent = true;
  root_.Watch(later);
  runtime_->Advance(10'000);
  EXPECT_TRUE(later->EventsAfter(0, 100).events.empty());
  EXPECT_EQ(later->EventsAfter(0, 100).kept_after, 8U);
  root_.silent = false;
  Join(8);
  runtime_->Advance(3 * kSecond);
  const Catalog::Events found = later->EventsAfter(0, 100);
  ASSERT_EQ(found.events.size(), 6U);
  for (size_t i = 0; i < 6; i++) EXPECT_EQ(found.events[i].revision, 4 + i);
  EXPECT_EQ(found.kept_after, 3U);
}

TEST_F(CatalogTest, WhatCannotBeFollowedIsReadAnew) {
  root_.mute = true;
  Join(1);
  root_.mute = false;
  Join(2);
  runtime_->Advance(10'000);
  EXPECT_FALSE(catalog_->standing().must_reload);
  EXPECT_EQ(catalog_->Read([](const Catalog::Now& now) { return now.view.root(); }), root_.state());
}

TEST_F(CatalogTest, AStrongAnswerIsNoOlderThanWhatHadEnded) {
  root_.mute = true;
  Join(1);
  const auto answer = Ask({.freshness = Freshness::kStrong});
  runtime_->Advance(100'000);
  EXPECT_FALSE(answer->has_value()) << "the copy does not have what the root has";
  root_.Unmute();
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((**answer)->served_revision, 2U);
  EXPECT_EQ(EvidenceOf(***answer).serving, ServingClass::kAuthoritative);
}

TEST_F(CatalogTest, ACopyThatStaysBehindRefusesAfterAWhile) {
  root_.mute = true;
  Join(1);
  const auto answer = Ask({.freshness = Freshness::kStrong});
  runtime_->Advance(3 * kSecond);
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((**answer).status().message(), "root lag exceeds strong freshness: revision 1 of 2");
}

TEST_F(CatalogTest, QuestionsThatComeTogetherAskTheRootOnce) {
  std::vector<std::shared_ptr<std::optional<Result<RootStanding>>>> answers;
  for (int i = 0; i < 100; i++) answers.push_back(Ask({.freshness = Freshness::kStrong}));
  runtime_->Advance(10'000);
  for (const auto& answer : answers) EXPECT_TRUE(answer->has_value() && (*answer)->ok());
}

TEST_F(CatalogTest, WithoutTheRootOnlyTheLeastFreshnessIsServed) {
  root_.SetSilent(true);
  const auto strong = Ask({.freshness = Freshness::kStrong});
  runtime_->Advance(10'000);
  ASSERT_TRUE(strong->has_value());
  EXPECT_EQ((**strong).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ((**strong).status().message().substr(0, 28), "coordinator root unavailable");
  EXPECT_FALSE((*Ask({.freshness = Freshness::kBounded}))->ok());
  const auto best = Ask({.freshness = Freshness::kBestEffort});
  ASSERT_TRUE((*best)->ok());
  EXPECT_EQ(EvidenceOf(***best).degraded, DegradedMode::kRootUnavailable);
  root_.SetSilent(false);
  EXPECT_TRUE((*Ask({.freshness = Freshness::kBounded}))->ok());
}

TEST_F(CatalogTest, WaitsForARevisionThatSomebodyHasSeen) {
  const auto answer = Ask({.required_revision = 2});
  EXPECT_FALSE(answer->has_value());
  Join(1);
  runtime_->Advance(10'000);
  ASSERT_TRUE(answer->has_value());
  EXPECT_TRUE((*answer)->ok());
  const auto never = Ask({.required_revision = 9});
  runtime_->Advance(3 * kSecond);
  EXPECT_EQ((**never).status().message().substr(0, 35), "required rooted token not satisfied");
}

TEST_F(CatalogTest, SaysForHowLongItHasNotBeenTheLatest) {
  root_.SetSilent(true);
  runtime_->Advance(5 * kSecond);
  EXPECT_GE(catalog_->standing().silent_ms, 5'000U);
  EXPECT_TRUE((*Ask({.freshness = Freshness::kBounded, .max_silent_ms = 60'000}))->ok());
  EXPECT_FALSE((*Ask({.freshness = Freshness::kBounded, .max_silent_ms = 1'000}))->ok());
}

TEST_F(CatalogTest, HowOldTheCopyIsCountsFromBeforeTheQuorumWasAsked) {
  root_.answers_after_us = 3 * kSecond;
  catalog_->OnHeard(root_.state().revision);
  runtime_->Advance(4 * kSecond);
  // It was told of it a second ago.
  EXPECT_FALSE((*Ask({.freshness = Freshness::kBounded, .max_silent_ms = 3'999}))->ok());
  EXPECT_TRUE((*Ask({.freshness = Freshness::kBounded, .max_silent_ms = 4'000}))->ok());
}

TEST_F(CatalogTest, AssessingAnEventChangesNothing) {
  const metaroot::State before = root_.state();
  const auto effect = catalog_->Read(
      [](const Catalog::Now& now) { return now.view.Assess(metaroot::StoreJoined{9, "s9:1"}); });
  EXPECT_TRUE(effect.ok());
  EXPECT_EQ(catalog_->Read([](const Catalog::Now& now) { return now.view.root(); }), before);
}

}  // namespace
}  // namespace nokv::coordinator
