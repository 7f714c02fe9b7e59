// The simulated machines and their network do what their headers say.
#include <gtest/gtest.h>

#include <vector>

#include "sim/world/machine.h"
#include "sim/world/network.h"
#include "vfs/vfs.h"

namespace nokv::sim {
namespace {

using runtime::Lane;
constexpr uint64_t kSecond = 1'000'000;

class WorldTest : public testing::Test {
 protected:
  WorldTest() : world_(1, nullptr), network_(world_), machine_(world_, 1) {}

  // When so many messages from 1 to 2 arrive, in the order of their sending.
  std::vector<std::vector<uint64_t>> SendAll(size_t count) {
    std::vector<std::vector<uint64_t>> arrivals(count);
    for (size_t i = 0; i < count; i++) {
      network_.Send(1, 2, [this, i, &arrivals] { arrivals[i].push_back(world_.now_us()); });
    }
    world_.RunUntil(world_.now_us() + kSecond);
    return arrivals;
  }

  World world_;
  Network network_;
  Machine machine_;
};

TEST_F(WorldTest, ALinkKeepsTheOrder) {
  uint64_t last = 0;
  for (const auto& times : SendAll(200)) {
    ASSERT_EQ(times.size(), 1U);
    EXPECT_GE(times[0], last);
    last = times[0];
  }
  EXPECT_LT(last, kSecond / 100);
}

TEST_F(WorldTest, BadWeatherLosesRepeatsAndReorders) {
  network_.SetWeather({.lose_one_in = 4, .repeat_one_in = 4, .delay_one_in = 4});
  size_t lost = 0;
  size_t repeated = 0;
  size_t overtaken = 0;
  uint64_t latest = 0;
  for (const auto& times : SendAll(400)) {
    lost += times.empty();
    repeated += times.size() > 1;
    for (const uint64_t time : times) {
      overtaken += time < latest;
      latest = std::max(latest, time);
    }
  }
  EXPECT_GT(lost, 50U);
  EXPECT_GT(repeated, 50U);
  EXPECT_GT(overtaken, 50U);
  EXPECT_EQ(network_.counters().lost, lost);
}

TEST_F(WorldTest, ACutIsOfOneDirectionAndTakesWhatIsUnderWay) {
  size_t there = 0;
  size_t back = 0;
  EXPECT_TRUE(network_.Send(1, 2, [&] { there++; }));
  network_.Cut(1, 2);
  EXPECT_FALSE(network_.Send(1, 2, [&] { there++; }));
  EXPECT_TRUE(network_.Send(2, 1, [&] { back++; }));
  world_.RunUntil(kSecond);
  EXPECT_EQ(there, 0U);
  EXPECT_EQ(back, 1U);
  network_.Mend(1, 2);
  EXPECT_EQ(SendAll(1)[0].size(), 1U);
}

TEST_F(WorldTest, ASlowLinkTakesLonger) {
  const uint64_t usual = SendAll(1)[0][0];
  network_.SetSlowness(1, 2, 100);
  EXPECT_GT(SendAll(1)[0][0] - kSecond, 20 * usual);
}

TEST_F(WorldTest, APausedProcessRunsNothingUntilItGoesOn) {
  machine_.Start();
  size_t ran = 0;
  machine_.runtime().PostAfter(Lane::kUrgent, 1000, [&] { ran++; });
  machine_.runtime().Post(Lane::kLog, [&] { ran++; });
  machine_.Pause();
  machine_.runtime().Arrive([&] { ran++; });
  world_.RunUntil(kSecond);
  EXPECT_EQ(ran, 0U);
  machine_.Resume();
  world_.RunUntil(2 * kSecond);
  EXPECT_EQ(ran, 3U);
}

TEST_F(WorldTest, TheTasksOfAProcessEndWithIt) {
  machine_.Start();
  size_t ran = 0;
  machine_.runtime().PostAfter(Lane::kUrgent, 1000, [&] { ran++; });
  machine_.runtime().Post(Lane::kLog, [&] { ran++; });
  const auto cancelled = machine_.runtime().PostAfter(Lane::kUrgent, 10, [&] { ran++; });
  EXPECT_TRUE(machine_.runtime().Cancel(cancelled));
  EXPECT_FALSE(machine_.runtime().Cancel(cancelled));
  machine_.EndByKill();
  machine_.Start();
  world_.RunUntil(kSecond);
  EXPECT_EQ(ran, 0U);
}

TEST_F(WorldTest, ClocksDriftAndJumpApart) {
  machine_.clock().SetRate(1100);
  const uint64_t wall = machine_.clock().WallMillis();
  world_.RunUntil(kSecond);
  EXPECT_EQ(machine_.clock().MonotonicMicros(), 1'100'000U);
  EXPECT_EQ(machine_.clock().WallMillis() - wall, 1100U);
  machine_.clock().SetRate(900);
  machine_.clock().JumpWall(-5000);
  world_.RunUntil(2 * kSecond);
  EXPECT_EQ(machine_.clock().MonotonicMicros(), 2'000'000U);
  EXPECT_EQ(machine_.clock().WallMillis() + 5000 - wall, 2000U);
}

TEST_F(WorldTest, TimersGoByTheClockOfTheMachine) {
  machine_.clock().SetRate(500);
  machine_.Start();
  uint64_t fired_us = 0;
  machine_.runtime().PostAfter(Lane::kUrgent, 1000, [&] { fired_us = world_.now_us(); });
  world_.RunUntil(kSecond);
  EXPECT_EQ(fired_us, 2000U);
}

// Writes `text` to a new file, and syncs it if asked.
Status WriteTo(vfs::FileSystem& fs, const std::string& path, bool sync) {
  auto file = fs.CreateAppend(path);
  if (!file.ok()) return file.status();
  if (Status status = (*file)->Append("text"); !status.ok()) return status;
  if (!sync) return Status::Ok();
  if (Status status = (*file)->Sync(); !status.ok()) return status;
  return fs.SyncDir("/");
}

TEST_F(WorldTest, PowerLossTakesWhatIsNotSyncedAKillDoesNot) {
  machine_.Start();
  ASSERT_TRUE(WriteTo(machine_.fs(), "/synced", true).ok());
  ASSERT_TRUE(WriteTo(machine_.fs(), "/written", false).ok());
  machine_.EndByKill();
  EXPECT_TRUE(*machine_.fs().Exists("/written"));
  ASSERT_TRUE(WriteTo(machine_.fs(), "/later", false).ok());
  machine_.Start();
  machine_.EndByPowerLoss(Machine::Loss::kEverything);
  EXPECT_EQ(machine_.fs().ReadFile("/synced", 100).value(), "text");
  EXPECT_FALSE(*machine_.fs().Exists("/later"));
  machine_.ReplaceDisk();
  EXPECT_FALSE(*machine_.fs().Exists("/synced"));
}

TEST_F(WorldTest, DisksFillUpFailAndRot) {
  machine_.SetDiskFull(true);
  EXPECT_EQ(WriteTo(machine_.fs(), "/full", false).code(), StatusCode::kResourceExhausted);
  machine_.SetDiskFull(false);
  machine_.FailNextSync(true);
  EXPECT_FALSE(WriteTo(machine_.fs(), "/failed", true).ok());
  EXPECT_TRUE(WriteTo(machine_.fs(), "/well", true).ok());
  EXPECT_EQ(machine_.disk_faults(), 2U);
  ASSERT_TRUE(machine_.FlipBit("/well", 1).ok());
  EXPECT_EQ(machine_.fs().ReadFile("/well", 100).value(), "vext");
}

TEST_F(WorldTest, ASlowDiskHoldsUpWhatIsPostedToItsLane) {
  machine_.SetDiskSlowness(100);
  machine_.Start();
  uint64_t log_us = 0;
  uint64_t other_us = 0;
  machine_.runtime().Post(Lane::kLog, [&] { log_us = world_.now_us(); });
  machine_.runtime().Post(Lane::kUrgent, [&] { other_us = world_.now_us(); });
  world_.RunUntil(kSecond);
  EXPECT_GE(log_us, 30'000U);
  EXPECT_EQ(other_us, 0U);
}

}  // namespace
}  // namespace nokv::sim
