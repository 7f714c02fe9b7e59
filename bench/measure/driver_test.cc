#include "bench/measure/driver.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <set>
#include <vector>

#include "base/mutex.h"

namespace nokv::bench {
namespace {

// What all clients of a test have done.
struct Seen {
  base::Mutex mu;
  std::multiset<uint64_t> ops GUARDED_BY(mu);
  std::atomic<uint64_t> beside{0};
};

class Recorder : public Client {
 public:
  explicit Recorder(Seen& seen) : seen_(seen) {}
  Status Step(uint64_t op, OpReport* report) override {
    base::MutexLock lock(seen_.mu);
    seen_.ops.insert(op);
    *report = {.kind = OpKind::kInsert, .rows = 2, .puts = 1, .put_bytes = 3};
    return Status::Ok();
  }

 private:
  Seen& seen_;
};

// Each step takes at least this long.
constexpr std::chrono::microseconds kStep(200);

class Slow : public Client {
 public:
  Status Step(uint64_t, OpReport*) override {
    const auto end = std::chrono::steady_clock::now() + kStep;
    while (std::chrono::steady_clock::now() < end) {
    }
    return Status::Ok();
  }
};

class DriverTest : public ::testing::Test {
 protected:
  Result<PhaseResult> Run(const PhaseOptions& options, const ClientFactory& factory) {
    return RunPhase(*runtime_, options, factory, [](uint64_t) {});
  }

  const std::unique_ptr<runtime::Runtime> runtime_ = runtime::NewThreadRuntime({});
  Seen seen_;
};

TEST_F(DriverTest, EveryOperationIsDoneOnceAndCounted) {
  for (const uint64_t rate : {uint64_t{0}, uint64_t{1'000'000}}) {
    const auto result = Run({.threads = 3, .ops = 1000, .rate = rate},
                            [&](uint64_t) { return std::make_unique<Recorder>(seen_); });
    ASSERT_TRUE(result.ok()) << result.status();
    base::MutexLock lock(seen_.mu);
    EXPECT_EQ(seen_.ops.size(), 1000U);
    EXPECT_EQ(std::set<uint64_t>(seen_.ops.begin(), seen_.ops.end()).size(), 1000U);
    EXPECT_EQ(*seen_.ops.rbegin(), 999U);
    seen_.ops.clear();
    EXPECT_EQ(result->ops, 1000U);
    EXPECT_EQ(result->rows, 2000U);
    EXPECT_EQ(result->puts, 1000U);
    EXPECT_EQ(result->put_bytes, 3000U);
    EXPECT_EQ(result->all.count(), 1000U);
    EXPECT_EQ(result->by_kind[static_cast<size_t>(OpKind::kInsert)].count(), 1000U);
    EXPECT_EQ(result->by_kind[static_cast<size_t>(OpKind::kRead)].count(), 0U);
  }
}

TEST_F(DriverTest, AnOpenLoopCountsFromTheMomentAnOperationWasDue) {
  constexpr uint64_t kOps = 50;
  const auto slow = [](uint64_t) { return std::make_unique<Slow>(); };
  // All are due at once, and one client does them.
  const auto open = Run({.threads = 1, .ops = kOps, .rate = 1'000'000'000}, slow);
  ASSERT_TRUE(open.ok());
  const auto step_ns =
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(kStep).count());
  EXPECT_GE(open->all.max(), kOps * step_ns);
  EXPECT_GE(open->all.mean(), static_cast<double>(kOps * step_ns) / 2);
  const auto closed = Run({.threads = 1, .ops = kOps}, slow);
  ASSERT_TRUE(closed.ok());
  EXPECT_LT(closed->all.Percentile(50), kOps * step_ns / 2);
}

TEST_F(DriverTest, AnOpenLoopIsNotFasterThanItsRate) {
  const auto result = Run({.threads = 2, .ops = 200, .rate = 10'000},
                          [&](uint64_t) { return std::make_unique<Recorder>(seen_); });
  ASSERT_TRUE(result.ok());
  EXPECT_GE(result->seconds, 199.0 / 10'000);
}

class Failing : public Client {
 public:
  Status Step(uint64_t op, OpReport*) override {
    return op == 100 ? Status::Unavailable("step 100") : Status::Ok();
  }
};

TEST_F(DriverTest, AnErrorEndsThePhase) {
  const auto result = Run({.threads = 4, .ops = uint64_t{1} << 40},
                          [](uint64_t) { return std::make_unique<Failing>(); });
  EXPECT_EQ(result.status().message(), "step 100");
}

class Beside : public Client {
 public:
  explicit Beside(Seen& seen) : seen_(seen) {}
  Status Step(uint64_t op, OpReport*) override {
    seen_.beside.store(op + 1);
    return Status::Ok();
  }

 private:
  Seen& seen_;
};

// Waits in its first step until the client beside it has done something.
class Patient : public Client {
 public:
  explicit Patient(Seen& seen) : seen_(seen) {}
  Status Step(uint64_t, OpReport*) override {
    while (seen_.beside.load() == 0) {
    }
    return Status::Ok();
  }

 private:
  Seen& seen_;
};

TEST_F(DriverTest, BackgroundThreadsWorkBesideAndAreNotCounted) {
  const auto result = Run({.threads = 1, .ops = 10, .background_threads = 1},
                          [&](uint64_t thread) -> std::unique_ptr<Client> {
                            if (thread == 1) return std::make_unique<Beside>(seen_);
                            return std::make_unique<Patient>(seen_);
                          });
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->ops, 10U);
  EXPECT_EQ(result->all.count(), 10U);
}

TEST(LatencyTest, SeveralHistogramsAnswerLikeOne) {
  metrics::Histogram odd, even, both;
  for (uint64_t value = 1; value <= 10'000; value++) {
    (value % 2 == 0 ? even : odd).Record(value);
    both.Record(value);
  }
  Latency latency;
  EXPECT_EQ(latency.Percentile(99), 0U);
  EXPECT_EQ(latency.mean(), 0);
  latency.Add(odd.Snapshot());
  latency.Add(even.Snapshot());
  EXPECT_EQ(latency.count(), 10'000U);
  EXPECT_EQ(latency.max(), 10'000U);
  EXPECT_DOUBLE_EQ(latency.mean(), 5000.5);
  for (const double percent : {0.0, 1.0, 50.0, 99.0, 99.9, 100.0}) {
    EXPECT_EQ(latency.Percentile(percent), both.Snapshot().Percentile(percent)) << percent;
  }
}

}  // namespace
}  // namespace nokv::bench
