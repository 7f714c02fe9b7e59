// Every planted bug shows itself within a bounded number of seeds.
#include <gtest/gtest.h>

#include <cstdio>
#include <iterator>
#include <string_view>
#include <vector>

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

// The scenarios that must find a bug: those that its name begins with.
std::vector<const Scenario*> ScenariosFor(std::string_view bug) {
  std::vector<const Scenario*> all;
  const std::string_view names = bug.substr(0, bug.find(": "));
  for (const Scenario& scenario : Scenarios()) {
    if (names.find(scenario.name) != std::string_view::npos) all.push_back(&scenario);
  }
  if (all.empty()) all.push_back(FindScenario("replicated-log"));
  return all;
}

TEST_P(PlantedTest, IsFound) {
  planted_bug = GetParam();
  const char* bug = kBugs[GetParam()];
  for (const Scenario* scenario : ScenariosFor(bug)) {
    uint64_t seed = 1;
    RunReport report = scenario->run({.seed = seed});
    while (report.violations.empty() && seed < kMostSeeds) report = scenario->run({.seed = ++seed});
    ASSERT_FALSE(report.violations.empty())
        << bug << ": not found in " << seed << " seeds of " << scenario->name;
    std::printf("%3d seeds of %s  %s: %.100s\n", static_cast<int>(seed), scenario->name.c_str(),
                bug, report.violations[0].c_str());
  }
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
