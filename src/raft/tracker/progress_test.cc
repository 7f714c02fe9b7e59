#include "raft/tracker/progress.h"

#include <gtest/gtest.h>

namespace nokv::raft {
namespace {

Progress Replicating(LogIndex match, size_t max_messages, uint64_t max_bytes = kNoLimit) {
  Progress progress(Inflights(max_messages, max_bytes));
  progress.match = match;
  progress.BecomeReplicate();
  return progress;
}

TEST(InflightsTest, AreFullByCountOrByBytes) {
  Inflights by_count(2, kNoLimit);
  by_count.Add(1, 100);
  EXPECT_FALSE(by_count.Full());
  by_count.Add(2, 100);
  EXPECT_TRUE(by_count.Full());

  Inflights by_bytes(100, 150);
  by_bytes.Add(1, 100);
  EXPECT_FALSE(by_bytes.Full());
  by_bytes.Add(2, 100);
  EXPECT_TRUE(by_bytes.Full());
  by_bytes.FreeUpTo(1);
  EXPECT_FALSE(by_bytes.Full());
  EXPECT_EQ(by_bytes.count(), 1U);
}

TEST(InflightsTest, FreesNothingBeforeTheWindow) {
  Inflights inflights(3, kNoLimit);
  inflights.Add(5, 1);
  inflights.Add(7, 1);
  inflights.FreeUpTo(4);
  EXPECT_EQ(inflights.count(), 2U);
  inflights.FreeUpTo(6);
  EXPECT_EQ(inflights.count(), 1U);
  inflights.FreeUpTo(7);
  EXPECT_EQ(inflights.count(), 0U);
}

TEST(ProgressTest, ReplicatingRunsAheadUntilTheWindowIsFull) {
  Progress progress = Replicating(4, 2);
  progress.SentEntries(3, 30);
  EXPECT_EQ(progress.next, 8U);
  EXPECT_FALSE(progress.IsPaused());
  progress.SentEntries(1, 10);
  EXPECT_TRUE(progress.IsPaused());
  EXPECT_TRUE(progress.MaybeUpdate(7));
  EXPECT_FALSE(progress.IsPaused());
}

TEST(ProgressTest, ProbingSendsOneMessageAtATime) {
  Progress progress(Inflights(8, kNoLimit));
  progress.next = 5;
  progress.SentEntries(1, 10);
  EXPECT_TRUE(progress.IsPaused());
  EXPECT_EQ(progress.next, 5U);
}

TEST(ProgressTest, OldAnswersChangeNothing) {
  Progress progress = Replicating(9, 8);
  progress.SentEntries(2, 10);
  EXPECT_FALSE(progress.MaybeUpdate(9));
  EXPECT_FALSE(progress.MaybeDecrease(9, 3));
  EXPECT_EQ(progress.next, 12U);

  progress.BecomeProbe();
  EXPECT_EQ(progress.next, 10U);
  EXPECT_FALSE(progress.MaybeDecrease(7, 3)) << "the probe went out after 9";
  EXPECT_TRUE(progress.MaybeDecrease(9, 20));
  EXPECT_EQ(progress.next, 10U) << "never at or before what is known to match";
}

TEST(ProgressTest, ASnapshotStopsAllUntilItIsDone) {
  Progress progress = Replicating(4, 8);
  progress.BecomeSnapshot(20);
  EXPECT_TRUE(progress.IsPaused());
  EXPECT_EQ(ToString(progress), "StateSnapshot match=4 next=21 paused pendingSnap=20 inactive");
  progress.BecomeProbe();
  EXPECT_EQ(progress.next, 21U) << "a snapshot that arrived is where to go on";
  EXPECT_FALSE(progress.IsPaused());
}

TEST(ProgressTest, ACommitIsSentOnceAndWhenItHelps) {
  Progress progress = Replicating(4, 8);
  progress.SentEntries(2, 10);
  progress.SentCommit(3);
  EXPECT_TRUE(progress.CanBumpCommit(4));
  EXPECT_FALSE(progress.CanBumpCommit(3));
  progress.SentCommit(6);
  EXPECT_FALSE(progress.CanBumpCommit(7)) << "it has no more than 6";
}

}  // namespace
}  // namespace nokv::raft
