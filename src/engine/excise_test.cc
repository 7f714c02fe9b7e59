// Ingests that excise: what becomes of the tables that lay there, and of who reads meanwhile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/engine_impl.h"
#include "engine/engine_test_util.h"
#include "engine/plain_keys.h"

namespace nokv::engine {
namespace {

using ::testing::AnyOf;
using ::testing::SizeIs;

// Every ingest here puts x = "new" and excises from "b" to before "y".
class ExciseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Open(SmallOptions());
    WriteNew(*disk_);
  }
  void TearDown() override { Close(); }

  void Open(const Options& options) {
    auto opened = Engine::Open(options, "/db", {*fs_, *runtime_, base::NullLogger()});
    ASSERT_TRUE(opened.ok()) << opened.status();
    engine_ = *std::move(opened);
  }
  void Close() {
    engine_->CloseAsync([](const Status&) {});
    runtime_->RunReady();
    engine_.reset();
  }

  static void WriteNew(vfs::FileSystem& fs) {
    auto writer = CreateSstWriter({}, "/new", fs);
    ASSERT_TRUE(writer.ok() && (*writer)->Put("x", "new").ok() && (*writer)->Finish().ok());
  }
  void Put(const std::string& key, const std::string& value) {
    Batch batch;
    batch.Put(PlainEngineKey(key), value);
    engine_->WriteAsync(batch, false, {});
  }
  void Flush() {
    Await([&](Completion done) { engine_->FlushAsync(std::move(done)); });
  }
  void Compact() {
    Await([&](Completion done) { engine_->CompactRangeAsync("", "", std::move(done)); });
  }
  // One table at the bottom.
  void PutDeep(const std::vector<std::string>& keys) {
    for (const std::string& key : keys) Put(key, "old");
    Compact();
  }
  void BeginIngest(Completion done) {
    IngestRequest request;
    request.files = {"/new"};
    request.excised = {{PlainPrefix("b"), PlainPrefix("y"), false}};
    engine_->IngestAsync(std::move(request), std::move(done));
  }
  void Ingest() {
    Await([&](Completion done) { BeginIngest(std::move(done)); });
  }
  // `look` is called before each task of an ingest, and before each operation on the disk.
  template <typename Look>
  void IngestLooking(const Look& look) {
    bool done = false;
    BeginIngest([&](const Status& status) {
      EXPECT_TRUE(status.ok()) << status;
      done = true;
    });
    bool looking = false;  // which may read from the disk itself
    const auto look_once = [&] {
      if (std::exchange(looking, true)) return;
      look();
      looking = false;
    };
    fs_->SetObserver([&](const vfs::Operation&) {
      look_once();
      return vfs::Fault{};
    });
    for (look_once(); runtime_->RunOne(); look_once()) continue;
    fs_->SetObserver([](const vfs::Operation&) { return vfs::Fault{}; });
    EXPECT_TRUE(done);
  }
  template <typename Call>
  void Await(Call call) {
    std::optional<Status> outcome;
    call([&outcome](Status status) { outcome = std::move(status); });
    runtime_->RunReady();
    // What is slow waits for timers.
    while (!outcome.has_value()) ASSERT_TRUE(runtime_->RunOne());
    ASSERT_TRUE(outcome->ok()) << *outcome;
  }

  std::string Scan(const EngineSnapshot* snapshot = nullptr) {
    CursorOptions options;
    options.view.snapshot = snapshot;
    const auto cursor = engine_->NewCursor(options);
    std::string text;
    for (cursor->SeekToFirst(); cursor->Valid(); cursor->Next()) {
      const std::string_view key = keys::PrefixOf(cursor->engine_key()).substr(1);
      text += (text.empty() ? "" : " ") + std::string(key) + "=" + std::string(cursor->value());
    }
    return text + cursor->status().ToString().substr(cursor->status().ok() ? 2 : 0);
  }
  std::string Levels() {
    std::string text;
    for (const auto& level : engine_->GetManifest().levels) {
      text += "L" + std::to_string(level.level) + ":" + std::to_string(level.file_count) + " ";
    }
    return text;
  }
  std::vector<std::string> Tables() {
    std::vector<std::string> names = *disk_->List("/db");
    std::erase_if(names, [](const std::string& name) { return !name.ends_with(".sst"); });
    return names;
  }
  EngineImpl& impl() { return static_cast<EngineImpl&>(*engine_); }

  const std::unique_ptr<vfs::MemoryFileSystem> disk_ = vfs::NewMemoryFileSystem();
  const std::unique_ptr<vfs::FaultFileSystem> fs_ = vfs::NewFaultFileSystem(*disk_);
  const std::unique_ptr<runtime::SimRuntime> runtime_ = runtime::NewSimRuntime(1);
  std::unique_ptr<Engine> engine_;
};

TEST_F(ExciseTest, TablesWhollyInTheRangeGoAndWhatReplacesThemLandsDeep) {
  PutDeep({"b", "c", "x"});
  Put("d", "old");
  Put("x", "old");
  Flush();
  EXPECT_EQ(Levels(), "L0:1 L6:1 ");
  Ingest();
  EXPECT_EQ(Scan(), "x=new");
  EXPECT_EQ(Levels(), "L6:1 ");
  EXPECT_THAT(Tables(), SizeIs(1));
  const auto killed = disk_->KillClone();
  const auto again = Engine::Open(SmallOptions(), "/db", {*killed, *runtime_, base::NullLogger()});
  ASSERT_TRUE(again.ok()) << again.status();
  FoundValue found;
  EXPECT_FALSE(*(*again)->Get({}, PlainEngineKey("c"), &found));
  EXPECT_TRUE(*(*again)->Get({}, PlainEngineKey("x"), &found));
  (*again)->CloseAsync([](const Status&) {});
  runtime_->RunReady();
}

TEST_F(ExciseTest, ATableThatReachesOutOfTheRangeIsHiddenThere) {
  PutDeep({"a", "c", "x"});
  Ingest();
  EXPECT_EQ(Scan(), "a=old x=new");
  EXPECT_EQ(Levels(), "L0:2 L6:1 ") << "what is excised lies above what it hides";
  Compact();
  EXPECT_EQ(Scan(), "a=old x=new");
  PutDeep({"a", "z"});
  Ingest();
  EXPECT_EQ(Scan(), "a=old x=new z=old");
}

TEST_F(ExciseTest, ATableThatBeginsOrEndsWithTheRangeIsInIt) {
  PutDeep({"b", "x~"});
  Ingest();
  EXPECT_EQ(Levels(), "L6:1 ");
  PutDeep({"b", "y"});
  Ingest();
  EXPECT_EQ(Scan(), "x=new y=old") << "the end is not in it";
}

TEST_F(ExciseTest, ASnapshotKeepsWhatItSees) {
  PutDeep({"c", "x"});
  auto snapshot = engine_->NewSnapshot();
  Ingest();
  EXPECT_EQ(Scan(), "x=new");
  EXPECT_EQ(Scan(snapshot.get()), "c=old x=old");
  Compact();
  EXPECT_EQ(Scan(snapshot.get()), "c=old x=old");
  snapshot.reset();
  Ingest();
  EXPECT_EQ(Levels(), "L6:1 ") << "then they go";
}

TEST_F(ExciseTest, ASnapshotTakenOnTheWayStaysAsItWasTaken) {
  PutDeep({"c", "x"});
  std::vector<std::pair<std::unique_ptr<EngineSnapshot>, std::string>> taken;
  std::string last;
  IngestLooking([&] {
    const std::string now = Scan();
    EXPECT_THAT(now, AnyOf("c=old x=old", "x=new"));
    EXPECT_TRUE(last != "x=new" || now == last) << "it came and went";
    last = now;
    // A few at a time: one that is there before keeps the tables.
    for (auto& [snapshot, scan] : taken) EXPECT_EQ(Scan(snapshot.get()), scan);
    taken.clear();
    taken.emplace_back(engine_->NewSnapshot(), now);
    EXPECT_EQ(Scan(taken.back().first.get()), now);
  });
  EXPECT_EQ(last, "x=new");
}

// Goal: so too for one snapshot that is taken at any point and lives on, with nobody else around.
TEST_F(ExciseTest, ASnapshotTakenAtAnyPointLivesOn) {
  size_t points = 1;
  for (size_t point = 0; point < points; point++) {
    SCOPED_TRACE(point);
    Compact();
    PutDeep({"c", "x"});
    size_t at = 0;
    std::unique_ptr<EngineSnapshot> snapshot;
    std::string scan;
    IngestLooking([&] {
      EXPECT_THAT(Scan(), AnyOf("c=old x=old", "x=new"));
      if (at++ == point) {
        scan = Scan();
        snapshot = engine_->NewSnapshot();
      }
      if (snapshot != nullptr) {
        EXPECT_EQ(Scan(snapshot.get()), scan);
      }
    });
    points = at;
    Put("c", "newer");
    Compact();
    EXPECT_EQ(Scan(snapshot.get()), scan);
    EXPECT_EQ(Scan(), "c=newer x=new");
  }
  EXPECT_GT(points, 5U);
}

TEST_F(ExciseTest, ATransactionThatReadWhatIsDroppedIsRefusedWheneverItBegan) {
  size_t points = 1, refused = 0;
  for (size_t point = 0; point < points; point++) {
    SCOPED_TRACE(point);
    PutDeep({"c", "x"});
    size_t at = 0;
    std::unique_ptr<EngineSnapshot> since;
    bool saw = false;
    IngestLooking([&] {
      if (at++ != point) return;
      since = engine_->NewSnapshot();
      FoundValue found;
      saw = *engine_->Get({since.get()}, PlainEngineKey("c"), &found);
    });
    points = at;
    Batch batch;
    batch.Put(PlainEngineKey("d"), "written");
    Status outcome;
    engine_->WriteIf(batch, {since.get(), {PlainEngineKey("c")}, {}, false}, WriteMode::kUnsynced,
                     [&](Status status) { outcome = std::move(status); });
    runtime_->RunReady();
    EXPECT_EQ(outcome.code(), saw ? StatusCode::kAborted : StatusCode::kOk) << outcome;
    refused += saw ? 1 : 0;
  }
  EXPECT_GT(refused, 3U);
  EXPECT_LT(refused, points);
}

// A reader takes its state, and much later, when the ingest is done and more is written, looks how
// far it may see: as far as its state has all.
TEST_F(ExciseTest, AReaderThatHoldsAStateSeesNoFurtherThanIsInIt) {
  PutDeep({"c", "x"});
  std::vector<std::unique_ptr<CurrentReadState::Lease>> leases;
  IngestLooking([&] {
    leases.push_back(std::make_unique<CurrentReadState::Lease>(impl().StateOf({}).shared()));
  });
  Put("w", "after");
  FoundValue found;
  ASSERT_TRUE(*engine_->Get({}, PlainEngineKey("x"), &found));
  const keys::SequenceNumber ingested = found.sequence;
  ASSERT_TRUE(*engine_->Get({}, PlainEngineKey("w"), &found));
  const keys::SequenceNumber written = found.sequence;
  const std::string x = PlainEngineKey("x");
  size_t without = 0;
  for (const auto& lease : leases) {
    const keys::SequenceNumber sequence = impl().SequenceOf({}, **lease);
    lsm::LookupResult result;
    ASSERT_TRUE((*lease)->version->Get(x, keys::kMaxSequence, &result).ok());
    const bool has = result.trailer >> 8 == ingested;
    EXPECT_TRUE(has ? sequence >= written : sequence < ingested) << sequence;
    without += has ? 0 : 1;
  }
  EXPECT_GT(without, 3U);
  EXPECT_LT(without, leases.size());
}

// Goal: a compaction that has begun over the tables neither brings them back nor fails for want of
// them. Method: it is slow, and waits for its turn in the middle when the ingest comes.
TEST_F(ExciseTest, ACompactionThatHasBegunKeepsItsTables) {
  Close();
  Options options = SmallOptions();
  options.memtable_bytes = size_t{16} << 20;
  options.immutable_memtable_bytes = size_t{64} << 20;
  options.compaction_bytes_per_second = 1000;
  Open(options);
  for (int round = 0; round < 2; round++) {
    for (char key = 'c'; key < 'x'; key++) {
      Put(std::string(1, key), std::string(200'000, static_cast<char>('0' + round)));
    }
    Flush();
  }
  bool compacted = false;
  engine_->CompactRangeAsync("", "", [&](const Status& status) {
    EXPECT_TRUE(status.ok()) << status;
    compacted = true;
  });
  runtime_->RunReady();
  ASSERT_FALSE(compacted) << "it was to wait";
  Ingest();
  EXPECT_FALSE(compacted);
  EXPECT_EQ(Scan(), "x=new");
  while (!compacted) ASSERT_TRUE(runtime_->RunOne());
  EXPECT_TRUE(engine_->background_error().ok()) << engine_->background_error();
  EXPECT_EQ(Scan(), "x=new");
  Compact();
  EXPECT_EQ(Scan(), "x=new");
  EXPECT_EQ(Levels(), "L6:1 ");
}

}  // namespace
}  // namespace nokv::engine
