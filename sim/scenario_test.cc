// What all scenarios promise: one seed is one trace in any process, and a run in which too little
// happened does not count.
#include "sim/scenario.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <sstream>
#include <string>

namespace nokv::sim {
namespace {

// What a process of its own says of the seed: its last line.
std::string LastLineOfProcess(const std::string& scenario, uint64_t seed) {
  const std::string command = std::string(NOKV_BINARY_DIR) + "/nokv-sim run --scenario " +
                              scenario + " --seconds 12 --seed " + std::to_string(seed);
  FILE* pipe = popen(command.c_str(), "r");
  std::string line;
  char buffer[4096];
  while (std::fgets(buffer, sizeof buffer, pipe) != nullptr) line = buffer;
  pclose(pipe);
  return line;
}

TEST(ScenarioTest, OneSeedIsOneTraceInTwoProcesses) {
  for (const Scenario& scenario : Scenarios()) {
    for (uint64_t seed = 1; seed <= 3; seed++) {
      const std::string line = LastLineOfProcess(scenario.name, seed);
      EXPECT_TRUE(line.starts_with("trace ")) << line;
      EXPECT_EQ(line.size(), std::string("trace 0123456789abcdef\n").size());
      EXPECT_EQ(line, LastLineOfProcess(scenario.name, seed));
      EXPECT_NE(line, LastLineOfProcess(scenario.name, seed + 100));
    }
  }
}

TEST(ScenarioTest, TheTraceAsTextChangesNothing) {
  const Scenario& scenario = *FindScenario("replicated-log");
  std::ostringstream lines;
  const RunReport with = scenario.run({.seed = 3, .seconds = 12, .trace = &lines});
  EXPECT_EQ(with.trace_hash, scenario.run({.seed = 3, .seconds = 12}).trace_hash);
  EXPECT_GT(lines.str().size(), 10'000U);
}

TEST(ScenarioTest, ARunInWhichTooLittleHappenedDoesNotCount) {
  const auto judge = [](uint64_t acknowledged, uint64_t kinds, uint64_t leaders) {
    RunReport report;
    report.acknowledged = acknowledged;
    for (uint64_t i = 0; i < kinds; i++) report.faults[std::to_string(i)] = 1;
    report.leader_changes = leaders;
    JudgeValidity(&report);
    return report.invalid;
  };
  EXPECT_EQ(judge(200, 3, 1), "");
  EXPECT_EQ(judge(199, 3, 1), "199 acknowledged operations of at least 200");
  EXPECT_EQ(judge(200, 2, 1), "2 kinds of fault of at least 3");
  EXPECT_EQ(judge(200, 3, 0), "0 changes of the leader of at least 1");
}

}  // namespace
}  // namespace nokv::sim
