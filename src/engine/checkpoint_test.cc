#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "engine/engine_test_util.h"

namespace nokv::engine {
namespace {

using ::testing::HasSubstr;

constexpr char kPath[] = "/copies/checkpoint";

class CheckpointTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.value_separation_threshold = 100;
    h_.Open(options_);
  }

  // Instead of the database that is open.
  std::unique_ptr<Engine> OpenEngine(EngineHarness& h) {
    h.db.reset();
    auto engine = Engine::Open(options_, "/db", {*h.fs, *h.runtime, base::NullLogger()});
    EXPECT_TRUE(engine.ok()) << engine.status();
    return engine.ok() ? *std::move(engine) : nullptr;
  }

  // All keys of the database in `path`.
  std::string ScanOf(vfs::FileSystem& fs, const std::string& path) {
    auto db = OpenDB(options_, path, {fs, *h_.runtime, base::NullLogger()});
    if (!db.ok()) return db.status().ToString();
    std::string text;
    const auto it = (*db)->NewIterator();
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      text += (text.empty() ? "" : " ") + std::string(it->key()) + "=" +
              std::string(it->value().substr(0, 8));
    }
    return it->status().ok() ? text : it->status().ToString();
  }

  Options options_ = SmallOptions();
  EngineHarness h_;
};

TEST_F(CheckpointTest, OpensAsTheDatabaseOfThatMoment) {
  h_.Put("table", "1");
  ASSERT_TRUE(h_.db->Flush().ok());
  h_.Put("apart", std::string(500, 'v'));
  ASSERT_TRUE(h_.db->Flush().ok());
  h_.Put("logged", "2");
  ASSERT_TRUE(h_.db->CreateCheckpoint(kPath).ok());
  h_.Put("later", "3");
  EXPECT_EQ(ScanOf(*h_.fs, kPath), "apart=vvvvvvvv logged=2 table=1");
  EXPECT_EQ(h_.Get("later"), "3");
}

TEST_F(CheckpointTest, LivesOnWithoutTheDatabase) {
  h_.Put("apart", std::string(500, 'v'));
  ASSERT_TRUE(h_.db->Flush().ok());
  h_.Put("logged", "2");
  ASSERT_TRUE(h_.db->CreateCheckpoint(kPath).ok());
  ASSERT_TRUE(h_.db->DeleteRange({}, "a", "z").ok());
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  h_.db.reset();
  for (const std::string& name : *h_.disk->List("/db")) {
    ASSERT_TRUE(h_.disk->Remove("/db/" + name).ok());
  }
  EXPECT_EQ(ScanOf(*h_.fs, kPath), "apart=vvvvvvvv logged=2");
}

TEST_F(CheckpointTest, WritesToItLeaveTheDatabaseAlone) {
  h_.Put("k", "old");
  ASSERT_TRUE(h_.db->CreateCheckpoint(kPath).ok());
  {
    auto copy = OpenDB(options_, kPath, {*h_.fs, *h_.runtime, base::NullLogger()});
    ASSERT_TRUE(copy.ok()) << copy.status();
    ASSERT_TRUE((*copy)->Put({}, "k", "new").ok());
    ASSERT_TRUE((*copy)->Flush().ok());
  }
  EXPECT_EQ(h_.Get("k"), "old");
  h_.Open(options_);
  EXPECT_EQ(h_.Get("k"), "old");
}

TEST_F(CheckpointTest, IsDurableWhenTheCallReturns) {
  h_.Put("apart", std::string(500, 'v'));
  ASSERT_TRUE(h_.db->Flush().ok());
  h_.Put("logged", "2");
  ASSERT_TRUE(h_.db->CreateCheckpoint(kPath).ok());
  h_.Crash(/*power_lost=*/true);
  EXPECT_EQ(ScanOf(*h_.fs, kPath), "apart=vvvvvvvv logged=2");
}

// Goal: a flush that ends meanwhile does not take away the log that the checkpoint needs. Method:
// both are begun, and their tasks take turns as a seed says.
TEST_F(CheckpointTest, KeepsTheLogWhileAFlushRuns) {
  for (uint64_t seed = 1; seed <= 40; seed++) {
    SCOPED_TRACE(seed);
    EngineHarness h;
    h.runtime = runtime::NewSimRuntime(seed);
    h.Open(options_);
    h.Put("logged", "2");
    const std::unique_ptr<Engine> engine = OpenEngine(h);
    Status made = Status::Internal("not answered");
    engine->CreateCheckpointAsync(kPath, [&](Status status) { made = std::move(status); });
    engine->FlushAsync([](const Status&) {});
    h.runtime->RunReady();
    EXPECT_TRUE(made.ok()) << made;
    engine->CloseAsync([](const Status&) {});
    h.runtime->RunReady();
    EXPECT_EQ(ScanOf(*h.fs, kPath), "logged=2");
    EXPECT_EQ(h.Files(".wal").front(), "00002.wal") << "afterwards the log is cleared";
  }
}

TEST_F(CheckpointTest, RefusesADirectoryWithSomethingInIt) {
  ASSERT_TRUE(h_.fs->CreateDirs("/full").ok());
  ASSERT_TRUE(h_.fs->CreateAppend("/full/file").ok());
  const Status status = h_.db->CreateCheckpoint("/full");
  EXPECT_EQ(status.code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(status.message(), HasSubstr("/full: the directory is not empty"));
  EXPECT_EQ(*h_.fs->List("/full"), std::vector<std::string>{"file"});
  EXPECT_EQ(h_.db->CreateCheckpoint("/db").code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(h_.db->CreateCheckpoint("").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(h_.db->CreateCheckpoint("/full/file").code(), StatusCode::kFailedPrecondition);
}

TEST_F(CheckpointTest, AnEmptyDirectoryWillDo) {
  ASSERT_TRUE(h_.fs->CreateDirs("/empty").ok());
  h_.Put("k", "v");
  const Status status = h_.db->CreateCheckpoint("/empty/");
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(ScanOf(*h_.fs, "/empty"), "k=v");
}

// A database with a value apart and one in the log, and a fault at the n-th operation that the
// checkpoint does in its own directories. (Those of the log end the database, which other tests are
// about.) With `copies`, no file can be linked.
struct FaultedCheckpoint {
  explicit FaultedCheckpoint(const Options& options, uint64_t nth, bool copies) {
    h.Open(options);
    h.Put("apart", std::string(500, 'v'));
    EXPECT_TRUE(h.db->Flush().ok());
    h.Put("logged", "2");
    h.fs->SetObserver([this, nth, copies, count = uint64_t{0}](const auto& operation) mutable {
      vfs::Fault fault;
      if (operation.path.find("/copies") == std::string::npos) return fault;
      if (!failed && count++ == nth) {
        failed = true;
        fault.error_number = nth % 2 == 0 ? EIO : ENOSPC;
      } else if (copies && operation.op == vfs::Op::kLink) {
        fault.error_number = EXDEV;
      }
      return fault;
    });
    status = h.db->CreateCheckpoint(kPath);
    h.StopObserving();
  }

  EngineHarness h;
  bool failed = false;
  Status status;
};

// Goal: a failed checkpoint leaves nothing, and the next one works. Method: each of its file
// operations fails once, each time in another database.
TEST_F(CheckpointTest, AFailureAtAnyOperationLeavesNothing) {
  constexpr uint64_t kMany = 200;  // than there are operations
  for (const bool copies : {false, true}) {
    uint64_t nth = 0;
    uint64_t unnoticed = 0;
    for (bool failed = true; failed && nth < kMany; nth++) {
      SCOPED_TRACE("operation " + std::to_string(nth));
      FaultedCheckpoint run(options_, nth, copies);
      failed = run.failed;
      if (run.status.ok()) {
        unnoticed += failed ? 1 : 0;
      } else {
        EXPECT_TRUE(failed) << run.status;
        EXPECT_FALSE(*run.h.fs->Exists(kPath));
        EXPECT_FALSE(*run.h.fs->Exists(std::string(kPath) + ".nokv-checkpoint"));
        EXPECT_TRUE(run.h.db->Stats().background_error.empty());
        EXPECT_TRUE(run.h.db->CreateCheckpoint(kPath).ok());
      }
      EXPECT_EQ(ScanOf(*run.h.fs, kPath), "apart=vvvvvvvv logged=2");
    }
    EXPECT_EQ(unnoticed, 1U) << "the mark behind the edit, which none needs";
    EXPECT_GT(nth, 12U);
    EXPECT_LT(nth, kMany);
  }
}

// Goal: of two at a time one is refused, and the other whole; closing waits for it.
TEST_F(CheckpointTest, OnlyOneAtATime) {
  const std::unique_ptr<Engine> engine = OpenEngine(h_);
  Status first = Status::Internal("not answered");
  Status second = first;
  Status closed = first;
  engine->CreateCheckpointAsync(kPath, [&](Status status) { first = std::move(status); });
  engine->CreateCheckpointAsync(kPath, [&](Status status) { second = std::move(status); });
  EXPECT_EQ(second.code(), StatusCode::kUnavailable) << second;
  engine->CloseAsync([&](Status status) { closed = std::move(status); });
  h_.runtime->RunReady();
  EXPECT_TRUE(first.ok()) << first;
  EXPECT_TRUE(closed.ok()) << closed;
  EXPECT_EQ(ScanOf(*h_.fs, kPath), "");
}

TEST_F(CheckpointTest, WhatACrashLeftIsClearedByTheNext) {
  ASSERT_TRUE(h_.fs->CreateDirs(std::string(kPath) + ".nokv-checkpoint").ok());
  ASSERT_TRUE(h_.fs->CreateAppend(std::string(kPath) + ".nokv-checkpoint/00001.sst").ok());
  h_.Put("k", "v");
  const Status status = h_.db->CreateCheckpoint(kPath);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(ScanOf(*h_.fs, kPath), "k=v");
}

TEST_F(CheckpointTest, IsRefusedAfterTheCloseAndReadOnly) {
  h_.Put("k", "v");
  ASSERT_TRUE(h_.db->Close().ok());
  EXPECT_EQ(h_.db->CreateCheckpoint(kPath).code(), StatusCode::kFailedPrecondition);
  Options reader = options_;
  reader.read_only = true;
  h_.Open(reader);
  EXPECT_EQ(h_.db->CreateCheckpoint(kPath).code(), StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace nokv::engine
