// Every planted bug shows itself within a bounded number of seeds: 200, or as many as
// NOKV_PLANTED_SEEDS says, without which those that are rare are passed over.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include "sim/planted/switch.h"
#include "sim/scenario.h"

namespace nokv::sim {
namespace {

constexpr const char* kBugs[] = {
#include "names.inc"
};
constexpr uint64_t kMostSeeds = 200;

// 0: it is not set.
uint64_t SeedsWanted() {
  const char* value = std::getenv("NOKV_PLANTED_SEEDS");
  return value == nullptr ? 0 : std::strtoull(value, nullptr, 10);
}

class PlantedTest : public testing::TestWithParam<size_t> {
 protected:
  ~PlantedTest() override { planted_bug = kNoBug; }
};

TEST_P(PlantedTest, IsFound) {
  const uint64_t wanted = SeedsWanted();
  if (wanted == 0 && std::string_view(kBugs[GetParam()]).ends_with("(rare)")) GTEST_SKIP();
  const uint64_t most = wanted == 0 ? kMostSeeds : wanted;
  planted_bug = GetParam();
  for (uint64_t seed = 1; seed <= most; seed++) {
    const RunReport report = FindScenario("replicated-log")->run({.seed = seed});
    if (report.violations.empty()) continue;
    std::printf("%3d seeds  %s: %.100s\n", static_cast<int>(seed), kBugs[GetParam()],
                report.violations[0].c_str());
    return;
  }
  FAIL() << kBugs[GetParam()] << ": not found in " << most << " seeds";
}

INSTANTIATE_TEST_SUITE_P(Bugs, PlantedTest, testing::Range(size_t{0}, std::size(kBugs)));

TEST(NothingPlantedTest, TheSameSeedsPass) {
  for (uint64_t seed = 1; seed <= 20; seed++) {
    const RunReport report = FindScenario("replicated-log")->run({.seed = seed});
    EXPECT_TRUE(report.violations.empty()) << "seed " << seed << ": " << report.violations[0];
  }
}

}  // namespace
}  // namespace nokv::sim
