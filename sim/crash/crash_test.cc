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

// Runs seeds 1 to `seeds` with these options, and none may show a violation; returns the sums.
CrashReport RunSeeds(const MakeSubject& make, uint64_t seeds, CrashOptions options) {
  CrashReport sum;
  for (options.seed = 1; options.seed <= seeds; options.seed++) {
    const CrashReport report = RunCrashes(make, options);
    EXPECT_TRUE(report.violations.empty()) << Join(report.violations);
    // Each must have done its part.
    if (options.fault_runs > 0) {
      EXPECT_GE(report.faults, 100U);
    }
    for (size_t i = 0; i < sum.operations_cut.size(); i++) {
      sum.operations_cut[i] += report.operations_cut[i];
    }
    sum.cuts += report.cuts;
  }
  return sum;
}

CrashOptions Cuts(uint64_t ops, uint64_t random_losses) {
  CrashOptions options;
  options.ops = ops;
  options.random_losses = random_losses;
  options.fault_runs = 0;
  return options;
}

CrashOptions Faults(uint64_t ops, uint64_t fault_runs) {
  CrashOptions options;
  options.ops = ops;
  options.cut_stride = UINT64_MAX;
  options.fault_runs = fault_runs;
  return options;
}

TEST(CrashTest, NoCutLosesWhatWasPromisedOrShowsWhatWasNot) {
  const CrashReport report = RunSeeds(NewWorkload, 6, Cuts(60, 1));
  for (size_t i = 0; i < report.operations_cut.size(); i++) {
    EXPECT_GE(report.operations_cut[i], 50U) << kClassNames[i];
  }
  EXPECT_GE(report.cuts, 3000U);
}

TEST(CrashTest, OneFailedOperationNeverBreaksAPromise) {
  (void)RunSeeds(NewWorkload, 3, Faults(80, 150));
}

TEST(CrashTest, NoCutOfTheRaftLogLosesWhatWasPromisedOrTearsAnAppend) {
  const CrashReport report = RunSeeds(NewRaftLogWorkload, 5, Cuts(120, 2));
  EXPECT_GE(report.operations_cut[0], 500U);  // log
  EXPECT_GE(report.operations_cut[3], 100U);  // directory, and the start file
  EXPECT_GE(report.cuts, 5000U);
}

TEST(CrashTest, OneFailedOperationNeverBreaksAPromiseOfTheRaftLog) {
  (void)RunSeeds(NewRaftLogWorkload, 4, Faults(120, 300));
}

TEST(SimulationTest, SameSeedGivesTheSameTraceAndAnotherSeedAnother) {
  const CrashReport first = RunPlain(NewWorkload, 7, 200);
  EXPECT_TRUE(first.violations.empty()) << Join(first.violations);
  EXPECT_EQ(first.trace_hash, RunPlain(NewWorkload, 7, 200).trace_hash);
  EXPECT_NE(first.trace_hash, RunPlain(NewWorkload, 8, 200).trace_hash);
}

}  // namespace
}  // namespace nokv::sim
