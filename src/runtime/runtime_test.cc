#include "runtime/runtime.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "runtime/sim_runtime.h"
#include "runtime/thread.h"

namespace nokv::runtime {
namespace {

constexpr Lane kAllLanes[] = {Lane::kLog, Lane::kFlush, Lane::kCompaction, Lane::kHurried,
                              Lane::kUrgent};

// A list that tasks add to.
class Journal {
 public:
  void Add(int entry) {
    base::MutexLock lock(mu_);
    entries_.push_back(entry);
  }
  std::vector<int> entries() const {
    base::MutexLock lock(mu_);
    return entries_;
  }

 private:
  mutable base::Mutex mu_;
  std::vector<int> entries_ GUARDED_BY(mu_);
};

TEST(ThreadRuntimeTest, OneThreadRunsItsLaneInOrder) {
  const auto runtime = NewThreadRuntime({});
  const auto done = runtime->NewEvent();
  Journal journal;
  std::vector<int> expected;
  for (int i = 0; i < 100; i++) {
    runtime->Post(Lane::kLog, [&journal, i] { journal.Add(i); });
    expected.push_back(i);
  }
  runtime->Post(Lane::kLog, [&] { done->Set(); });
  done->Wait();
  EXPECT_TRUE(done->IsSet());
  EXPECT_EQ(journal.entries(), expected);
}

TEST(ThreadRuntimeTest, LongTaskDelaysNoOtherLane) {
  const auto runtime = NewThreadRuntime({});
  const auto flushed = runtime->NewEvent();
  const auto compacted = runtime->NewEvent();
  // Blocks its lane until the flush lane has run: would never end if they shared a thread.
  runtime->Post(Lane::kCompaction, [&] {
    flushed->Wait();
    compacted->Set();
  });
  runtime->Post(Lane::kFlush, [&] { flushed->Set(); });
  compacted->Wait();
}

TEST(ThreadRuntimeTest, LaneHasAsManyThreadsAsAskedFor) {
  const auto runtime = NewThreadRuntime({.compaction_threads = 2});
  const auto first = runtime->NewEvent();
  const auto second = runtime->NewEvent();
  const auto done = runtime->NewEvent();
  runtime->Post(Lane::kCompaction, [&] {
    first->Set();
    second->Wait();
    done->Set();
  });
  runtime->Post(Lane::kCompaction, [&] {
    first->Wait();
    second->Set();
  });
  done->Wait();
}

TEST(ThreadRuntimeTest, AnEventWakesAllWhoWaitAndStaysSet) {
  const auto runtime = NewThreadRuntime({.flush_threads = 2, .compaction_threads = 2});
  const auto event = runtime->NewEvent();
  const auto all = runtime->NewEvent();
  std::atomic<int> waiting{4};
  for (const Lane lane : {Lane::kFlush, Lane::kFlush, Lane::kCompaction, Lane::kCompaction}) {
    runtime->Post(lane, [&] {
      event->Wait();
      if (waiting.fetch_sub(1) == 1) all->Set();
    });
  }
  EXPECT_FALSE(event->IsSet());
  const auto set_twice = runtime->NewEvent();
  runtime->Post(Lane::kLog, [&] {
    event->Set();
    event->Set();
    set_twice->Set();
  });
  all->Wait();
  set_twice->Wait();
  event->Wait();
  EXPECT_TRUE(event->IsSet());
}

TEST(ThreadRuntimeTest, AnAdvanceWakesAllWhoWaitForThatCountOrALowerOne) {
  const auto runtime = NewThreadRuntime({});
  const auto count = runtime->NewEventCount();
  Journal journal;
  std::atomic<int> told{0};
  std::vector<std::thread> waiters;
  for (const int value : {1, 1, 2, 2, 3}) {
    waiters.emplace_back([&, value] {
      EXPECT_TRUE(count->Await(static_cast<uint64_t>(value)));
      journal.Add(value);
      told++;
    });
  }
  for (const int expected : {2, 4, 5}) {
    count->Advance();
    while (told < expected) std::this_thread::yield();
    EXPECT_EQ(told, expected);
  }
  for (std::thread& waiter : waiters) waiter.join();
  EXPECT_EQ(journal.entries().back(), 3);
  EXPECT_TRUE(count->Await(3)) << "it has come";
}

// A wake-up that is lost shows as a test that never ends.
TEST(ThreadRuntimeTest, NoAdvanceIsMissed) {
  const auto runtime = NewThreadRuntime({});
  const auto count = runtime->NewEventCount();
  const auto answers = runtime->NewEventCount();
  constexpr uint64_t kTurns = 20000;
  std::thread other([&] {
    for (uint64_t turn = 1; turn <= kTurns; turn++) {
      EXPECT_TRUE(count->Await(turn));
      answers->Advance();
    }
  });
  for (uint64_t turn = 1; turn <= kTurns; turn++) {
    count->Advance();
    ASSERT_TRUE(answers->Await(turn));
  }
  other.join();
}

TEST(ThreadRuntimeTest, AClosedCountKeepsNobodyWaiting) {
  const auto runtime = NewThreadRuntime({});
  const auto count = runtime->NewEventCount();
  count->Advance();
  std::thread odd([&] { EXPECT_FALSE(count->Await(3)); });
  std::thread even([&] { EXPECT_FALSE(count->Await(2)); });
  count->Close();
  odd.join();
  even.join();
  EXPECT_TRUE(count->Await(1)) << "came before";
  EXPECT_FALSE(count->Await(2));
}

TEST(ThreadRuntimeTest, AnEventMayGoAsSoonAsItIsSet) {
  const auto runtime = NewThreadRuntime({});
  for (int i = 0; i < 2000; i++) {
    const auto event = runtime->NewEvent();
    runtime->Post(Lane::kLog, [&] { event->Set(); });
    event->Wait();
  }
}

TEST(ThreadRuntimeTest, ThreadsAreNamedAfterTheirLane) {
  const auto runtime = NewThreadRuntime({});
  std::string found;
  for (const Lane lane : kAllLanes) {
    const auto done = runtime->NewEvent();
    runtime->Post(lane, [&] {
      char name[16];
      pthread_getname_np(pthread_self(), name, sizeof(name));
      found += std::string(name) + " ";
      done->Set();
    });
    done->Wait();
  }
  EXPECT_EQ(found, "nokv-log nokv-flush nokv-compact nokv-hurried nokv-urgent ");
}

TEST(ThreadRuntimeTest, TimersFireInDeadlineOrderAndNotEarly) {
  const auto runtime = NewThreadRuntime({});
  const auto done = runtime->NewEvent();
  Journal journal;
  const uint64_t start = runtime->clock().MonotonicMicros();
  runtime->PostAfter(Lane::kLog, 20000, [&] {
    journal.Add(2);
    done->Set();
  });
  runtime->PostAfter(Lane::kLog, 1000, [&] { journal.Add(1); });
  done->Wait();
  EXPECT_GE(runtime->clock().MonotonicMicros() - start, 20000U);
  EXPECT_EQ(journal.entries(), (std::vector<int>{1, 2}));
}

TEST(ThreadRuntimeTest, CancelTellsWhetherTheTimerWasStillThere) {
  const auto runtime = NewThreadRuntime({});
  const auto done = runtime->NewEvent();
  const TimerId far = runtime->PostAfter(Lane::kLog, UINT64_MAX, [] { FAIL(); });
  const TimerId near = runtime->PostAfter(Lane::kLog, 0, [&] { done->Set(); });
  done->Wait();
  EXPECT_FALSE(runtime->Cancel(near));
  EXPECT_TRUE(runtime->Cancel(far));
  EXPECT_FALSE(runtime->Cancel(far));
}

TEST(ThreadRuntimeTest, DestructionRunsWhatWasPostedAndDropsTimers) {
  std::atomic<int> ran{0};
  const auto timer_state = std::make_shared<int>();
  {
    const auto runtime = NewThreadRuntime({});
    Runtime* posting = runtime.get();
    runtime->PostAfter(Lane::kLog, uint64_t{3600} * 1000000, [timer_state] { FAIL(); });
    for (int i = 0; i < 50; i++) {
      // Each goes through all lanes, the last steps while the runtime is being destroyed.
      runtime->Post(Lane::kCompaction, [&ran, posting] {
        posting->Post(Lane::kLog, [&ran, posting] { posting->Post(Lane::kFlush, [&] { ran++; }); });
      });
    }
  }
  EXPECT_EQ(ran, 50);
  EXPECT_EQ(timer_state.use_count(), 1);
}

// The order in which three lanes of ten tasks run under `seed`.
std::vector<int> Schedule(uint64_t seed, uint64_t* trace_hash) {
  const auto runtime = NewSimRuntime(seed);
  std::vector<int> order;
  for (int i = 0; i < 10; i++) {
    for (int lane = 0; lane < 3; lane++) {
      runtime->Post(kAllLanes[lane], [&order, i, lane] { order.push_back(lane * 100 + i); });
    }
  }
  runtime->RunReady();
  *trace_hash = runtime->TraceHash();
  return order;
}

TEST(SimRuntimeTest, SeedDecidesTheOrderOfLanes) {
  uint64_t hash_of_7, again, hash_of_8;
  const std::vector<int> order = Schedule(7, &hash_of_7);
  EXPECT_EQ(order, Schedule(7, &again));
  EXPECT_EQ(hash_of_7, again);
  EXPECT_NE(order, Schedule(8, &hash_of_8));
  EXPECT_NE(hash_of_7, hash_of_8);
}

TEST(SimRuntimeTest, EachLaneKeepsItsOrder) {
  uint64_t hash;
  std::vector<int> next = {0, 100, 200};
  for (const int entry : Schedule(3, &hash)) EXPECT_EQ(entry, next[entry / 100]++);
  EXPECT_EQ(next, (std::vector<int>{10, 110, 210}));
}

TEST(SimRuntimeTest, TimeMovesOnlyWhenNothingIsReadyAndThenJumps) {
  const auto runtime = NewSimRuntime(1, 5000);
  std::vector<uint64_t> times;
  const auto note = [&] { times.push_back(runtime->clock().MonotonicMicros()); };
  runtime->PostAfter(Lane::kLog, 9000, note);
  runtime->PostAfter(Lane::kLog, 2000, [&] {
    note();
    runtime->Post(Lane::kLog, note);
  });
  runtime->Post(Lane::kFlush, note);
  while (runtime->RunOne()) {
  }
  EXPECT_EQ(times, (std::vector<uint64_t>{0, 2000, 2000, 9000}));
  EXPECT_EQ(runtime->clock().WallMillis(), 5009U);
  EXPECT_FALSE(runtime->RunOne());
}

TEST(SimRuntimeTest, RunReadyLeavesTimersAlone) {
  const auto runtime = NewSimRuntime(1);
  runtime->PostAfter(Lane::kLog, 0, [] { FAIL(); });
  runtime->RunReady();
  EXPECT_EQ(runtime->clock().MonotonicMicros(), 0U);
}

TEST(SimRuntimeTest, AdvanceRunsWhatBecomesDueAndNoMore) {
  const auto runtime = NewSimRuntime(1);
  std::vector<int> ran;
  runtime->PostAfter(Lane::kLog, 100, [&] {
    ran.push_back(1);
    runtime->PostAfter(Lane::kLog, 50, [&] { ran.push_back(2); });
    runtime->PostAfter(Lane::kLog, 51, [&] { ran.push_back(3); });
  });
  runtime->Advance(150);
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
  EXPECT_EQ(runtime->clock().MonotonicMicros(), 150U);
}

TEST(SimRuntimeTest, EqualDeadlinesFireInPostingOrder) {
  const auto runtime = NewSimRuntime(1);
  std::vector<int> ran;
  for (int i = 0; i < 20; i++) runtime->PostAfter(Lane::kLog, 10, [&ran, i] { ran.push_back(i); });
  runtime->Advance(10);
  for (int i = 0; i < 20; i++) EXPECT_EQ(ran.at(i), i);
}

TEST(SimRuntimeTest, CancelledTimersDoNotFire) {
  const auto runtime = NewSimRuntime(1);
  const TimerId timer = runtime->PostAfter(Lane::kLog, 10, [] { FAIL(); });
  EXPECT_TRUE(runtime->Cancel(timer));
  EXPECT_FALSE(runtime->Cancel(timer));
  EXPECT_FALSE(runtime->RunOne());
}

TEST(SimRuntimeTest, WaitRunsOtherTasksAndTimersUntilTheEventIsSet) {
  const auto runtime = NewSimRuntime(1);
  const auto event = runtime->NewEvent();
  runtime->Post(Lane::kFlush, [&] { runtime->PostAfter(Lane::kLog, 70, [&] { event->Set(); }); });
  event->Wait();
  EXPECT_EQ(runtime->clock().MonotonicMicros(), 70U);
}

TEST(SimRuntimeTest, AwaitRunsOtherTasksUntilTheCountHasCome) {
  const auto runtime = NewSimRuntime(1);
  const auto count = runtime->NewEventCount();
  for (int i = 0; i < 3; i++) runtime->Post(Lane::kLog, [&] { count->Advance(); });
  EXPECT_TRUE(count->Await(2));
  runtime->Post(Lane::kLog, [&] { count->Close(); });
  EXPECT_FALSE(count->Await(4));
  EXPECT_TRUE(count->Await(3));
}

TEST(SimRuntimeDeathTest, WaitStopsTheProcessWhenNothingCanSetTheEvent) {
  const auto runtime = NewSimRuntime(1);
  EXPECT_DEATH(runtime->NewEvent()->Wait(), "no task or timer can set");
}

TEST(SimRuntimeTest, AbandonDropsTasksAndTimersWithWhatTheyHold) {
  const auto runtime = NewSimRuntime(1);
  const auto held = std::make_shared<int>();
  runtime->Post(Lane::kLog, [held] { FAIL(); });
  const TimerId timer = runtime->PostAfter(Lane::kLog, 1, [held] { FAIL(); });
  runtime->Abandon();
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_FALSE(runtime->RunOne());
  EXPECT_FALSE(runtime->Cancel(timer));
}

TEST(SimRuntimeTest, WallClockJumpsWithoutMovingTheMonotonicOne) {
  const auto runtime = NewSimRuntime(1, 10000);
  runtime->JumpWallClock(-4000);
  EXPECT_EQ(runtime->clock().WallMillis(), 6000U);
  runtime->JumpWallClock(500);
  EXPECT_EQ(runtime->clock().WallMillis(), 6500U);
  EXPECT_EQ(runtime->clock().MonotonicMicros(), 0U);
}

TEST(ThreadTest, RunsItsTaskElsewhereAndWaitsForItsEnd) {
  const std::thread::id here = std::this_thread::get_id();
  std::thread::id there;
  StartThread("nokv-a-rather-long-name", [&] { there = std::this_thread::get_id(); }).reset();
  EXPECT_NE(there, std::thread::id());
  EXPECT_NE(there, here);
}

TEST(ThreadRuntimeTest, WorkThatNobodyWaitsForHasALowerPriority) {
  const auto runtime = NewThreadRuntime({});
  const int own = getpriority(PRIO_PROCESS, 0);
  const auto priority_of = [&](Lane lane) {
    int priority = 0;
    const auto done = runtime->NewEvent();
    runtime->Post(lane, [&] {
      priority = getpriority(PRIO_PROCESS, 0);
      done->Set();
    });
    done->Wait();
    return priority;
  };
  EXPECT_EQ(priority_of(Lane::kLog), own);
  EXPECT_GE(priority_of(Lane::kFlush), std::min(own + 1, 19));
  EXPECT_GE(priority_of(Lane::kCompaction), priority_of(Lane::kFlush));
  EXPECT_EQ(priority_of(Lane::kHurried), own);
  EXPECT_EQ(priority_of(Lane::kUrgent), own);
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), own);
}

}  // namespace
}  // namespace nokv::runtime
