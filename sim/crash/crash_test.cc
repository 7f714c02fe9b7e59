#include <gtest/gtest.h>

#include "sim/crash/crash_run.h"
#include "sim/crash/raftlog_workload.h"
#include "sim/crash/workload.h"

namespace nokv::sim {
namespace {

std::string Join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

TEST(CrashTest, NoCutLosesWhatWasPromisedOrShowsWhatWasNot) {
  std::array<uint64_t, 4> operations = {};
  uint64_t cuts = 0;
  for (uint64_t seed = 1; seed <= 6; seed++) {
    CrashOptions options;
    options.seed = seed;
    options.ops = 60;
    options.random_losses = 1;
    options.fault_runs = 0;
    const CrashReport report = RunCrashes(NewWorkload, options);
    EXPECT_TRUE(report.violations.empty()) << Join(report.violations);
    for (size_t i = 0; i < operations.size(); i++) operations[i] += report.operations_cut[i];
    cuts += report.cuts;
  }
  for (size_t i = 0; i < operations.size(); i++) EXPECT_GE(operations[i], 50U) << kClassNames[i];
  EXPECT_GE(cuts, 3000U);
}

TEST(CrashTest, OneFailedOperationNeverBreaksAPromise) {
  for (uint64_t seed = 1; seed <= 3; seed++) {
    CrashOptions options;
    options.seed = seed;
    options.ops = 80;
    options.cut_stride = UINT64_MAX;
    options.fault_runs = 150;
    const CrashReport report = RunCrashes(NewWorkload, options);
    EXPECT_TRUE(report.violations.empty()) << Join(report.violations);
    EXPECT_GE(report.faults, 100U);
  }
}

TEST(CrashTest, NoCutOfTheRaftLogLosesWhatWasPromisedOrTearsAnAppend) {
  std::array<uint64_t, 4> operations = {};
  uint64_t cuts = 0;
  for (uint64_t seed = 1; seed <= 5; seed++) {
    CrashOptions options;
    options.seed = seed;
    options.ops = 120;
    options.random_losses = 2;
    options.fault_runs = 0;
    const CrashReport report = RunCrashes(NewRaftLogWorkload, options);
    EXPECT_TRUE(report.violations.empty()) << Join(report.violations);
    for (size_t i = 0; i < operations.size(); i++) operations[i] += report.operations_cut[i];
    cuts += report.cuts;
  }
  EXPECT_GE(operations[0], 500U);  // log
  EXPECT_GE(operations[3], 100U);  // directory, and the start file
  EXPECT_GE(cuts, 5000U);
}

TEST(CrashTest, OneFailedOperationNeverBreaksAPromiseOfTheRaftLog) {
  for (uint64_t seed = 1; seed <= 4; seed++) {
    CrashOptions options;
    options.seed = seed;
    options.ops = 120;
    options.cut_stride = UINT64_MAX;
    options.fault_runs = 300;
    const CrashReport report = RunCrashes(NewRaftLogWorkload, options);
    EXPECT_TRUE(report.violations.empty()) << Join(report.violations);
    EXPECT_GE(report.faults, 100U);
  }
}

TEST(SimulationTest, SameSeedGivesTheSameTraceAndAnotherSeedAnother) {
  const CrashReport first = RunPlain(NewWorkload, 7, 200);
  EXPECT_TRUE(first.violations.empty()) << Join(first.violations);
  EXPECT_EQ(first.trace_hash, RunPlain(NewWorkload, 7, 200).trace_hash);
  EXPECT_NE(first.trace_hash, RunPlain(NewWorkload, 8, 200).trace_hash);
}

}  // namespace
}  // namespace nokv::sim
