// How writes are slowed down and stopped by what waits behind them, on the memory disk.
#include <gmock/gmock.h>

#include <map>
#include <utility>

#include "engine/engine_test_util.h"

namespace nokv::engine {
namespace {

class BackPressureTest : public testing::Test {
 protected:
  // Nothing runs in the background until the test lets it.
  void WriteAsync(int count, size_t value_bytes) {
    for (int i = 0; i < count; i++) {
      WriteBatch batch;
      batch.Put("k" + std::to_string(written_++), std::string(value_bytes, 'v'));
      h_.db->WriteAsync({}, std::move(batch), [this](const Status& status) {
        EXPECT_TRUE(status.ok()) << status;
        acknowledged_++;
      });
    }
  }

  // There is room for another one, of 16 MiB, while that awaits its flush.
  void OpenAndFillOneMemtable(runtime::Runtime& runtime) {
    Options options = SmallOptions();
    options.immutable_memtable_bytes = 32 << 20;
    options.memtable_bytes = 16 << 20;
    options.value_separation_threshold = 1 << 10;
    h_.db = *OpenDB(options, "/db", {*h_.fs, runtime, base::NullLogger()});
    WriteAsync(16, 1 << 20);
    h_.runtime->RunReady();
  }

  EngineHarness h_;
  int written_ = 0;
  int acknowledged_ = 0;
};

TEST_F(BackPressureTest, WritesTakeTurnsBeforeTheyStop) {
  Options options = SmallOptions();
  options.immutable_memtable_bytes = 64 << 20;
  options.memtable_bytes = 8 << 20;
  h_.Open(options);
  // More than half of what may wait for a flush, and more than a burst.
  WriteAsync(45, 1 << 20);
  const WriteStats slow = h_.db->Stats().write;
  EXPECT_LT(acknowledged_, 45);
  EXPECT_GT(acknowledged_, 32);
  EXPECT_EQ(slow.throttle_mode, "slowdown");
  EXPECT_TRUE(slow.throttle_active && slow.slowdown_active);
  EXPECT_EQ(slow.throttle_reason, "immutable memtables");
  EXPECT_GT(slow.throttle_rate_bytes_per_sec, 0U);
  EXPECT_GT(slow.throttle_pressure_permille, 0U);
  EXPECT_LT(slow.throttle_pressure_permille, 1000U);
  EXPECT_EQ(slow.queue_depth, 45 - acknowledged_);
  h_.runtime->Advance(1'000'000);
  EXPECT_EQ(acknowledged_, 45);
  const WriteStats after = h_.db->Stats().write;
  EXPECT_EQ(after.throttle_mode, "none");
  ASSERT_EQ(after.stalls.size(), 1U);
  EXPECT_EQ(after.stalls[0].reason, "immutable memtables");
}

// The runtime of the harness, with a count of what is posted to each lane. After Hold, tasks of all
// lanes but the urgent one wait for Release, as if others on their lanes took that long.
class LaneWatch : public runtime::Runtime {
 public:
  explicit LaneWatch(runtime::Runtime& base) : base_(base) {}
  base::Clock& clock() override { return base_.clock(); }
  void Post(runtime::Lane lane, runtime::Task task) override {
    posted[lane]++;
    if (!Holds(lane)) return base_.Post(lane, std::move(task));
    held_.emplace_back(lane, std::move(task));
  }
  runtime::TimerId PostAfter(runtime::Lane lane, uint64_t delay, runtime::Task task) override {
    if (!Holds(lane)) return base_.PostAfter(lane, delay, std::move(task));
    return base_.PostAfter(lane, delay, [this, lane, task] { held_.emplace_back(lane, task); });
  }
  bool Cancel(runtime::TimerId timer) override { return base_.Cancel(timer); }
  std::unique_ptr<runtime::Event> NewEvent() override { return base_.NewEvent(); }
  std::unique_ptr<runtime::EventCount> NewEventCount() override { return base_.NewEventCount(); }

  void Hold() { holds_ = true; }
  void Release() {
    holds_ = false;
    for (auto& [lane, task] : held_) base_.Post(lane, std::move(task));
    held_.clear();
  }

  std::map<runtime::Lane, int> posted;

 private:
  bool Holds(runtime::Lane lane) const { return holds_ && lane != runtime::Lane::kUrgent; }

  runtime::Runtime& base_;
  bool holds_ = false;
  std::vector<std::pair<runtime::Lane, runtime::Task>> held_;
};

TEST_F(BackPressureTest, WritesTakeTurnsWhateverElseIsBusy) {
  LaneWatch lanes(*h_.runtime);
  lanes.Hold();
  OpenAndFillOneMemtable(lanes);
  WriteAsync(12, 1 << 20);
  ASSERT_LT(acknowledged_, 28);
  ASSERT_EQ(h_.db->Stats().write.throttle_reason, "immutable memtables");
  h_.runtime->Advance(60'000'000);
  EXPECT_EQ(acknowledged_, 28);
  EXPECT_EQ(h_.db->Stats().flush.completed, 0);
  lanes.Release();
  h_.runtime->RunReady();
  const FlushStats flush = h_.db->Stats().flush;
  EXPECT_EQ(flush.completed, 1);
  EXPECT_GE(flush.max_wait_ms, 60'000);
  EXPECT_LT(flush.max_build_ms, 60'000) << "what it waited is no part of it";
  h_.db.reset();
}

TEST_F(BackPressureTest, TheActiveMemtableCountsWhileAnotherAwaitsItsFlush) {
  LaneWatch lanes(*h_.runtime);
  lanes.Hold();
  OpenAndFillOneMemtable(lanes);
  uint64_t before = UINT64_MAX;
  for (int i = 0; i < 12; i++) {
    WriteAsync(1, 1 << 20);
    h_.runtime->Advance(10'000'000);
    const uint64_t rate = h_.db->Stats().write.throttle_rate_bytes_per_sec;
    EXPECT_LT(rate, before) << i;
    before = rate;
  }
  lanes.Release();
  h_.runtime->RunReady();
  EXPECT_EQ(h_.db->Stats().write.throttle_mode, "none");
  h_.db.reset();
}

TEST_F(BackPressureTest, ACloseDoesNotWaitForTheTurnOfAWrite) {
  Options options = SmallOptions();
  options.immutable_memtable_bytes = 64 << 20;
  options.memtable_bytes = 8 << 20;
  h_.Open(options);
  for (int i = 0; i < 45; i++) {
    WriteBatch batch;
    batch.Put("k" + std::to_string(i), std::string(1 << 20, 'v'));
    h_.db->WriteAsync({}, std::move(batch), [this](const Status&) { acknowledged_++; });
  }
  ASSERT_EQ(h_.db->Stats().write.throttle_mode, "slowdown");
  const uint64_t before = h_.runtime->clock().MonotonicMicros();
  ASSERT_TRUE(h_.db->Close().ok());
  EXPECT_EQ(acknowledged_, 45) << "each is answered";
  EXPECT_EQ(h_.runtime->clock().MonotonicMicros(), before);
}

TEST_F(BackPressureTest, ADiskThatIsNearlyFullSlowsWritesDownAndTheyGoOnByTheClock) {
  Options options = SmallOptions();
  options.memtable_bytes = 8 << 20;
  h_.Open(options);
  h_.disk->SetCapacity(10 << 20);
  h_.Put("k", "v");
  ASSERT_TRUE(h_.db->Flush().ok());
  const WriteStats slow = h_.db->Stats().write;
  EXPECT_EQ(slow.throttle_reason, "free disk");
  EXPECT_EQ(slow.throttle_mode, "slowdown");
  WriteAsync(10, 100 << 10);
  EXPECT_LT(acknowledged_, 10);
  h_.runtime->Advance(1'000'000);
  EXPECT_EQ(acknowledged_, 10) << "no flush was due";
  EXPECT_EQ(h_.db->Stats().flush.completed, 1);
  h_.disk->SetCapacity(UINT64_MAX);
  ASSERT_TRUE(h_.db->Flush().ok());
  EXPECT_EQ(h_.db->Stats().write.throttle_mode, "none");
}

TEST_F(BackPressureTest, CompactionsAreHurriedOnlyWhileWritesWaitForThem) {
  using runtime::Lane;
  LaneWatch lanes(*h_.runtime);
  Options options = SmallOptions();
  options.memtable_bytes = options.immutable_memtable_bytes = 64 << 20;
  options.level0_compaction_trigger = 2;
  options.level0_stop_trigger = 8;
  options.max_compactions = 1;
  h_.db = *OpenDB(options, "/db", {*h_.fs, lanes, base::NullLogger()});
  const auto add_table = [&] {
    for (int i = 0; i < 12; i++) h_.Put("k" + std::to_string(10 + i), std::string(1 << 20, 'v'));
    ASSERT_TRUE(h_.db->Flush().ok());
  };
  for (int i = 0; i < 2; i++) add_table();
  h_.runtime->RunReady();
  EXPECT_GT(lanes.posted[Lane::kCompaction], 1) << "two tables slow nobody down";
  EXPECT_EQ(lanes.posted[Lane::kHurried], 0);
  for (int i = 0; i < 40 && lanes.posted[Lane::kHurried] == 0; i++) add_table();
  EXPECT_GT(lanes.posted[Lane::kHurried], 0);
  h_.runtime->Advance(60'000'000);
  lanes.posted.clear();
  for (int i = 0; i < 2; i++) add_table();
  h_.runtime->RunReady();
  EXPECT_GT(lanes.posted[Lane::kCompaction], 1) << "and stands back again";
  h_.db.reset();
}

}  // namespace
}  // namespace nokv::engine
