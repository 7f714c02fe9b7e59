#include "sim/raft/random_group.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace nokv::sim {
namespace {

constexpr int kSteps = 4000;

// NOKV_RAFT_SEED=N runs that seed alone; NOKV_RAFT_SEEDS=N the first N.
uint64_t Number(const char* variable, uint64_t otherwise) {
  const char* value = std::getenv(variable);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

TEST(RandomGroupTest, NoInvariantBreaks) {
  const uint64_t only = Number("NOKV_RAFT_SEED", 0);
  const uint64_t first = only != 0 ? only : 1;
  const uint64_t last = only != 0 ? only : Number("NOKV_RAFT_SEEDS", 60);
  RandomGroupReport sum;
  for (uint64_t seed = first; seed <= last; seed++) {
    const auto report = RandomGroup(seed).Run(kSteps);
    ASSERT_TRUE(report.ok()) << report.status() << "\nagain: NOKV_RAFT_SEED=" << seed
                             << " build/bin/nokv_sim_raft_test";
    sum.committed += report->committed;
    sum.leaders += report->leaders;
    sum.crashes += report->crashes;
    sum.conf_changes += report->conf_changes;
    sum.snapshots += report->snapshots;
    sum.reads += report->reads;
  }
  std::printf(
      "%llu committed, %llu leaders, %llu crashes, %llu changes, %llu snapshots, %llu reads\n",
      static_cast<unsigned long long>(sum.committed), static_cast<unsigned long long>(sum.leaders),
      static_cast<unsigned long long>(sum.crashes),
      static_cast<unsigned long long>(sum.conf_changes),
      static_cast<unsigned long long>(sum.snapshots), static_cast<unsigned long long>(sum.reads));
  if (only != 0) return;
  // A run in which nothing happens proves nothing.
  EXPECT_GT(sum.committed, 10 * last);
  EXPECT_GT(sum.leaders, 2 * last);
  EXPECT_GT(sum.crashes, last);
  EXPECT_GT(sum.conf_changes, last / 2);
  EXPECT_GT(sum.snapshots, last / 4);
  EXPECT_GT(sum.reads, last / 4);
}

TEST(RandomGroupTest, OneSeedIsOneRun) {
  for (uint64_t seed = 1; seed <= 5; seed++) {
    const auto first = RandomGroup(seed).Run(kSteps);
    const auto second = RandomGroup(seed).Run(kSteps);
    ASSERT_TRUE(first.ok() && second.ok());
    EXPECT_EQ(first->trace_hash, second->trace_hash) << "seed " << seed;
  }
}

}  // namespace
}  // namespace nokv::sim
