#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "sim/crash/crash_run.h"
#include "sim/gateway/gateway_workload.h"

namespace nokv::sim {
namespace {

using redis::SyncPolicy;

MakeSubject Gateways(SyncPolicy sync) {
  return [sync](uint64_t seed, vfs::FileSystem& fs) {
    return std::make_unique<GatewayWorkload>(seed, sync, fs);
  };
}

std::string Join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

void CutSome(SyncPolicy sync, uint64_t first_seed) {
  std::array<uint64_t, 4> operations = {};
  uint64_t cuts = 0;
  for (uint64_t seed = first_seed; seed < first_seed + 2; seed++) {
    CrashOptions options;
    options.seed = seed;
    options.ops = 150;
    options.random_losses = 1;
    options.cut_stride = 3;
    options.fault_runs = 10;
    const CrashReport report = RunCrashes(Gateways(sync), options);
    EXPECT_TRUE(report.violations.empty()) << Join(report.violations);
    for (size_t i = 0; i < operations.size(); i++) operations[i] += report.operations_cut[i];
    cuts += report.cuts;
  }
  for (size_t i = 0; i < operations.size(); i++) EXPECT_GE(operations[i], 5U) << kClassNames[i];
  EXPECT_GE(cuts, 300U);
}

TEST(GatewayCrashTest, WithAlwaysNothingAcknowledgedIsLost) {
  CutSome(SyncPolicy::kAlways, 1);
}

TEST(GatewayCrashTest, WithEverySecNothingOlderThanTwoSecondsIsLost) {
  CutSome(SyncPolicy::kEverySec, 11);
}

TEST(GatewayCrashTest, WithoutSyncsThereAreNoHoles) {
  CutSome(SyncPolicy::kNo, 21);
}

TEST(GatewayCrashTest, SameSeedGivesTheSameTraceAndAnotherSeedAnother) {
  const MakeSubject make = Gateways(SyncPolicy::kAlways);
  const CrashReport first = RunPlain(make, 7, 300);
  EXPECT_TRUE(first.violations.empty()) << Join(first.violations);
  EXPECT_EQ(first.trace_hash, RunPlain(make, 7, 300).trace_hash);
  EXPECT_NE(first.trace_hash, RunPlain(make, 8, 300).trace_hash);
}

}  // namespace
}  // namespace nokv::sim
