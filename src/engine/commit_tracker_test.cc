#include "engine/commit_tracker.h"

#include <gtest/gtest.h>

#include <string>

namespace nokv::engine {
namespace {

class CommitTrackerTest : public testing::Test {
 protected:
  std::function<void(Status)> Record(const std::string& name) {
    return [this, name](const Status& status) { log_ += name + (status.ok() ? " " : "! "); };
  }
  std::string Drain() {
    completions_.Run();
    return std::exchange(log_, "");
  }

  ReadHorizon horizon_;
  CommitTracker tracker_{10, &horizon_};
  Completions completions_;
  std::string log_;
};

TEST_F(CommitTrackerTest, AcknowledgesInOrderHoweverWritesAreApplied) {
  const uint64_t a = tracker_.Begin({}, 2, SyncNeed::kNone, Record("a"));
  const uint64_t b = tracker_.Begin({}, 1, SyncNeed::kNone, Record("b"));
  tracker_.Applied(b, &completions_);
  EXPECT_EQ(Drain(), "");
  EXPECT_EQ(tracker_.visible(), 10U);
  tracker_.Applied(a, &completions_);
  EXPECT_EQ(Drain(), "a b ");
  EXPECT_EQ(tracker_.visible(), 13U);
}

TEST_F(CommitTrackerTest, SyncedWriteIsInvisibleUntilASyncThatBeganAfterItWasApplied) {
  const uint64_t a = tracker_.Begin({}, 1, SyncNeed::kDue, Record("a"));
  tracker_.Applied(a, &completions_);
  const auto target = tracker_.applied();
  const uint64_t b = tracker_.Begin({}, 1, SyncNeed::kDue, Record("b"));
  tracker_.Applied(b, &completions_);
  EXPECT_EQ(tracker_.visible(), 10U);
  EXPECT_TRUE(tracker_.NeedsSync());
  tracker_.Synced(target, &completions_);
  EXPECT_EQ(Drain(), "a ");
  EXPECT_EQ(tracker_.visible(), 11U);
  EXPECT_TRUE(tracker_.NeedsSync());
  tracker_.Synced(tracker_.applied(), &completions_);
  EXPECT_EQ(Drain(), "b ");
  EXPECT_FALSE(tracker_.NeedsSync());
}

TEST_F(CommitTrackerTest, UnsyncedWriteWaitsForTheSyncedOneBeforeIt) {
  tracker_.Applied(tracker_.Begin({}, 1, SyncNeed::kDue, Record("a")), &completions_);
  tracker_.Applied(tracker_.Begin({}, 1, SyncNeed::kNone, Record("b")), &completions_);
  EXPECT_EQ(Drain(), "");
  tracker_.Synced(11, &completions_);
  EXPECT_EQ(Drain(), "a b ");
}

TEST_F(CommitTrackerTest, FailureAnswersEveryWaiterAndFreezesVisibility) {
  tracker_.Applied(tracker_.Begin({}, 1, SyncNeed::kDue, Record("a")), &completions_);
  const uint64_t b = tracker_.Begin({}, 1, SyncNeed::kNone, Record("b"));
  tracker_.AwaitSync(Record("sync"), &completions_);
  tracker_.Fail(Status::Unavailable("disk"), &completions_);
  EXPECT_EQ(Drain(), "a! b! sync! ");
  tracker_.Applied(b, &completions_);
  tracker_.Synced(12, &completions_);
  EXPECT_EQ(Drain(), "");
  EXPECT_EQ(tracker_.visible(), 10U);
  EXPECT_EQ(tracker_.applied(), 11U);
  EXPECT_EQ(horizon_.applied(), 10U);  // nobody is shown what is never acknowledged
}

TEST_F(CommitTrackerTest, DeferredWriteWaitsForASyncButMakesNoneDue) {
  tracker_.Applied(tracker_.Begin({}, 1, SyncNeed::kDeferred, Record("a")), &completions_);
  EXPECT_FALSE(tracker_.NeedsSync());
  EXPECT_EQ(tracker_.visible(), 10U);
  tracker_.AwaitSync(Record("sync"), &completions_);
  EXPECT_TRUE(tracker_.NeedsSync());
  tracker_.Synced(tracker_.applied(), &completions_);
  EXPECT_EQ(Drain(), "a sync ");
  EXPECT_EQ(tracker_.visible(), 11U);
}

TEST_F(CommitTrackerTest, AwaitSyncCoversWhatBeganBeforeIt) {
  const uint64_t a = tracker_.Begin({}, 1, SyncNeed::kNone, Record("a"));
  tracker_.AwaitSync(Record("sync"), &completions_);
  EXPECT_FALSE(tracker_.NeedsSync());
  tracker_.Applied(a, &completions_);
  EXPECT_EQ(Drain(), "a ");
  EXPECT_TRUE(tracker_.NeedsSync());
  tracker_.Synced(11, &completions_);
  EXPECT_EQ(Drain(), "sync ");
}

TEST_F(CommitTrackerTest, WhoAwaitsASyncDoesNotHoldUpUnsyncedWrites) {
  tracker_.Applied(tracker_.Begin({}, 1, SyncNeed::kNone, Record("a")), &completions_);
  tracker_.AwaitSync(Record("sync"), &completions_);
  tracker_.Applied(tracker_.Begin({}, 1, SyncNeed::kNone, Record("b")), &completions_);
  EXPECT_EQ(Drain(), "a b ");
  EXPECT_EQ(tracker_.visible(), 12U);
  EXPECT_TRUE(tracker_.NeedsSync());
  tracker_.Synced(11, &completions_);
  EXPECT_EQ(Drain(), "sync ");
  EXPECT_FALSE(tracker_.NeedsSync());
}

}  // namespace
}  // namespace nokv::engine
