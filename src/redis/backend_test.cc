// What every backend promises about positions and conditional commits.
#include "redis/backend.h"

#include <gtest/gtest.h>

#include "base/log.h"
#include "engine/engine.h"
#include "keys/keys.h"
#include "redis/engine_backend.h"
#include "redis/fetched_values.h"
#include "redis/memory_backend.h"
#include "runtime/sim_runtime.h"
#include "vfs/memory_fs.h"

namespace nokv::redis {
namespace {

constexpr engine::ReadView kNow{nullptr, /*include_unsynced=*/true};

class BackendFixture : public testing::Test {
 protected:
  void Open(bool over_engine) {
    if (!over_engine) {
      backend_ = std::make_unique<MemoryBackend>(runtime_->clock());
      return;
    }
    auto engine = engine::Engine::Open({}, "/db", {*disk_, *runtime_, base::NullLogger()});
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
    backend_ = NewEngineBackend(*engine_);
  }
  void TearDown() override {
    since_.reset();
    if (engine_ == nullptr) return;
    engine_->CloseAsync([](const Status&) {});
    runtime_->RunReady();
  }

  static Write Put(std::string key) {
    Write write;
    write.key = std::move(key);
    write.value = "1";
    return write;
  }
  static Write DeleteRange(std::string begin, std::string end) {
    Write write;
    write.kind = Write::Kind::kDeleteRange;
    write.key = std::move(begin);
    write.end = std::move(end);
    return write;
  }
  void Commit(const Write& write, Survives survives = Survives::kProcessDeath) {
    ASSERT_TRUE(backend_->Commit({&write, 1}, survives, [](const Status&) {}));
  }
  std::string ValueOf(std::string_view key) {
    Record record;
    return *backend_->Get(key, &record) ? std::string(record.value) : "none";
  }
  void Begin() { since_ = backend_->CurrentPosition(); }
  bool Changed(std::vector<std::string> keys,
               std::vector<std::pair<std::string, std::string>> ranges = {}) {
    const Status status = backend_->CheckUnchanged({since_.get(), std::move(keys), ranges});
    EXPECT_TRUE(status.ok() || status.code() == StatusCode::kAborted) << status;
    return !status.ok();
  }
  bool Exists(std::string_view key) {
    Record record;
    return *backend_->Get(key, &record);
  }

  const std::unique_ptr<vfs::MemoryFileSystem> disk_ = vfs::NewMemoryFileSystem();
  const std::unique_ptr<runtime::SimRuntime> runtime_ = runtime::NewSimRuntime(1);
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Position> since_;
};

class BackendTest : public BackendFixture, public testing::WithParamInterface<bool> {
  void SetUp() override { Open(GetParam()); }
};

class EngineBackendTest : public BackendFixture {
  void SetUp() override { Open(/*over_engine=*/true); }
};

INSTANTIATE_TEST_SUITE_P(Backends, BackendTest, testing::Bool(),
                         [](const auto& backend) { return backend.param ? "Engine" : "Memory"; });

TEST_P(BackendTest, APositionTellsLaterChangesFromEarlierOnes) {
  Commit(Put("a"));
  Begin();
  EXPECT_FALSE(Changed({"a", "b"}, {{"", ""}}));
  Commit(Put("b"));
  EXPECT_TRUE(Changed({"b"}));
  EXPECT_TRUE(Changed({"a", "b"}));
  EXPECT_FALSE(Changed({"a", "c"}));
  EXPECT_TRUE(Changed({}, {{"b", "c"}}));
  EXPECT_TRUE(Changed({}, {{"aa", ""}}));
  EXPECT_FALSE(Changed({}, {{"a", "b"}, {"b0", ""}}));
}

TEST_P(BackendTest, AFlushChangesKeysThatAreThereOrNot) {
  Commit(Put("b"));
  Begin();
  Commit(DeleteRange("b", "d"));
  EXPECT_TRUE(Changed({"b"}));
  EXPECT_TRUE(Changed({"c"}));
  EXPECT_FALSE(Changed({"a", "d"}));
  EXPECT_TRUE(Changed({}, {{"a", "b0"}}));
  Begin();
  Commit(DeleteRange("x", ""));
  EXPECT_TRUE(Changed({"z"}));
}

TEST_P(BackendTest, AnUnsyncedCommitIsBeforeThePositionThatFollowsIt) {
  Commit(Put("a"), Survives::kPowerLoss);
  Begin();
  EXPECT_FALSE(Changed({"a"}));
  Commit(Put("a"), Survives::kPowerLoss);
  EXPECT_TRUE(Changed({"a"}));
}

TEST_P(BackendTest, CommitIfWritesAllOrNothing) {
  Begin();
  const std::vector<Write> writes = {Put("x"), Put("y")};
  Status outcome = Status::Internal("no outcome");
  const auto done = [&](Status status) { outcome = std::move(status); };
  EXPECT_TRUE(
      backend_->CommitIf({since_.get(), {"a", "x"}, {}}, writes, Survives::kProcessDeath, done));
  EXPECT_TRUE(outcome.ok()) << outcome;
  EXPECT_TRUE(Exists("x") && Exists("y"));
  const std::vector<Write> more = {Put("z"), DeleteRange("x", "z")};
  EXPECT_FALSE(
      backend_->CommitIf({since_.get(), {"a", "x"}, {}}, more, Survives::kPowerLoss, done));
  EXPECT_EQ(outcome.code(), StatusCode::kAborted) << "answered before the call returned";
  EXPECT_TRUE(Exists("x") && Exists("y"));
  EXPECT_FALSE(Exists("z"));
}

TEST_P(BackendTest, CommitIfCanSurvivePowerLoss) {
  Begin();
  const Write write = Put("x");
  bool acknowledged = false;
  EXPECT_TRUE(backend_->CommitIf({since_.get(), {"a"}, {}}, {&write, 1}, Survives::kPowerLoss,
                                 [&](const Status& status) { acknowledged = status.ok(); }));
  EXPECT_FALSE(acknowledged);
  backend_->Sync(/*leading=*/false, [](const Status&) {});
  runtime_->RunReady();
  EXPECT_TRUE(acknowledged);
}

TEST_P(BackendTest, ReadsSeeACommitBeforeItIsSubmitted) {
  Commit(Put("a"));
  Commit(Put("b"));
  EXPECT_TRUE(Exists("a") && Exists("b"));
  Write removal = Put("a");
  removal.kind = Write::Kind::kDelete;
  Commit(removal);
  EXPECT_FALSE(Exists("a"));
  const auto cursor = backend_->Scan("", "");
  ASSERT_TRUE(cursor->Valid());
  EXPECT_EQ(cursor->key(), "b");
  backend_->Submit();
  EXPECT_FALSE(Exists("a"));
  EXPECT_TRUE(Exists("b"));
}

TEST_P(BackendTest, AValueFetchedAheadIsNotReadAfterItWasOverwritten) {
  const std::vector<std::string> keys = {"a", "b", "c"};
  const std::string large(size_t{1} << 20, 'x');
  Write other = Put("a");
  const auto commit_if = [&](const Write& write) {
    Begin();
    backend_->CommitIf({since_.get(), {}, {}}, {&write, 1}, Survives::kProcessDeath,
                       [](const Status&) {});
  };
  for (const bool known : {false, true}) {
    if (known) Commit(Put("a"));
    backend_->PrefetchValues(keys);
    other.value = "2";
    Commit(other);
    EXPECT_EQ(ValueOf("a"), "2");
    backend_->PrefetchValues(keys);
    other.value = large;  // goes past the gathered ones
    Commit(other);
    EXPECT_EQ(ValueOf("a"), large);
    backend_->PrefetchValues(keys);
    other.value = "3";
    commit_if(other);
    EXPECT_EQ(ValueOf("a"), "3");
    backend_->PrefetchValues(keys);
    Commit(DeleteRange("a", "b"));
    EXPECT_EQ(ValueOf("a"), "none");
  }
}

TEST_P(BackendTest, ValuesFetchedAheadCanBeReadInAnyOrder) {
  for (const char* key : {"a", "b", "d"}) Commit(Put(key));
  backend_->Submit();
  backend_->PrefetchValues(std::vector<std::string>{"a", "b", "c", "d", "a"});
  EXPECT_EQ(ValueOf("b"), "1");
  EXPECT_EQ(ValueOf("a"), "1");
  EXPECT_EQ(ValueOf("a"), "1");
  EXPECT_EQ(ValueOf("c"), "none");
  EXPECT_EQ(ValueOf("d"), "1");
}

TEST_P(BackendTest, ManyGatheredKeysAreAllFoundAndTheLastWriteOfEachCounts) {
  std::vector<std::string> values;
  for (int i = 0; i < 3000; ++i) values.push_back(std::to_string(i));
  for (int i = 0; i < 3000; ++i) {
    Write write = Put("k" + std::to_string(i % 1000));
    write.value = values[i];
    Commit(write);
  }
  for (const bool submitted : {false, true}) {
    if (submitted) backend_->Submit();
    for (int i = 0; i < 1000; ++i) {
      Record record;
      ASSERT_TRUE(*backend_->Get("k" + std::to_string(i), &record));
      EXPECT_EQ(record.value, std::to_string(2000 + i));
    }
    EXPECT_FALSE(Exists("k1000"));
  }
}

TEST_P(BackendTest, ARangeThatIsDeletedCoversWhatWasGathered) {
  Commit(Put("a"));
  Commit(DeleteRange("a", "b"));
  EXPECT_FALSE(Exists("a"));
  Commit(Put("a"));
  EXPECT_TRUE(Exists("a"));
}

TEST_P(BackendTest, TellsWhenAKeyExpiresWhateverWasWrittenLast) {
  const uint64_t soon = runtime_->clock().WallMillis() + 1000;
  Write plain = Put("a");
  Write expiring = Put("a");
  expiring.expiry_ms = soon;
  Write removal = Put("a");
  removal.kind = Write::Kind::kDelete;
  // -1: it is not there.
  const auto expiry = [&] {
    uint64_t expiry_ms = 0;
    return *backend_->GetExpiry("a", &expiry_ms) ? static_cast<int64_t>(expiry_ms) : -1;
  };
  EXPECT_EQ(expiry(), -1);
  for (const bool submitted : {false, true}) {
    const auto commit = [&](const Write& write) {
      Commit(write);
      if (submitted) backend_->Submit();
    };
    commit(plain);
    EXPECT_EQ(expiry(), 0);
    commit(expiring);
    EXPECT_EQ(expiry(), static_cast<int64_t>(soon));
    commit(plain);
    EXPECT_EQ(expiry(), 0);
    commit(removal);
    EXPECT_EQ(expiry(), -1);
    commit(plain);
    commit(DeleteRange("a", "b"));
    EXPECT_EQ(expiry(), -1);
    commit(plain);
    Begin();
    ASSERT_TRUE(backend_->CommitIf({since_.get(), {}, {}}, {&removal, 1}, Survives::kProcessDeath,
                                   [](const Status&) {}));
    EXPECT_EQ(expiry(), -1);
  }
}

TEST_F(EngineBackendTest, AKeyIsNotKnownAfterItsCommitFailed) {
  const Write write = Put("a");
  backend_->Commit({&write, 1}, Survives::kProcessDeath, [](const Status&) {});
  engine_->CloseAsync([](const Status&) {});
  backend_->Submit();
  uint64_t expiry_ms = 0;
  const Result<bool> found = backend_->GetExpiry("a", &expiry_ms);
  EXPECT_FALSE(found.ok() && *found);
  runtime_->RunReady();
  engine_.reset();
}

TEST_F(EngineBackendTest, LargeValuesAreNotFetchedAheadForLong) {
  const std::string large(size_t{300} << 10, 'x');
  for (const char* key : {"a", "b"}) {
    Write write = Put(key);
    write.value = large;
    Commit(write);
  }
  FetchedValues fetched;
  const std::vector<std::string> keys = {keys::EncodeEngineKey(keys::Keyspace::kData, "a"),
                                         keys::EncodeEngineKey(keys::Keyspace::kData, "b")};
  std::optional<engine::FoundValue> found;
  fetched.Fetch(*engine_, kNow, keys);
  EXPECT_TRUE(fetched.Take(keys[1], &found));
  EXPECT_EQ(found->value, large);
  EXPECT_FALSE(fetched.Take(keys[0], &found)) << "it was skipped";
  fetched.Fetch(*engine_, kNow, keys);
  EXPECT_FALSE(fetched.Take(keys[0], &found)) << "the next calls do nothing";
  int calls = 1;
  while (!fetched.Take(keys[0], &found)) {
    ASSERT_LT(calls++, 100);
    fetched.Fetch(*engine_, kNow, keys);
  }
  EXPECT_GT(calls, 10);
}

TEST_F(EngineBackendTest, CommitsOfARoundAreOneBatch) {
  const int64_t before = engine_->GetStats().write.batches_total;
  int acknowledged = 0;
  for (const char* key : {"a", "b", "c"}) {
    const Write write = Put(key);
    EXPECT_TRUE(backend_->Commit({&write, 1}, Survives::kProcessDeath,
                                 [&](const Status& status) { acknowledged += status.ok(); }));
  }
  EXPECT_EQ(acknowledged, 0);
  backend_->Submit();
  EXPECT_EQ(acknowledged, 3);
  EXPECT_EQ(engine_->GetStats().write.batches_total, before + 1);
}

TEST_F(EngineBackendTest, AGatheredCommitThatSurvivesPowerLossWaitsForTheSync) {
  bool acknowledged = false;
  const Write write = Put("a");
  backend_->Commit({&write, 1}, Survives::kPowerLoss,
                   [&](const Status& status) { acknowledged = status.ok(); });
  backend_->Submit();
  runtime_->RunReady();
  EXPECT_FALSE(acknowledged);
  backend_->Sync(/*leading=*/false, [](const Status&) {});
  runtime_->RunReady();
  EXPECT_TRUE(acknowledged);
}

TEST_F(EngineBackendTest, EveryGatheredCommitHearsThatTheStoreTakesNoMore) {
  int refused = 0;
  for (const char* key : {"a", "b"}) {
    const Write write = Put(key);
    EXPECT_TRUE(backend_->Commit({&write, 1}, Survives::kProcessDeath,
                                 [&](const Status& status) { refused += !status.ok(); }));
  }
  engine_->CloseAsync([](const Status&) {});
  backend_->Submit();
  EXPECT_EQ(refused, 2);
  runtime_->RunReady();
  engine_.reset();
}

TEST(MemoryBackendTest, ACommitThatWaitsForRoomIsJudgedWhenItIsApplied) {
  const auto runtime = runtime::NewSimRuntime(1);
  MemoryBackend backend(runtime->clock());
  const auto since = backend.CurrentPosition();
  backend.set_no_room(true);
  Write write;
  write.key = "a";
  Status first, second;
  const ReadSet reads{since.get(), {"a"}, {}};
  backend.CommitIf(reads, {&write, 1}, Survives::kProcessDeath,
                   [&](Status status) { first = std::move(status); });
  backend.CommitIf(reads, {&write, 1}, Survives::kProcessDeath,
                   [&](Status status) { second = std::move(status); });
  backend.Acknowledge(Status::Ok());
  EXPECT_TRUE(first.ok()) << first;
  EXPECT_EQ(second.code(), StatusCode::kAborted);
}

}  // namespace
}  // namespace nokv::redis
