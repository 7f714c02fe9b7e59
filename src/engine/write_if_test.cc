// Conditional writes: what counts as a change, wherever it is by now, and at which moment.
#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "engine/engine_test_util.h"

namespace nokv::engine {
namespace {

class WriteIfTest : public testing::Test {
 protected:
  WriteIfTest()
      : disk_(vfs::NewMemoryFileSystem()),
        fs_(vfs::NewFaultFileSystem(*disk_)),
        runtime_(runtime::NewSimRuntime(1)) {}
  void SetUp() override {
    auto engine = Engine::Open(SmallOptions(), "/db", {*fs_, *runtime_, base::NullLogger()});
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
  }
  void TearDown() override {
    since_.reset();
    if (engine_ == nullptr) return;
    Observe(nullptr);
    engine_->CloseAsync([](const Status&) {});
    runtime_->RunReady();
  }

  static std::string Key(std::string_view key) {
    return keys::EncodeEngineKey(keys::Keyspace::kData, key);
  }
  static std::string Prefix(std::string_view key) {
    return keys::EncodePrefix(keys::Keyspace::kData, key);
  }
  void Observe(std::function<void(const vfs::Operation&)> observer) {
    fs_->SetObserver([observer = std::move(observer)](const vfs::Operation& operation) {
      if (observer) observer(operation);
      return vfs::Fault{};
    });
  }
  void Put(std::string_view key, std::string_view value, uint64_t expiry_ms = 0) {
    Batch batch;
    batch.Put(Key(key), value, {expiry_ms, 0, std::nullopt});
    engine_->WriteAsync(batch, false, {});
  }
  void Delete(std::string_view key) {
    Batch batch;
    batch.Delete(Key(key));
    engine_->WriteAsync(batch, false, {});
  }
  void DeleteRange(std::string_view begin, std::string_view end) {
    Batch batch;
    batch.DeleteRange(Prefix(begin), Prefix(end));
    engine_->WriteAsync(batch, false, {});
  }
  void Flush() {
    Status flushed = Status::Internal("not flushed");
    engine_->FlushAsync([&](Status status) { flushed = std::move(status); });
    runtime_->RunReady();
    ASSERT_TRUE(flushed.ok()) << flushed;
  }
  void Compact() {
    Status compacted = Status::Internal("not compacted");
    engine_->CompactRangeAsync("", "", [&](Status status) { compacted = std::move(status); });
    runtime_->RunReady();
    ASSERT_TRUE(compacted.ok()) << compacted;
  }
  std::string Get(std::string_view key) {
    FoundValue found;
    const auto exists = engine_->Get({nullptr, true}, Key(key), &found);
    if (!exists.ok()) return exists.status().ToString();
    return *exists ? std::string(found.value) : "(none)";
  }

  void Begin() { since_ = engine_->NewSnapshot(/*include_unsynced=*/true); }
  ReadSet Point(std::string_view key) const { return {since_.get(), {Key(key)}, {}, false}; }
  ReadSet Range(std::string_view begin, std::string_view end) const {
    return {since_.get(), {}, {{Prefix(begin), Prefix(end), false}}, false};
  }
  // Writes mark = "1" if `reads` is unchanged: "ok", "conflict", or what else came of it.
  std::string Try(ReadSet reads, WriteMode mode = WriteMode::kUnsynced) {
    Batch batch;
    batch.Put(Key("mark"), "1");
    // Shared: a write that is wrongly admitted may be answered when this has returned.
    const auto outcome = std::make_shared<Status>(Status::Internal("no outcome"));
    engine_->WriteIf(batch, std::move(reads), mode,
                     [outcome](Status status) { *outcome = std::move(status); });
    const bool written = Get("mark") == "1";
    EXPECT_EQ(written, outcome->ok()) << *outcome;
    if (outcome->ok()) return "ok";
    return outcome->code() == StatusCode::kAborted ? "conflict" : outcome->ToString();
  }

  std::unique_ptr<vfs::MemoryFileSystem> disk_;
  std::unique_ptr<vfs::FaultFileSystem> fs_;
  std::unique_ptr<runtime::SimRuntime> runtime_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<EngineSnapshot> since_;
};

TEST_F(WriteIfTest, WritesIfNothingThatWasReadHasChanged) {
  Put("a", "1");
  Put("c", "1");
  Begin();
  Put("b", "2");
  Put("d", "2");
  DeleteRange("d", "e");
  ReadSet reads = Point("a");
  reads.points.push_back(Key("c"));
  reads.points.push_back(Key("e"));
  reads.ranges = {{Prefix("a"), Prefix("b"), false}, {Prefix("b0"), Prefix("d"), false}};
  EXPECT_EQ(Try(std::move(reads)), "ok");
}

TEST_F(WriteIfTest, AConflictNamesTheKeyAndCanBeTriedAgain) {
  Begin();
  Put("user\xff", "2");
  Status outcome;
  Batch batch;
  batch.Put(Key("mark"), "1");
  const WriteTicket ticket = engine_->WriteIf(batch, Point("user\xff"), WriteMode::kUnsynced,
                                              [&](Status status) { outcome = std::move(status); });
  EXPECT_FALSE(ticket.applied);
  EXPECT_EQ(outcome.code(), StatusCode::kAborted);
  EXPECT_TRUE(outcome.retryable());
  EXPECT_EQ(outcome.message(),
            "conflict: key \"user\\xff\" was written after the transaction began");
  EXPECT_EQ(outcome.error_number(), 1403);
  EXPECT_EQ(Get("mark"), "(none)");
}

TEST_F(WriteIfTest, AVeryLongKeyIsNamedInPart) {
  const std::string key(100000, 'k');
  Begin();
  Put(key, "2");
  Status outcome;
  engine_->WriteIf(Batch(), Point(key), WriteMode::kUnsynced,
                   [&](Status status) { outcome = std::move(status); });
  EXPECT_EQ(outcome.message(), "conflict: key \"" + std::string(80, 'k') +
                                   "\"... was written after the transaction began");
}

TEST_F(WriteIfTest, EveryWriteIsAChangeWhateverItSays) {
  Put("a", "1");
  Begin();
  Put("a", "1");
  EXPECT_EQ(Try(Point("a")), "conflict") << "the same value";
  Begin();
  Delete("missing");
  EXPECT_EQ(Try(Point("missing")), "conflict") << "a deletion of nothing";
  Begin();
  Put("new", "1");
  EXPECT_EQ(Try(Point("new")), "conflict") << "a key that was not there";
  Begin();
  Delete("a");
  EXPECT_EQ(Try(Point("a")), "conflict") << "a deletion";
}

TEST_F(WriteIfTest, ARangeTombstoneChangesEveryKeyInItsRange) {
  Put("b", "1");
  Begin();
  DeleteRange("b", "d");
  EXPECT_EQ(Try(Point("b")), "conflict");
  EXPECT_EQ(Try(Point("c")), "conflict");
  EXPECT_EQ(Try(Range("a", "b0")), "conflict");
  EXPECT_EQ(Try(Range("c", "z")), "conflict");
  EXPECT_EQ(Try(Range("a", "b")), "ok");
  Begin();
  DeleteRange("b", "d");
  Delete("mark");
  EXPECT_EQ(Try(Point("d")), "ok");
}

TEST_F(WriteIfTest, RangesAreHalfOpen) {
  Begin();
  Put("b", "1");
  Put("d", "1");
  EXPECT_EQ(Try(Range("b", "b0")), "conflict");
  EXPECT_EQ(Try(Range("a", "c")), "conflict");
  EXPECT_EQ(Try(Range("c", "d")), "ok");
}

TEST_F(WriteIfTest, OverlappingRangesAreOne) {
  Begin();
  Put("m", "1");
  ReadSet reads = Range("a", "z");
  reads.ranges.push_back({Prefix("b"), Prefix("c"), false});
  reads.ranges.push_back({Prefix("x"), Prefix("x"), false});
  EXPECT_EQ(Try(std::move(reads)), "conflict");
}

TEST_F(WriteIfTest, ChangesAreFoundInTables) {
  Put("a", "1");
  Put("b", "1");
  Put("c", "1");
  Begin();
  Put("a", "2");
  Delete("b");
  DeleteRange("x", "y");
  for (const bool compacted : {false, true}) {
    if (compacted) {
      Compact();
    } else {
      Flush();
    }
    EXPECT_EQ(Try(Point("a")), "conflict");
    EXPECT_EQ(Try(Point("b")), "conflict") << "the tombstone is kept for whoever reads before it";
    EXPECT_EQ(Try(Point("x0")), "conflict");
    EXPECT_EQ(Try(Range("a0", "bz")), "conflict");
    EXPECT_EQ(Try(Range("w", "xz")), "conflict");
  }
  EXPECT_EQ(Try(Point("c")), "ok");
  Delete("mark");
  EXPECT_EQ(Try(Range("n", "w")), "ok");
}

TEST_F(WriteIfTest, AKeyThatExpiresIsNotChanged) {
  const uint64_t soon = runtime_->clock().WallMillis() + 10;
  Put("a", "1", soon);
  Flush();
  Begin();
  runtime_->Advance(20000);
  ASSERT_EQ(Get("a"), "(none)");
  Compact();
  EXPECT_EQ(Try(Point("a")), "ok");
}

TEST_F(WriteIfTest, AWriteThatHasExpiredSinceIsAChange) {
  Put("a", "1");
  Begin();
  Put("a", "2", runtime_->clock().WallMillis() + 10);
  runtime_->Advance(20000);
  Compact();
  ASSERT_EQ(Get("a"), "(none)");
  EXPECT_EQ(Try(Point("a")), "conflict");
}

TEST_F(WriteIfTest, SeesWhatIsAdmittedButNotApplied) {
  Begin();
  std::string point, range, other;
  bool first = true;
  Observe([&](const vfs::Operation& operation) {
    if (operation.op != vfs::Op::kWritten || !std::exchange(first, false)) return;
    point = Try(Point("a"));
    range = Try(Range("a", "b"));
  });
  Put("a", "1");
  EXPECT_EQ(point, "conflict");
  EXPECT_EQ(range, "conflict");
}

TEST_F(WriteIfTest, SeesWhatIsAdmittedWhileItSearches) {
  Put("a", "1");
  Begin();
  Put("b", "1");  // so that the table is searched
  Flush();
  bool first = true;
  Observe([&](const vfs::Operation& operation) {
    if (operation.op == vfs::Op::kRead && std::exchange(first, false)) Put("a", "2");
  });
  EXPECT_EQ(Try(Point("a")), "conflict");
  EXPECT_FALSE(first) << "the search read the table";
}

class StalledWriteIfTest : public WriteIfTest {
 protected:
  // Fills memory until writes wait; the last one that waits writes `key`.
  void Stall(std::string_view key) {
    const std::string value(8 << 10, 'v');
    while (engine_->GetStats().write.queue_depth == 0) Put("fill", value);
    Put(key, "2");
  }
  void TryLater(const ReadSet& reads, Status* outcome) {
    Batch batch;
    batch.Put(Key("mark"), "1");
    engine_->WriteIf(batch, reads, WriteMode::kUnsynced,
                     [outcome](Status status) { *outcome = std::move(status); });
  }
};

TEST_F(StalledWriteIfTest, IsJudgedWhenItGetsItsPlace) {
  Begin();
  Status in_front, behind;
  Stall("a");
  TryLater(Point("a"), &in_front);
  TryLater(Point("b"), &behind);
  Put("b", "3");
  EXPECT_EQ(engine_->GetStats().write.queue_depth, 5);
  EXPECT_EQ(Get("a"), "(none)");
  runtime_->RunReady();
  EXPECT_EQ(in_front.code(), StatusCode::kAborted) << in_front;
  EXPECT_TRUE(behind.ok()) << behind;
  EXPECT_EQ(Get("mark"), "1");
  EXPECT_EQ(Get("b"), "3");
}

TEST_F(StalledWriteIfTest, TwoThatWaitForEachOthersKeysAreNotBothWritten) {
  Begin();
  Stall("x");
  Status first, second;
  TryLater(Point("mark"), &first);
  TryLater(Point("mark"), &second);
  runtime_->RunReady();
  EXPECT_TRUE(first.ok()) << first;
  EXPECT_EQ(second.code(), StatusCode::kAborted) << second;
}

TEST_F(StalledWriteIfTest, AnEmptyBatchDoesNotWaitForRoom) {
  Begin();
  Stall("x");
  Status outcome = Status::Internal("no outcome");
  engine_->WriteIf(Batch(), Point("a"), WriteMode::kUnsynced,
                   [&](Status status) { outcome = std::move(status); });
  EXPECT_TRUE(outcome.ok()) << outcome;
}

TEST_F(StalledWriteIfTest, SoManyAtOnceAreRefused) {
  Begin();
  Stall("x");
  std::vector<Status> outcomes(1025);
  for (Status& outcome : outcomes) TryLater(Point("a"), &outcome);
  EXPECT_EQ(outcomes.back().code(), StatusCode::kResourceExhausted) << outcomes.back();
  runtime_->RunReady();
  outcomes.pop_back();
  for (const Status& outcome : outcomes) ASSERT_TRUE(outcome.ok()) << outcome;
  TryLater(Point("a"), &outcomes[0]);
  EXPECT_TRUE(outcomes[0].ok()) << outcomes[0];
}

TEST_F(StalledWriteIfTest, CloseAnswersThoseThatWait) {
  Begin();
  Stall("x");
  Status outcome;
  TryLater(Point("a"), &outcome);
  since_.reset();
  engine_->CloseAsync([](const Status&) {});
  EXPECT_EQ(outcome.error_number(), 1402) << outcome;
  runtime_->RunReady();
  engine_.reset();
}

TEST_F(WriteIfTest, AConflictCanWaitUntilItsCauseIsVisible) {
  Begin();
  Batch cause;
  cause.Put(Key("a"), "2");
  engine_->WriteAsync(cause, /*sync=*/true, {});
  ReadSet reads = Point("a");
  EXPECT_EQ(Try(reads), "conflict");
  reads.answer_when_visible = true;
  Status outcome;
  engine_->WriteIf(cause, std::move(reads), WriteMode::kUnsynced, [&](Status status) {
    outcome = std::move(status);
    FoundValue found;
    EXPECT_TRUE(*engine_->Get({}, Key("a"), &found));
  });
  EXPECT_TRUE(outcome.ok()) << "not answered before the sync";
  runtime_->RunReady();
  EXPECT_EQ(outcome.code(), StatusCode::kAborted);
}

TEST_F(WriteIfTest, ModesAcknowledgeAsTheirUnconditionalForms) {
  Begin();
  for (const auto mode : {WriteMode::kSynced, WriteMode::kDeferred, WriteMode::kLeading}) {
    Batch batch;
    batch.Put(Key("k"), "1");
    int acknowledged = 0;
    EXPECT_TRUE(
        engine_->WriteIf(batch, Point("a"), mode, [&](const Status&) { acknowledged++; }).applied);
    EXPECT_EQ(acknowledged, mode == WriteMode::kLeading ? 1 : 0);
    runtime_->RunReady();
    EXPECT_EQ(acknowledged, mode == WriteMode::kDeferred ? 0 : 1);
    if (mode == WriteMode::kDeferred) engine_->SyncAsync({});
    runtime_->RunReady();
    EXPECT_EQ(acknowledged, 1);
  }
}

TEST_F(WriteIfTest, ASnapshotOfUnsyncedWritesIsAtWhatIsApplied) {
  Batch batch;
  batch.Put(Key("a"), "1");
  engine_->WriteAsync(batch, /*sync=*/true, {});
  const auto visible = engine_->NewSnapshot();
  Begin();
  EXPECT_EQ(since_->sequence(), visible->sequence() + 1);
  Status since_applied, since_visible;
  engine_->WriteIf(Batch(), Point("a"), WriteMode::kUnsynced,
                   [&](Status status) { since_applied = std::move(status); });
  EXPECT_TRUE(since_applied.ok()) << since_applied;
  engine_->WriteIf(Batch(), {visible.get(), {Key("a")}, {}, false}, WriteMode::kUnsynced,
                   [&](Status status) { since_visible = std::move(status); });
  EXPECT_EQ(since_visible.code(), StatusCode::kAborted);
}

}  // namespace
}  // namespace nokv::engine
