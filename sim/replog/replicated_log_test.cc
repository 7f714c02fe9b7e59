// What the scenario promises.
#include <gtest/gtest.h>

#include "sim/run_many.h"
#include "sim/scenario.h"

namespace nokv::sim {
namespace {

const Scenario& TheScenario() {
  return *FindScenario("replicated-log");
}

// Each of these has a voter that is lost for good when another one is removed, and options without
// which those that were removed disturb the others, or a leader that removed itself leads on.
TEST(ReplicatedLogTest, RemovedMembersGoThoughAVoterIsLost) {
  for (const uint64_t seed : {12249, 12965, 14017, 14158, 17722}) {
    const RunReport run = TheScenario().run({.seed = seed});
    EXPECT_TRUE(run.violations.empty()) << seed << ": " << run.violations[0];
    EXPECT_EQ(run.counters.at("lost members"), 1U) << seed;
  }
}

TEST(ReplicatedLogTest, SeedsPass) {
  const ManyReport report = RunMany(
      TheScenario(), {.first_seed = 1, .last_seed = 60}, [](uint64_t seed, const RunReport& run) {
        EXPECT_TRUE(run.violations.empty())
            << run.violations[0] << "\nagain: nokv-sim run --scenario replicated-log --seed "
            << seed;
        EXPECT_EQ(run.invalid, "") << "seed " << seed;
      });
  EXPECT_EQ(report.seeds, 60U);
  // Everything that there is happens somewhere.
  EXPECT_EQ(report.faults.size(), 20U);
  for (const char* counter : {"configurations", "transfers", "snapshots", "failed processes"}) {
    EXPECT_GT(report.counters.at(counter), 60U) << counter;
  }
  // Of those with streams.
  for (const char* counter :
       {"broken streams", "broken snapshots", "resumed snapshots", "messages of full queues"}) {
    EXPECT_GT(report.counters.at(counter), 0U) << counter;
  }
}

}  // namespace
}  // namespace nokv::sim
