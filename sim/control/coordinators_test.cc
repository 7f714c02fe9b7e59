// What the scenario promises: seeds pass, and one seed is one trace.
#include <gtest/gtest.h>

#include "sim/run_many.h"
#include "sim/scenario.h"

namespace nokv::sim {
namespace {

const Scenario& TheScenario() {
  return *FindScenario("coordinators");
}

TEST(CoordinatorsTest, OneSeedIsOneTrace) {
  const uint64_t hash = TheScenario().run({.seed = 3, .seconds = 12}).trace_hash;
  EXPECT_EQ(TheScenario().run({.seed = 3, .seconds = 12}).trace_hash, hash);
  EXPECT_NE(TheScenario().run({.seed = 4, .seconds = 12}).trace_hash, hash);
}

TEST(CoordinatorsTest, SeedsPass) {
  uint64_t invalid = 0;
  const ManyReport report = RunMany(
      TheScenario(), {.first_seed = 1, .last_seed = 40}, [&](uint64_t seed, const RunReport& run) {
        EXPECT_TRUE(run.violations.empty())
            << run.violations[0] << "\nagain: nokv-sim run --scenario coordinators --seed " << seed;
        invalid += run.invalid.empty() ? 0 : 1;
      });
  EXPECT_EQ(report.seeds, 40U);
  EXPECT_LE(invalid, 1U);
}

}  // namespace
}  // namespace nokv::sim
