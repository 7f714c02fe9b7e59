// What the scenario promises, and that its checkers see what must not be.
#include "sim/metaroot/meta_root.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/metaroot/root_history.h"
#include "sim/run_many.h"

namespace nokv::sim {
namespace {

using metaroot::Command;
using metaroot::LeaseEnded;
using metaroot::LeaseGranted;
using metaroot::Outcome;
using metaroot::StoreJoined;
using metaroot::WindowKind;
using metaroot::WindowReserved;

constexpr uint64_t kSecond = 1'000'000;

TEST(MetaRootScenarioTest, SeedsPass) {
  const ManyReport report = RunMany(*FindScenario("meta-root"), {.first_seed = 1, .last_seed = 25},
                                    [](uint64_t seed, const RunReport& run) {
                                      EXPECT_TRUE(run.violations.empty())
                                          << run.violations[0]
                                          << "\nagain: nokv-sim run --scenario meta-root --seed "
                                          << seed;
                                      EXPECT_EQ(run.invalid, "") << "seed " << seed;
                                    });
  EXPECT_EQ(report.seeds, 25U);
  for (const char* counter : {"failed processes", "refused", "unknown", "reloads"}) {
    EXPECT_GT(report.counters.at(counter), 0U) << counter;
  }
}

class RootHistoryTest : public testing::Test {
 protected:
  void Took(const Command& command, uint64_t revision, uint64_t applied = 1, uint64_t floor = 0,
            uint64_t at_us = 0, uint64_t generation = 0) {
    Outcome outcome = {.applied = applied};
    outcome.head.revision = revision;
    outcome.head.lease.generation = generation;
    if (const auto* grant = std::get_if<LeaseGranted>(&command.events[0])) {
      outcome.head.lease.holder = grant->holder;
      outcome.head.lease.in_force = true;
    }
    history_.Took(floor, at_us, at_us, command, outcome);
  }

  std::vector<std::string> violations_;
  RootHistory history_{[this](const std::string& what) { violations_.push_back(what); }};
};

TEST_F(RootHistoryTest, AnAnswerOlderThanWhatHadEndedIsSeen) {
  Took({.events = {StoreJoined{1, "a:1"}}}, 5);
  EXPECT_EQ(history_.Floor(), 5U);
  history_.Saw(5, 5);
  EXPECT_TRUE(violations_.empty());
  history_.Saw(5, 4);
  EXPECT_EQ(violations_.size(), 1U);
}

TEST_F(RootHistoryTest, ARevisionThatTwoCommandsMadeIsSeen) {
  Took({.events = {StoreJoined{1, "a:1"}}}, 5, 3);
  Took({.events = {StoreJoined{2, "b:1"}}}, 2, 2);
  Took({.events = {StoreJoined{3, "c:1"}}}, 6, 1);
  EXPECT_TRUE(violations_.empty());
  Took({.events = {StoreJoined{4, "d:1"}}}, 4, 1);
  EXPECT_EQ(violations_.size(), 1U);
  Took({.events = {StoreJoined{4, "d:1"}}}, 7, 2);
  EXPECT_EQ(violations_.size(), 2U);
}

TEST_F(RootHistoryTest, ACommandThatWasTakenAgainstItsConditionIsSeen) {
  Took({.events = {StoreJoined{1, "a:1"}}, .expected_revision = 4}, 5);
  EXPECT_TRUE(violations_.empty());
  Took({.events = {StoreJoined{1, "a:1"}}, .expected_revision = 4}, 7);
  EXPECT_EQ(violations_.size(), 1U);
}

TEST_F(RootHistoryTest, NumbersThatAreGivenAwayTwiceAreSeen) {
  Took({.events = {WindowReserved{WindowKind::kIds, 1, 10, 20}}}, 1);
  Took({.events = {WindowReserved{WindowKind::kIds, 1, 30, 40}}}, 2);
  Took({.events = {WindowReserved{WindowKind::kTimestamps, 1, 10, 40}}}, 3);
  Took({.events = {WindowReserved{WindowKind::kIds, 1, 20, 30}}}, 4);
  EXPECT_TRUE(violations_.empty());
  Took({.events = {WindowReserved{WindowKind::kIds, 1, 19, 20}}}, 5);
  EXPECT_EQ(violations_.size(), 1U);
}

TEST_F(RootHistoryTest, ALeaseThatIsGivenToTwoIsSeen) {
  Took({.events = {LeaseGranted{"c1", 1'000}}}, 1, 1, 0, 0, 1);
  Took({.events = {LeaseGranted{"c2", 1'000}}}, 2, 1, 0, kSecond, 2);
  EXPECT_TRUE(violations_.empty());
  Took({.events = {LeaseGranted{"c3", 1'000}}}, 3, 1, 0, kSecond + kSecond / 2, 3);
  EXPECT_EQ(violations_.size(), 1U);
  history_.Asked({.events = {LeaseEnded{3, true}}});
  Took({.events = {LeaseGranted{"c1", 1'000}}}, 5, 1, 0, 2 * kSecond, 4);
  EXPECT_EQ(violations_.size(), 1U);
}

TEST_F(RootHistoryTest, AnEventThatIsToldInTwoWaysIsSeen) {
  history_.Told({1, StoreJoined{1, "a:1"}});
  history_.Told({1, StoreJoined{1, "a:1"}});
  EXPECT_TRUE(violations_.empty());
  history_.Told({1, StoreJoined{1, "b:1"}});
  EXPECT_EQ(violations_.size(), 1U);
}

}  // namespace
}  // namespace nokv::sim
