// Every planted bug shows itself within a bounded number of seeds.
#include <gtest/gtest.h>

#include <cstdio>
#include <iterator>
#include <string_view>

#include "sim/planted/switch.h"
#include "sim/scenario.h"

namespace nokv::sim {
namespace {

constexpr const char* kBugs[] = {
#include "names.inc"
};
constexpr uint64_t kMostSeeds = 400;

class PlantedTest : public testing::TestWithParam<size_t> {
 protected:
  ~PlantedTest() override { planted_bug = kNoBug; }
};

// The scenario that must find a bug; the name of the bug may begin with it.
const Scenario& ScenarioFor(std::string_view bug) {
  for (const Scenario& scenario : Scenarios()) {
    if (bug.starts_with(scenario.name + ": ")) return scenario;
  }
  return *FindScenario("replicated-log");
}

TEST_P(PlantedTest, IsFound) {
  planted_bug = GetParam();
  const Scenario& scenario = ScenarioFor(kBugs[GetParam()]);
  for (uint64_t seed = 1; seed <= kMostSeeds; seed++) {
    const RunReport report = scenario.run({.seed = seed});
    if (report.violations.empty()) continue;
    std::printf("%3d seeds  %s: %.100s\n", static_cast<int>(seed), kBugs[GetParam()],
                report.violations[0].c_str());
    return;
  }
  FAIL() << kBugs[GetParam()] << ": not found in " << kMostSeeds << " seeds";
}

INSTANTIATE_TEST_SUITE_P(Bugs, PlantedTest, testing::Range(size_t{0}, std::size(kBugs)));

TEST(NothingPlantedTest, TheSameSeedsPass) {
  for (const Scenario& scenario : Scenarios()) {
    for (uint64_t seed = 1; seed <= 20; seed++) {
      const RunReport report = scenario.run({.seed = seed});
      EXPECT_TRUE(report.violations.empty())
          << scenario.name << " seed " << seed << ": " << report.violations[0];
    }
  }
}

}  // namespace
}  // namespace nokv::sim
