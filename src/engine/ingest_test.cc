#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include "engine/engine_test_util.h"
#include "engine/plain_keys.h"
#include "lsm/sst/string_file.h"
#include "lsm/sst/table_builder.h"

namespace nokv::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Entries = std::map<std::string, std::string>;
using Transfer = IngestOptions::Transfer;

class IngestTest : public ::testing::Test {
 protected:
  void SetUp() override { h_.Open(options_); }

  // A table with these entries; those with the value "-" are deletions.
  static std::string WriteTable(EngineHarness& h, const std::string& path, const Entries& entries) {
    auto writer = CreateSstWriter({}, path, *h.disk);
    EXPECT_TRUE(writer.ok()) << writer.status();
    for (const auto& [key, value] : entries) {
      const Status added = value == "-" ? (*writer)->Delete(key) : (*writer)->Put(key, value);
      EXPECT_TRUE(added.ok()) << added;
    }
    const auto table = (*writer)->Finish();
    EXPECT_TRUE(table.ok()) << table.status();
    return path;
  }
  std::string WriteTable(const std::string& path, const Entries& entries) {
    return WriteTable(h_, path, entries);
  }
  void Ingest(const std::vector<std::string>& files, const IngestOptions& options = {}) {
    const Status status = h_.db->Ingest(files, options);
    ASSERT_TRUE(status.ok()) << status;
  }
  static IngestOptions Excising(const std::string& begin, const std::string& end) {
    IngestOptions options;
    options.excise = {begin, end};
    return options;
  }
  // "L0:2 L6:1": how many tables each level has.
  std::string Levels() {
    std::string text;
    for (const auto& level : h_.db->Manifest().levels) {
      text += (text.empty() ? "L" : " L") + std::to_string(level.level) + ":" +
              std::to_string(level.file_count);
    }
    return text;
  }

  Options options_ = SmallOptions();
  EngineHarness h_;
};

TEST_F(IngestTest, KeysAreThereAndStay) {
  Ingest({WriteTable("/1", {{"a", "1"}, {"c", "3"}}), WriteTable("/2", {{"d", "4"}})});
  EXPECT_EQ(h_.Scan(), "a=1 c=3 d=4");
  EXPECT_EQ(h_.Scan({}, /*forward=*/false), "d=4 c=3 a=1");
  EXPECT_EQ(h_.Get("c"), "3");
  EXPECT_EQ(h_.Get("b"), "(none)");
  h_.Open(options_);
  EXPECT_EQ(h_.Scan(), "a=1 c=3 d=4");
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  EXPECT_EQ(h_.Scan(), "a=1 c=3 d=4");
}

TEST_F(IngestTest, IsNewerThanWhatWasWrittenBeforeAndOlderThanWhatIsWrittenAfter) {
  h_.Put("deep", "old");
  h_.Put("gone", "old");
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  h_.Put("flat", "old");
  ASSERT_TRUE(h_.db->Flush().ok());
  h_.Put("memory", "old");
  const Entries entries = {
      {"after", "new"}, {"deep", "new"}, {"flat", "new"}, {"gone", "-"}, {"memory", "new"}};
  Ingest({WriteTable("/1", entries)});
  h_.Put("after", "newest");
  const std::string all = "after=newest deep=new flat=new memory=new";
  EXPECT_EQ(h_.Scan(), all);
  EXPECT_EQ(h_.Get("memory"), "new");
  h_.Crash(/*power_lost=*/false);
  h_.Open(options_);
  EXPECT_EQ(h_.Scan(), all);
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  EXPECT_EQ(h_.Scan(), all);
  EXPECT_EQ(h_.Get("gone"), "(none)");
}

TEST_F(IngestTest, SnapshotsAndIteratorsFromBeforeDoNotSeeIt) {
  h_.Put("a", "old");
  h_.Put("c", "old");
  const auto snapshot = h_.db->GetSnapshot();
  const auto iterator = h_.db->NewIterator();
  Ingest({WriteTable("/1", {{"a", "new"}, {"b", "new"}, {"c", "-"}}),
          WriteTable("/2", {{"z", "new"}})});
  EXPECT_EQ(Levels(), "L0:2 L6:1");
  const auto check = [&] {
    IteratorOptions as_of;
    as_of.snapshot = snapshot.get();
    EXPECT_EQ(h_.Scan(as_of), "a=old c=old");
    EXPECT_EQ(h_.Scan(as_of, /*forward=*/false), "c=old a=old");
    const auto a = h_.db->Get({snapshot.get()}, "a");
    const auto b = h_.db->Get({snapshot.get()}, "b");
    const auto z = h_.db->Get({snapshot.get()}, "z");
    ASSERT_TRUE(a.ok() && b.ok() && z.ok());
    EXPECT_EQ((*a)->data, "old");
    EXPECT_FALSE(b->has_value());
    EXPECT_FALSE(z->has_value());
    EXPECT_EQ(h_.Scan(), "a=new b=new z=new");
  };
  check();
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  check();
  std::string seen;
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) seen += iterator->key();
  EXPECT_EQ(seen, "ac");
}

TEST_F(IngestTest, ASnapshotDoesNotSeeWhatLandsAtTheBottomLater) {
  h_.Put("a", "old");
  const auto snapshot = h_.db->GetSnapshot();
  Ingest({WriteTable("/1", {{"m", "new"}})});
  EXPECT_EQ(Levels(), "L0:1 L6:1");
  const ReadOptions as_of{.snapshot = snapshot.get()};
  const auto m = h_.db->Get(as_of, "m");
  ASSERT_TRUE(m.ok()) << m.status();
  EXPECT_FALSE(m->has_value());
  const std::array<std::string_view, 2> keys = {"a", "m"};
  const auto both = h_.db->MultiGet(as_of, keys);
  ASSERT_TRUE(both.ok()) << both.status();
  EXPECT_TRUE(both->at(0).has_value());
  EXPECT_FALSE(both->at(1).has_value());
  EXPECT_EQ(h_.Get("m"), "new");
}

TEST_F(IngestTest, GoesAsDeepAsNothingIsInTheWay) {
  Ingest({WriteTable("/1", {{"b", "1"}, {"d", "1"}})});
  EXPECT_EQ(Levels(), "L6:1");
  Ingest({WriteTable("/2", {{"c", "2"}}), WriteTable("/3", {{"e", "2"}})});
  EXPECT_EQ(Levels(), "L0:1 L6:2") << "one overlaps, one does not";
  Ingest({WriteTable("/4", {{"c", "3"}})});
  EXPECT_EQ(Levels(), "L0:2 L6:2");
  EXPECT_EQ(h_.Scan(), "b=1 c=3 d=1 e=2");
}

TEST_F(IngestTest, ExciseReplacesWhatWasThere) {
  for (const char* key : {"a", "b", "c", "d"}) h_.Put(key, "deep");
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  for (const char* key : {"b", "c", "cc", "d"}) h_.Put(key, "old");
  const auto snapshot = h_.db->GetSnapshot();
  Ingest({WriteTable("/1", {{"b", "new"}}), WriteTable("/2", {{"c1", "new"}})}, Excising("b", "d"));
  const auto check = [&] {
    EXPECT_EQ(h_.Scan(), "a=deep b=new c1=new d=old");
    IteratorOptions as_of;
    as_of.snapshot = snapshot.get();
    EXPECT_EQ(h_.Scan(as_of), "a=deep b=old c=old cc=old d=old");
  };
  check();
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  check();
}

TEST_F(IngestTest, ExciseOfAnEmptyRangeIsNotInTheWay) {
  h_.Put("x", "1");
  Ingest({WriteTable("/1", {{"b", "1"}})}, Excising("a", "c"));
  EXPECT_EQ(h_.Scan(), "b=1 x=1");
  EXPECT_EQ(Levels(), "L0:1 L6:1");
  EXPECT_EQ(h_.Files(".sst").size(), 2U);
}

TEST_F(IngestTest, RangeDeletionsOfATableSpareItsOwnKeys) {
  for (const char* key : {"a", "b", "c"}) h_.Put(key, "old");
  auto writer = CreateSstWriter({}, "/1", *h_.disk);
  ASSERT_TRUE(writer.ok() && (*writer)->DeleteRange("a", "c").ok());
  ASSERT_TRUE((*writer)->Put("b", "new").ok() && (*writer)->Finish().ok());
  Ingest({"/1"});
  EXPECT_EQ(h_.Scan(), "b=new c=old");
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  EXPECT_EQ(h_.Scan(), "b=new c=old");
}

TEST_F(IngestTest, CopyAndLinkLeaveTheFileAndMoveTakesIt) {
  IngestOptions options;
  for (const auto& [transfer, stays] :
       {std::pair(Transfer::kCopy, true), {Transfer::kLink, true}, {Transfer::kMove, false}}) {
    options.transfer = transfer;
    const std::string key = "k" + std::to_string(static_cast<int>(transfer));
    Ingest({WriteTable("/" + key, {{key, "v"}})}, options);
    EXPECT_EQ(*h_.disk->Exists("/" + key), stays);
    if (stays) {
      ASSERT_TRUE(h_.disk->Remove("/" + key).ok());
    }
  }
  EXPECT_EQ(h_.Scan(), "k0=v k1=v k2=v");
  h_.Open(options_);
  EXPECT_EQ(h_.Scan(), "k0=v k1=v k2=v");
}

TEST_F(IngestTest, IsDurableWhenTheCallReturnsAndSoIsAllBefore) {
  for (const auto transfer : {Transfer::kCopy, Transfer::kLink, Transfer::kMove}) {
    EngineHarness h;
    h.Open(options_);
    h.Put("before", "1");
    IngestOptions options;
    options.transfer = transfer;
    // As a program would bring it that does not sync.
    std::string bytes = *h.disk->ReadFile(WriteTable(h, "/written", {{"a", "2"}}), 1 << 20);
    auto file = h.disk->CreateAppend("/brought");
    ASSERT_TRUE(file.ok() && (*file)->Append(bytes).ok());
    ASSERT_TRUE(h.db->Ingest({"/brought"}, options).ok());
    h.Crash(/*power_lost=*/true);
    h.Open(options_);
    EXPECT_EQ(h.Scan(), "a=2 before=1");
    h.Put("after", "3");
    EXPECT_EQ(h.Scan(), "a=2 after=3 before=1");
  }
}

TEST_F(IngestTest, LongValuesMoveIntoValueFilesWhenTheyAreCompacted) {
  options_.value_separation_threshold = 100;
  h_.Open(options_);
  const std::string value(500, 'v');
  Ingest({WriteTable("/1", {{"a", value}})});
  EXPECT_EQ(h_.Get("a"), value);
  EXPECT_THAT(h_.db->Manifest().value_logs, IsEmpty());
  ASSERT_TRUE(h_.db->CompactRange("", "").ok());
  EXPECT_EQ(h_.Get("a"), value);
  EXPECT_EQ(h_.db->Manifest().value_logs.size(), 1U);
}

TEST_F(IngestTest, ATransactionThatReadTheKeysIsRefused) {
  h_.Put("a", "1");
  const auto transaction = h_.db->BeginTransaction({.isolation = Isolation::kSerializable});
  const auto other = h_.db->BeginTransaction({.isolation = Isolation::kSerializable});
  ASSERT_TRUE(transaction->Get("a").ok() && transaction->Put("z", "2").ok());
  ASSERT_TRUE(other->Get("c").ok() && other->Put("z", "3").ok());
  Ingest({WriteTable("/1", {{"a", "new"}, {"b", "new"}})});
  EXPECT_EQ(transaction->Commit({}).code(), StatusCode::kAborted);
  EXPECT_TRUE(other->Commit({}).ok());
}

TEST_F(IngestTest, RefusesWhatItCannotTakeByName) {
  h_.Put("a", "1");
  ASSERT_TRUE(h_.db->Flush().ok());
  WriteTable("/good", {{"b", "1"}, {"d", "1"}});
  WriteTable("/overlaps", {{"c", "1"}});
  const auto put = [&](const std::string& path, const std::string& bytes) {
    auto file = h_.disk->CreateAppend(path);
    ASSERT_TRUE(file.ok() && (*file)->Append(bytes).ok());
  };
  const std::string good = *h_.disk->ReadFile("/good", 1 << 20);
  put("/garbage", "this is no table, but it is as long as the footer of one would be");
  put("/empty", "");
  put("/torn", good.substr(0, good.size() - 10));
  put("/own-table", *h_.disk->ReadFile("/db/" + h_.Files(".sst").front(), 1 << 20));
  put("/db/inside", good);
  std::string damaged = good;
  damaged[10] ^= 1;
  put("/damaged", damaged);
  std::string foreign;
  lsm::TableOptions options;
  options.external_comparator = "backwards";
  lsm::TableBuilder builder(options, std::make_unique<lsm::internal::StringAppendFile>(&foreign), 0,
                            0);
  builder.AddRangeTombstone({PlainPrefix("a"), PlainPrefix("b"), 0});
  ASSERT_TRUE(builder.Finish().ok());
  put("/foreign", foreign);

  struct Case {
    std::vector<std::string> files;
    StatusCode code;
    std::string says;
  };
  const std::string own_file = "/db/" + h_.Files(".sst").front();
  const std::vector<Case> cases = {
      {{}, StatusCode::kInvalidArgument, "there are no files"},
      {{"/missing"}, StatusCode::kNotFound, "/missing"},
      {{"/garbage"}, StatusCode::kDataLoss, "/garbage: no sstable footer"},
      {{"/empty"}, StatusCode::kDataLoss, "/empty: too short for a footer"},
      {{"/torn"}, StatusCode::kDataLoss, "/torn"},
      {{"/good", "/damaged"}, StatusCode::kInvalidArgument, "overlap"},
      {{"/damaged"}, StatusCode::kDataLoss, "/damaged: "},
      {{"/own-table"}, StatusCode::kDataLoss, "/own-table: belongs to another file"},
      {{own_file}, StatusCode::kInvalidArgument, own_file + ": it lies in the directory of"},
      {{"/db/inside"}, StatusCode::kInvalidArgument, "/db/inside: it lies in the directory of"},
      {{"/foreign"}, StatusCode::kInvalidArgument, "/foreign: its keys are ordered by \"backwards"},
      {{"/good", "/overlaps"},
       StatusCode::kInvalidArgument,
       "/good: its keys overlap those of /ov"},
      {{"/good", "/good"}, StatusCode::kInvalidArgument, "its keys overlap those of /good"},
  };
  const auto files = *h_.disk->List("/db");
  for (const auto transfer : {Transfer::kCopy, Transfer::kLink, Transfer::kMove}) {
    for (const Case& c : cases) {
      IngestOptions how;
      how.transfer = transfer;
      const Status status = h_.db->Ingest(c.files, how);
      EXPECT_EQ(status.code(), c.code) << status;
      EXPECT_THAT(status.message(), HasSubstr(c.says));
      EXPECT_EQ(*h_.disk->List("/db"), files) << "left behind by " << status;
    }
  }
  EXPECT_EQ(h_.db->Ingest({"/good"}, Excising("b", "a")).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(h_.Scan(), "a=1");
  EXPECT_TRUE(h_.db->Stats().background_error.empty());
  Ingest({"/good"});
  EXPECT_EQ(h_.Scan(), "a=1 b=1 d=1");
}

TEST_F(IngestTest, AFullDiskHalfWayLeavesNothing) {
  h_.Put("a", "1");
  ASSERT_TRUE(h_.db->Flush().ok());
  std::string noise;
  for (uint64_t i = 0; noise.size() < 100'000; i++) noise += std::to_string(i * 0x9e3779b97f4a7c15);
  WriteTable("/1", {{"b", "small"}});
  WriteTable("/2", {{"c", noise}});
  const auto files = *h_.disk->List("/db");
  constexpr uint64_t kSpace = 1 << 30;
  h_.disk->SetCapacity(kSpace);
  h_.disk->SetCapacity(kSpace - *h_.disk->FreeSpace("/") + 20'000);
  const Status status = h_.db->Ingest({"/1", "/2"});
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(*h_.disk->List("/db"), files);
  EXPECT_TRUE(h_.db->Stats().background_error.empty());
  IngestOptions link;
  link.transfer = Transfer::kLink;
  Ingest({"/1", "/2"}, link);
  EXPECT_EQ(h_.Get("c"), noise);
}

// Goal: a failure anywhere loses nothing and leaves nothing; what failed can be done again. Method:
// each file operation fails once, each time in another database with keys in memory and in a table.
TEST_F(IngestTest, AFailureAtAnyOperationLeavesAllOrNothing) {
  constexpr uint64_t kMany = 500;  // than there are operations
  const std::string before = "a=1 b=1 c=1";
  const std::string after = "a=2 c=2";
  for (const auto transfer : {Transfer::kCopy, Transfer::kLink, Transfer::kMove}) {
    uint64_t nth = 0;
    for (bool failed = true; failed && nth < kMany; nth++) {
      SCOPED_TRACE("operation " + std::to_string(nth));
      EngineHarness h;
      h.Open(options_);
      h.Put("a", "1");
      h.Put("b", "1");
      ASSERT_TRUE(h.db->Flush().ok());
      h.Put("c", "1", /*sync=*/true);
      WriteTable(h, "/1", {{"a", "2"}});
      WriteTable(h, "/2", {{"c", "2"}});
      IngestOptions options = Excising("a", "d");
      options.transfer = transfer;
      failed = false;
      h.fs->SetObserver([&, count = uint64_t{0}](const vfs::Operation&) mutable {
        vfs::Fault fault;
        if (!failed && count++ == nth) {
          failed = true;
          fault.error_number = nth % 2 == 0 ? EIO : ENOSPC;
        }
        return fault;
      });
      const Status status = h.db->Ingest({"/1", "/2"}, options);
      h.StopObserving();
      EXPECT_TRUE(failed || status.ok()) << status;
      EXPECT_EQ(h.Scan(), status.ok() ? after : before) << status;
      if (!status.ok()) {
        EXPECT_TRUE(*h.disk->Exists("/1") && *h.disk->Exists("/2"));
        const bool usable = h.db->Stats().background_error.empty();
        h.Crash(/*power_lost=*/true);
        h.Open(options_);
        // After a failed write of the manifest it may be there.
        EXPECT_TRUE(h.Scan() == before || (!usable && h.Scan() == after)) << h.Scan() << status;
        const Status again = h.db->Ingest({"/1", "/2"}, options);
        EXPECT_TRUE(again.ok()) << again;
        EXPECT_EQ(h.Scan(), after);
      }
      h.Crash(/*power_lost=*/true);
      h.Open(options_);
      EXPECT_EQ(h.Scan(), after);
      EXPECT_LE(h.Files(".sst").size(), 8U);
    }
    EXPECT_GT(nth, 30U);
    EXPECT_LT(nth, kMany);
  }
}

// Goal: readers, and whoever opens the directory after the process was killed, find all of an
// ingest or nothing, and in one place among the writes. Method: a task that writes and looks runs
// again and again while an ingest is on its way, in an order that a seed draws. The ingest puts "a"
// and "x" and deletes "old".
TEST_F(IngestTest, IsSeenWholeAndInOnePlaceAmongTheWrites) {
  for (uint64_t seed = 1; seed <= 60; seed++) {
    SCOPED_TRACE(seed);
    EngineHarness h;
    h.runtime = runtime::NewSimRuntime(seed);
    h.Open(options_);
    h.Put("old", "1");
    WriteTable(h, "/1", {{"a", "1"}});
    WriteTable(h, "/2", {{"x", "1"}});
    size_t written = 0, answered = 0;
    size_t most_without = 0, least_with = SIZE_MAX;  // writes that were seen beside it
    const auto judge = [&](const std::string& scan) {
      const bool whole = scan.starts_with("a=1");
      EXPECT_EQ(scan.ends_with("x=1"), whole) << scan;
      EXPECT_EQ(scan.find("old=1") == std::string::npos, whole) << scan;
      const auto writes = static_cast<size_t>(std::count(scan.begin(), scan.end(), 'w'));
      EXPECT_GE(writes, answered) << scan;
      if (whole) {
        least_with = std::min(least_with, writes);
      } else {
        most_without = std::max(most_without, writes);
      }
    };
    const std::function<void()> write_and_look = [&] {
      judge(h.Scan());
      if (written % 4 == 0) {
        EngineHarness killed;
        killed.fs = vfs::NewFaultFileSystem(*(killed.disk = h.disk->KillClone()));
        killed.Open(options_);
        judge(killed.Scan());
      }
      if (written == 40) return;
      WriteBatch batch;
      batch.Put("w" + std::to_string(written++), "1");
      h.db->WriteAsync({.sync = (seed + written) % 3 == 0}, std::move(batch), [&](const Status& s) {
        EXPECT_TRUE(s.ok()) << s;
        answered++;
      });
      h.runtime->Post(written % 2 == 0 ? runtime::Lane::kLog : runtime::Lane::kFlush,
                      write_and_look);
    };
    write_and_look();
    const Status status = h.db->Ingest({"/1", "/2"}, Excising("old", "old2"));
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(h.Scan().starts_with("a=1")) << "acknowledged";
    h.runtime->RunReady();
    EXPECT_EQ(answered, 40U);
    EXPECT_LE(most_without, least_with);
  }
}

// Goal: ingests wait for each other, and the close for them.
TEST_F(IngestTest, OneIsServedAfterTheOtherAndTheCloseWaits) {
  h_.db.reset();
  auto opened = Engine::Open(options_, "/db", {*h_.fs, *h_.runtime, base::NullLogger()});
  ASSERT_TRUE(opened.ok()) << opened.status();
  const std::unique_ptr<Engine> engine = *std::move(opened);
  std::vector<int> order;
  for (int i = 0; i < 3; i++) {
    IngestRequest request;
    request.files = {WriteTable("/" + std::to_string(i), {{"k", std::to_string(i)}})};
    engine->IngestAsync(std::move(request), [&order, i](const Status& status) {
      EXPECT_TRUE(status.ok()) << status;
      order.push_back(i);
    });
  }
  h_.runtime->RunReady();
  EXPECT_THAT(order, ElementsAre(0, 1, 2));
  IngestRequest request;
  request.files = {WriteTable("/last", {{"k", "last"}})};
  Status last, closed;
  engine->IngestAsync(std::move(request), [&](Status status) { last = std::move(status); });
  engine->CloseAsync([&](Status status) { closed = std::move(status); });
  h_.runtime->RunReady();
  EXPECT_EQ(last.code(), StatusCode::kFailedPrecondition) << last;
  EXPECT_TRUE(closed.ok()) << closed;
  h_.Open(options_);
  EXPECT_EQ(h_.Get("k"), "2");
  EXPECT_EQ(h_.db->Ingest({"/missing"}).code(), StatusCode::kNotFound);
  ASSERT_TRUE(h_.db->Close().ok());
  EXPECT_EQ(h_.db->Ingest({"/last"}).code(), StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace nokv::engine
