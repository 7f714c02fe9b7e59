// What the scenario promises, and that its rules see what must not be.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/control/layout_history.h"
#include "sim/run_many.h"
#include "sim/scenario.h"

namespace nokv::sim {
namespace {

using metaroot::LeaseGranted;
using metaroot::WindowKind;
using metaroot::WindowReserved;

TEST(ControlPlaneTest, SeedsPass) {
  const ManyReport report =
      RunMany(*FindScenario("control-plane"), {.first_seed = 1, .last_seed = 12, .seconds = 20},
              [](uint64_t seed, const RunReport& run) {
                EXPECT_TRUE(run.violations.empty())
                    << run.violations[0] << "\nagain: nokv-sim run --scenario control-plane --seed "
                    << seed;
                EXPECT_EQ(run.invalid, "") << "seed " << seed;
              });
  EXPECT_EQ(report.seeds, 12U);
  // Whatever clients can do is done, and some of it in vain.
  for (const char* counter : {"AllocID", "GetRegionByKey", "ListRegions", "Tso", "failed processes",
                              "publications", "refusals", "shipped client", "strong routes"}) {
    EXPECT_GT(report.counters.at(counter), 12U) << counter;
  }
}

class LayoutHistoryTest : public testing::Test {
 protected:
  void Take(const metaroot::Event& event) { history_.Take({++revision_, event}); }
  void Take(const std::vector<metaroot::Event>& events) {
    for (const metaroot::Event& event : events) Take(event);
  }

  uint64_t revision_ = 0;
  std::vector<std::string> violations_;
  LayoutHistory history_{[this](const std::string& what) { violations_.push_back(what); }};
};

TEST_F(LayoutHistoryTest, KnowsTheLayoutOfEveryRevision) {
  const topology::Region all{.id = 1, .epoch = {1, 1}, .peers = {{1, 11}}};
  topology::Region left = all;
  topology::Region right{.id = 2, .range = {"m", ""}, .epoch = {2, 1}, .peers = {{1, 12}}};
  left.range.end = "m";
  left.epoch.version = 2;
  Take({metaroot::ClusterCreated{1}, metaroot::StoreJoined{1, "a:1"},
        metaroot::LayoutCreated{{all}}, LeaseGranted{"c1", 1'000},
        WindowReserved{WindowKind::kIds, 1, 12, 100}});
  Take(metaroot::TransitionPlanned{.kind = metaroot::TransitionKind::kSplit,
                                   .from = {all},
                                   .to = {left, right},
                                   .waits_for = "a test"});
  Take(metaroot::TransitionMoved{.id = "split:1:6d", .step = metaroot::TransitionStep::kFinished});
  EXPECT_EQ(violations_, std::vector<std::string>());
  EXPECT_TRUE(history_.At(2)->empty());
  for (const uint64_t revision : {3, 4, 5, 6}) {
    EXPECT_EQ(*history_.At(revision), (LayoutHistory::Layout{{"", all}})) << revision;
  }
  EXPECT_EQ(*history_.At(7), (LayoutHistory::Layout{{"", left}, {"m", right}}));
  EXPECT_EQ(history_.At(8), nullptr);
}

TEST_F(LayoutHistoryTest, AWindowOfALeaseThatIsOverIsSeen) {
  Take({metaroot::ClusterCreated{1}, LeaseGranted{"c1", 1'000},
        metaroot::LeaseEnded{.generation = 1, .released = true}, LeaseGranted{"c2", 1'000},
        WindowReserved{WindowKind::kIds, 2, 1, 10}});
  EXPECT_TRUE(violations_.empty());
  Take(WindowReserved{WindowKind::kIds, 1, 10, 20});
  ASSERT_FALSE(violations_.empty());
  EXPECT_EQ(violations_[0], "generation 1 was given a window, but the lease was not its own");
}

TEST_F(LayoutHistoryTest, AWindowBelowTheFenceIsSeen) {
  Take({metaroot::ClusterCreated{1}, LeaseGranted{"c1", 1'000},
        WindowReserved{WindowKind::kTimestamps, 1, 1, 10}});
  EXPECT_TRUE(violations_.empty());
  Take(WindowReserved{WindowKind::kTimestamps, 1, 9, 20});
  ASSERT_FALSE(violations_.empty());
  EXPECT_EQ(violations_[0], "a window from 9 was given away, but the fence was 10");
}

TEST_F(LayoutHistoryTest, ALeaseThatIsTakenFromItsHolderIsSeen) {
  Take({metaroot::ClusterCreated{1}, LeaseGranted{"c1", 1'000}});
  EXPECT_TRUE(violations_.empty());
  Take(LeaseGranted{"c2", 1'000});
  ASSERT_FALSE(violations_.empty());
  EXPECT_EQ(violations_[0], "the lease went to c2 while c1 had it");
}

TEST_F(LayoutHistoryTest, AnEventThatIsMissingIsSeen) {
  Take(metaroot::ClusterCreated{1});
  revision_++;
  Take(metaroot::StoreJoined{1, "a:1"});
  EXPECT_EQ(violations_, std::vector<std::string>{"event 3 came after revision 1"});
}

}  // namespace
}  // namespace nokv::sim
