#include "coordinator/allocator.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "coordinator/machine_root_test_util.h"
#include "coordinator/timestamp.h"
#include "runtime/sim_runtime.h"

namespace nokv::coordinator {
namespace {

constexpr uint64_t kSecond = 1'000'000;

class AllocatorTest : public ::testing::Test {
 protected:
  AllocatorTest() { root_.Create(); }

  static AllocatorOptions Named(const std::string& id, const std::string& incarnation = "1") {
    return {.holder = {.id = id, .addr = id + ":2379", .incarnation = incarnation}};
  }
  std::shared_ptr<Allocator> Make(const AllocatorOptions& options) {
    auto made = Allocator::Make(options, root_, *runtime_, base::NullLogger());
    made->Start();
    return made;
  }
  // What a request is answered within `patience_us`; empty: nothing.
  std::optional<Result<Allocation>> Ask(Allocator& allocator, NumberKind kind, uint64_t count,
                                        uint64_t patience_us = kSecond) {
    auto answer = std::make_shared<std::optional<Result<Allocation>>>();
    allocator.Take(kind, count, [answer](Result<Allocation> taken) { *answer = std::move(taken); });
    for (uint64_t waited = 0; !answer->has_value() && waited < patience_us; waited += 1'000) {
      runtime_->Advance(1'000);
    }
    return *answer;
  }
  uint64_t First(Allocator& allocator, NumberKind kind, uint64_t count) {
    const auto answer = Ask(allocator, kind, count);
    EXPECT_TRUE(answer.has_value() && answer->ok())
        << (answer.has_value() ? answer->status().ToString() : "no answer");
    return answer.has_value() && answer->ok() ? (*answer)->first : 0;
  }

  std::unique_ptr<runtime::SimRuntime> runtime_ = runtime::NewSimRuntime(1);
  MachineRoot root_{*runtime_};
};

TEST_F(AllocatorTest, GetsTheLeaseAndGivesOutNumbers) {
  const auto allocator = Make(Named("c1"));
  runtime_->Advance(10'000);
  EXPECT_EQ(First(*allocator, NumberKind::kIds, 3), 1U);
  EXPECT_EQ(First(*allocator, NumberKind::kIds, 1), 4U);
  const uint64_t timestamp = First(*allocator, NumberKind::kTimestamps, 16);
  EXPECT_EQ(PhysicalMs(timestamp), runtime_->clock().WallMillis());
  EXPECT_GE(First(*allocator, NumberKind::kTimestamps, 1), timestamp + 16);
  EXPECT_EQ(root_.state().lease.holder, "c1@c1:2379#1");
  EXPECT_TRUE(allocator->status().holds);
}

TEST_F(AllocatorTest, ARequestWaitsForTheWindowAndNotForTheLease) {
  const auto allocator = Make(Named("c1"));
  const auto early = Ask(*allocator, NumberKind::kIds, 1, 0);
  ASSERT_TRUE(early.has_value());
  EXPECT_EQ(early->status().error_number(), 2302);
  runtime_->Advance(1'500);  // the lease is there, its windows are on their way
  ASSERT_TRUE(allocator->status().holds);
  EXPECT_FALSE(Ask(*allocator, NumberKind::kIds, 1, 0).has_value());
  EXPECT_EQ(allocator->status().waiting, 1U);
  runtime_->Advance(10'000);
  EXPECT_EQ(allocator->status().waiting, 0U);
}

TEST_F(AllocatorTest, WhoDoesNotHoldTheLeaseSaysWhoDoes) {
  const auto first = Make(Named("c1"));
  runtime_->Advance(10'000);
  const auto second = Make(Named("c2"));
  runtime_->Advance(10'000);
  const auto answer = Ask(*second, NumberKind::kTimestamps, 1);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(answer->status().message(),
            "coordinator lease not held: c1 at c1:2379 holds generation 1");
}

TEST_F(AllocatorTest, RenewsTheLeaseForAsLongAsItRuns) {
  const auto allocator = Make(Named("c1"));
  for (int i = 0; i < 60; i++) {
    runtime_->Advance(kSecond);
    ASSERT_TRUE(allocator->status().holds) << i;
  }
  EXPECT_EQ(allocator->status().rooted.generation, 1U);
  EXPECT_LT(root_.appends, 30U) << "an idle holder asks for no windows";
}

TEST_F(AllocatorTest, ASuccessorGoesOnAboveAndTheOldHolderHasStopped) {
  const auto first = Make(Named("c1"));
  runtime_->Advance(10'000);
  const uint64_t before = First(*first, NumberKind::kTimestamps, 16);
  const uint64_t id = First(*first, NumberKind::kIds, 16);
  root_.silent = true;  // to both
  const auto second = Make(Named("c2"));
  runtime_->Advance(10 * kSecond);
  const auto answer = Ask(*first, NumberKind::kTimestamps, 1);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->status().error_number(), 2302) << "its time is over";
  root_.silent = false;
  root_.EndLease();
  runtime_->Advance(kSecond);
  Allocator& holder = second->status().holds ? *second : *first;
  EXPECT_EQ(holder.status().rooted.generation, 2U);
  EXPECT_GT(First(holder, NumberKind::kTimestamps, 1), before + 15);
  EXPECT_GT(First(holder, NumberKind::kIds, 1), id + 15);
}

TEST_F(AllocatorTest, AWindowWhoseAnswerWasLostIsNotGivenOutTwice) {
  AllocatorOptions options = Named("c1");
  options.id_window = 100;
  const auto allocator = Make(options);
  runtime_->Advance(10'000);
  std::set<uint64_t> given;
  uint64_t last = 0;
  for (int i = 0; i < 20; i++) {
    root_.lose_answers = i % 3 == 1;
    const auto answer = Ask(*allocator, NumberKind::kIds, 30'000);
    root_.lose_answers = false;
    if (!answer.has_value() || !answer->ok()) continue;
    ASSERT_GT((*answer)->first, last);
    last = (*answer)->first + 29'999;
    ASSERT_LT(last, root_.state().id_fence);
  }
  EXPECT_GT(last, 300'000U);
}

TEST_F(AllocatorTest, GivesTheLeaseBackWhenItStops) {
  const auto first = Make(Named("c1"));
  runtime_->Advance(10'000);
  const auto second = Make(Named("c2"));
  runtime_->Advance(10'000);
  bool stopped = false;
  first->Stop([&] { stopped = true; });
  EXPECT_EQ(Ask(*first, NumberKind::kIds, 1, 0)->status().code(), StatusCode::kUnavailable);
  runtime_->Advance(kSecond);
  EXPECT_TRUE(stopped);
  EXPECT_TRUE(second->status().holds) << "it need not wait until the time is over";
}

TEST_F(AllocatorTest, AskedForMoreThanThereCanBeItSaysSo) {
  const auto allocator = Make(Named("c1"));
  runtime_->Advance(10'000);
  for (const uint64_t count : {uint64_t{0}, kMaxCount + 1}) {
    EXPECT_EQ(Ask(*allocator, NumberKind::kIds, count)->status().code(),
              StatusCode::kInvalidArgument);
  }
  EXPECT_NE(First(*allocator, NumberKind::kIds, kMaxCount), 0U);
}

TEST_F(AllocatorTest, OnlySoManyRequestsWait) {
  AllocatorOptions options = Named("c1");
  options.max_waiting = 2;
  const auto allocator = Make(options);
  runtime_->Advance(10'000);
  root_.silent = true;
  std::vector<Status> answers;
  for (int i = 0; i < 3; i++) {
    allocator->Take(NumberKind::kIds, i == 0 ? kMaxCount : 1,
                    [&](Result<Allocation> taken) { answers.push_back(taken.status()); });
  }
  allocator->Take(NumberKind::kIds, kMaxCount,
                  [&](Result<Allocation> taken) { answers.push_back(taken.status()); });
  runtime_->Advance(5 * kSecond);
  int exhausted = 0;
  for (const Status& status : answers) exhausted += status.code() == StatusCode::kResourceExhausted;
  EXPECT_EQ(answers.size(), 4U) << "each is answered";
  EXPECT_GE(exhausted, 1);
}

TEST_F(AllocatorTest, AProcessWithTheIdOfAnotherDoesNotRenewItsLease) {
  const auto first = Make(Named("c1", "a"));
  runtime_->Advance(10'000);
  const auto second = Make(Named("c1", "b"));
  runtime_->Advance(10'000);
  EXPECT_FALSE(second->status().holds);
  EXPECT_FALSE(second->status().twin);
  second->SeenGrant("c1@c1:2379#a");
  second->SeenGrant("c2@c2:2379#a");
  second->SeenGrant("c1@c1:2379#b");
  EXPECT_FALSE(second->status().twin) << "it may have been the last renewal of a process that died";
  second->SeenGrant("c1@c1:2379#a");
  EXPECT_TRUE(second->status().twin);
}

TEST_F(AllocatorTest, AClockThatJumpsByYearsDoesNotTakeTheNumbersOfThoseYears) {
  const auto allocator = Make(Named("c1"));
  runtime_->Advance(10'000);
  const uint64_t before_ms = PhysicalMs(First(*allocator, NumberKind::kTimestamps, 1));
  constexpr uint64_t kYearMs = uint64_t{365} * 24 * 3600 * 1000;
  runtime_->JumpWallClock(50 * static_cast<int64_t>(kYearMs));
  runtime_->Advance(3 * kSecond);
  const uint64_t after_ms = PhysicalMs(First(*allocator, NumberKind::kTimestamps, 1));
  EXPECT_GT(after_ms, before_ms);
  EXPECT_LT(after_ms, before_ms + 10'000) << "at most twice as fast as time";
  EXPECT_GT(allocator->status().clock_ahead_ms, 49 * kYearMs);
  EXPECT_LT(PhysicalMs(root_.state().timestamp_fence), before_ms + 60'000);
}

TEST_F(AllocatorTest, IdsOfTheFirstLayoutAreNotGivenOut) {
  const auto allocator = Make(Named("c1"));
  runtime_->Advance(10'000);
  EXPECT_EQ(First(*allocator, NumberKind::kIds, 1), 1U);
  allocator->SkipIds(301);
  EXPECT_EQ(First(*allocator, NumberKind::kIds, 1), 302U);
}

TEST_F(AllocatorTest, WithoutAClusterItWaitsForOne) {
  MachineRoot empty(*runtime_);
  const auto allocator = Allocator::Make(Named("c1"), empty, *runtime_, base::NullLogger());
  allocator->Start();
  runtime_->Advance(kSecond);
  EXPECT_FALSE(allocator->status().holds);
  EXPECT_NE(allocator->status().lease_problem, "");
  empty.Create();
  runtime_->Advance(kSecond);
  EXPECT_TRUE(allocator->status().holds);
}

}  // namespace
}  // namespace nokv::coordinator
