// Opening: what survives, who may open, and what damage is answered with.
#include <gmock/gmock.h>

#include <unistd.h>

#include <map>

#include "engine/engine_test_util.h"

namespace nokv::engine {
namespace {

using testing::HasSubstr;

class RecoveryTest : public testing::Test {
 protected:
  void SetUp() override { h_.Open(); }

  std::map<std::string, std::string> Content() {
    std::map<std::string, std::string> content;
    for (const std::string& name : *h_.disk->List("/db")) {
      content[name] = *h_.disk->ReadFile("/db/" + name, 1 << 30);
    }
    return content;
  }
  void Flip(const std::string& name, size_t offset) {
    std::string content = *h_.disk->ReadFile("/db/" + name, 1 << 30);
    content[offset % content.size()] ^= 0x40;
    ASSERT_TRUE(h_.disk->Overwrite("/db/" + name, content).ok());
  }
  // Closes, damages with `harm`, and expects an open that fails with `message` and changes nothing.
  void ExpectRefusal(const std::function<void()>& harm, const std::string& message,
                     StatusCode code = StatusCode::kDataLoss) {
    ASSERT_TRUE(h_.db->Close().ok());
    h_.db.reset();
    harm();
    const auto before = Content();
    const auto opened = h_.TryOpen();
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.status().code(), code) << opened.status();
    EXPECT_THAT(opened.status().ToString(), HasSubstr(message));
    auto after = Content();
    after["LOCK"] = before.at("LOCK");
    EXPECT_EQ(after, before);
  }

  EngineHarness h_;
};

TEST_F(RecoveryTest, AcknowledgedWritesSurviveTheProcessAndSyncedOnesThePower) {
  h_.Put("synced", "1", /*sync=*/true);
  h_.Put("written", "1");
  h_.Crash(/*power_lost=*/false);
  h_.Open();
  EXPECT_EQ(h_.Scan(), "synced=1 written=1");
  h_.Put("also written", "1");
  h_.Crash(/*power_lost=*/true);
  h_.Open();
  EXPECT_EQ(h_.Get("synced"), "1");
  EXPECT_EQ(h_.Get("written"), "1") << "recovered writes are made durable before the open ends";
  EXPECT_EQ(h_.Get("also written"), "(none)");
}

TEST_F(RecoveryTest, FlushIsDurableWithoutAnySyncedWrite) {
  for (int i = 0; i < 100; i++) h_.Put("k" + std::to_string(i), "v");
  ASSERT_TRUE(h_.db->Flush().ok());
  h_.Crash(/*power_lost=*/true);
  h_.Open();
  for (int i = 0; i < 100; i++) EXPECT_EQ(h_.Get("k" + std::to_string(i)), "v");
}

TEST_F(RecoveryTest, WritesThatCameDuringAFlushAreReplayed) {
  h_.Put("flushed", "1");
  h_.fs->SetObserver([&](const vfs::Operation& operation) {
    if (operation.op == vfs::Op::kSync && operation.path.ends_with(".sst")) h_.Put("later", "1");
    return vfs::Fault{};
  });
  ASSERT_TRUE(h_.db->Flush().ok());
  h_.Crash(/*power_lost=*/false);
  h_.Open();
  EXPECT_EQ(h_.Scan(), "flushed=1 later=1");
}

TEST_F(RecoveryTest, ReplayGivesTheSameStateHoweverOftenItIsRepeated) {
  h_.Put("a", "1");
  h_.Put("b", "1");
  ASSERT_TRUE(h_.db->DeleteRange({}, "b", "c").ok());
  h_.Put("c", "1");
  ASSERT_TRUE(h_.db->Delete({}, "a").ok());
  for (int i = 0; i < 4; i++) {
    h_.Crash(/*power_lost=*/false);
    h_.Open();
    EXPECT_EQ(h_.Scan(), "c=1");
  }
}

TEST_F(RecoveryTest, AReplayedMemtableIsFlushedFromAQuarterOfWhatOneMayTakeOn) {
  h_.Put("small", std::string(4 << 10, 'v'));
  h_.Crash(/*power_lost=*/false);
  h_.Open();
  h_.runtime->RunReady();
  EXPECT_EQ(h_.Files(".sst").size(), 0U) << "every open of a quiet database would leave a table";
  h_.Put("large", std::string(16 << 10, 'v'));
  h_.Crash(/*power_lost=*/false);
  h_.Open();
  h_.runtime->RunReady();
  EXPECT_EQ(h_.Files(".sst").size(), 1U);
  h_.Put("later", "v");
  h_.Crash(/*power_lost=*/false);
  h_.Open();
  EXPECT_EQ(h_.Get("large").size(), size_t{16} << 10);
  EXPECT_EQ(h_.Get("small").size(), size_t{4} << 10);
  EXPECT_EQ(h_.Get("later"), "v");
}

TEST_F(RecoveryTest, SequenceNumbersGoOnAfterAReopen) {
  for (int i = 0; i < 3; i++) {
    h_.Put("k", std::to_string(i));
    ASSERT_TRUE(h_.db->Flush().ok());
    h_.Open();
  }
  EXPECT_EQ(h_.Get("k"), "2");
  h_.Put("k", "newest");
  EXPECT_EQ(h_.Get("k"), "newest");
  EXPECT_EQ(h_.db->Stats().last_sequence, 4U);
  EXPECT_EQ(h_.db->Stats().open_generation, 4U);
}

TEST_F(RecoveryTest, SecondOpenerIsToldWhoHoldsTheDirectory) {
  const auto second = h_.TryOpen();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kUnavailable);
  EXPECT_THAT(second.status().ToString(), HasSubstr("pid " + std::to_string(getpid())));
  EXPECT_THAT(second.status().ToString(), HasSubstr("do not delete LOCK"));
  ASSERT_TRUE(h_.db->Close().ok());
  EXPECT_TRUE(h_.TryOpen().ok());
}

TEST_F(RecoveryTest, ReadOnlyOpenWorksBesideALiveWriterAndChangesNoByte) {
  h_.Put("flushed", "1");
  ASSERT_TRUE(h_.db->Flush().ok());
  h_.Put("logged", "1");
  const auto before = Content();
  Options options = SmallOptions();
  options.read_only = true;
  auto reader = h_.TryOpen(options);
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->Get({}, "flushed")->value().data, "1");
  EXPECT_EQ((*reader)->Get({}, "logged")->value().data, "1");
  EXPECT_EQ((*reader)->Stats().wal.entries, 1U) << "what is not in tables yet";
  EXPECT_EQ((*reader)->Put({}, "k", "v").code(), StatusCode::kFailedPrecondition);
  EXPECT_FALSE((*reader)->Flush().ok());
  ASSERT_TRUE((*reader)->Close().ok());
  EXPECT_EQ(Content(), before);
  h_.Put("the writer", "goes on");
}

TEST_F(RecoveryTest, ReadOnlyOpenOfNothingIsNotFoundAndCreatesNothing) {
  EngineHarness empty;
  Options options = SmallOptions();
  options.read_only = true;
  EXPECT_TRUE(empty.TryOpen(options).status().IsNotFound());
  EXPECT_FALSE(*empty.disk->Exists("/db"));
}

TEST_F(RecoveryTest, DirectoryOfAClusterIsRefusedUnlessItsModeIsAllowed) {
  ExpectRefusal(
      [&] {
        ASSERT_TRUE(
            vfs::WriteFileAtomically(*h_.disk, "/db/MODE.json", R"({"mode": "seeded"})").ok());
      },
      "mode \"seeded\", which requires explicit distributed open intent",
      StatusCode::kFailedPrecondition);
  Options options = SmallOptions();
  options.allowed_modes = {Mode::kCluster};
  EXPECT_THAT(h_.TryOpen(options).status().message(),
              HasSubstr("not allowed for this open intent"));
  options.allowed_modes = {Mode::kSeeded};
  EXPECT_TRUE(h_.TryOpen(options).ok());
}

TEST_F(RecoveryTest, ErrorIfExistsAndCreateIfMissingAreHonoured) {
  ASSERT_TRUE(h_.db->Close().ok());
  Options options = SmallOptions();
  options.error_if_exists = true;
  EXPECT_EQ(h_.TryOpen(options).status().code(), StatusCode::kAlreadyExists);
  EngineHarness empty;
  options = SmallOptions();
  options.create_if_missing = false;
  EXPECT_TRUE(empty.TryOpen(options).status().IsNotFound());
}

TEST_F(RecoveryTest, MissingTableIsNamedAndNothingIsChanged) {
  h_.Put("k", "v");
  ASSERT_TRUE(h_.db->Flush().ok());
  const std::string table = h_.Files(".sst").at(0);
  ExpectRefusal([&] { ASSERT_TRUE(h_.disk->Remove("/db/" + table).ok()); }, "missing sstable");
  EXPECT_EQ(h_.TryOpen().status().error_number(), 1304);
}

TEST_F(RecoveryTest, DamagedTableIsNamedAndNothingIsChanged) {
  h_.Put("k", "v");
  ASSERT_TRUE(h_.db->Flush().ok());
  const std::string table = h_.Files(".sst").at(0);
  ExpectRefusal([&] { ASSERT_TRUE(h_.disk->Overwrite("/db/" + table, "bad-sst").ok()); },
                "open sstable");
  EXPECT_EQ(h_.TryOpen().status().error_number(), 1303);
}

TEST_F(RecoveryTest, MissingCurrentBesideTablesIsNeverAFreshDatabase) {
  h_.Put("k", "v");
  ASSERT_TRUE(h_.db->Flush().ok());
  ExpectRefusal([&] { ASSERT_TRUE(h_.disk->Remove("/db/CURRENT").ok()); }, "CURRENT");
}

TEST_F(RecoveryTest, FlippedByteInCurrentIsDamage) {
  ExpectRefusal([&] { Flip("CURRENT", 12); }, "CURRENT");
  EXPECT_EQ(h_.TryOpen().status().error_number(), 1301);
}

TEST_F(RecoveryTest, FlippedByteInTheManifestIsDamage) {
  h_.Put("k", "v");
  ASSERT_TRUE(h_.db->Flush().ok());
  std::string manifest;
  for (const std::string& name : *h_.disk->List("/db")) {
    if (name.starts_with("MANIFEST")) manifest = name;
  }
  ExpectRefusal([&] { Flip(manifest, 60); }, manifest);
}

TEST_F(RecoveryTest, FlippedByteInTheClosedLogIsDamage) {
  h_.Put("key", "value");
  ASSERT_TRUE(h_.db->Close().ok());
  const std::string segment = h_.Files(".wal").back();
  const size_t at = h_.disk->ReadFile("/db/" + segment, 1 << 30)->find("value");
  ASSERT_NE(at, std::string::npos);
  h_.Open();
  ASSERT_TRUE(h_.db->Close().ok());
  ExpectRefusal([&] { Flip(segment, at); }, segment);
  EXPECT_EQ(h_.TryOpen().status().error_number(), 1302);
}

TEST_F(RecoveryTest, FlippedByteInTheLastWriteThatWasSyncedIsDamageAtOnce) {
  for (const int entries : {1, 100}) {
    EngineHarness killed;
    killed.Open();
    WriteBatch batch;
    for (int i = 0; i < entries; i++) batch.Put("key" + std::to_string(i), "value");
    ASSERT_TRUE(killed.db->Write({.sync = true}, std::move(batch)).ok());
    killed.Crash(/*power_lost=*/false);
    const std::string path = "/db/" + killed.Files(".wal").back();
    std::string content = *killed.disk->ReadFile(path, 1 << 30);
    content[content.find("value")] ^= 0x40;
    ASSERT_TRUE(killed.disk->Overwrite(path, content).ok());
    EXPECT_EQ(killed.TryOpen().status().error_number(), 1302) << entries;
  }
}

TEST_F(RecoveryTest, FlippedByteInAWriteThatWasSyncedAloneIsDamageAtOnce) {
  h_.Put("first", "1", /*sync=*/true);
  h_.Put("key", "value", /*sync=*/true);
  h_.Crash(/*power_lost=*/false);
  const std::string path = "/db/" + h_.Files(".wal").back();
  std::string content = *h_.disk->ReadFile(path, 1 << 30);
  content[content.find("value")] ^= 0x40;
  ASSERT_TRUE(h_.disk->Overwrite(path, content).ok());
  EXPECT_EQ(h_.TryOpen().status().error_number(), 1302);
}

TEST_F(RecoveryTest, LeftoverFilesOfACrashAreRemovedByTheNextOpen) {
  h_.Put("k", "v");
  ASSERT_TRUE(h_.db->Close().ok());
  ASSERT_TRUE(vfs::WriteFileAtomically(*h_.disk, "/db/00003.sst", "half a table").ok());
  ASSERT_TRUE(vfs::WriteFileAtomically(*h_.disk, "/db/CURRENT.tmp", "MANIFEST-999999").ok());
  h_.Open();
  EXPECT_EQ(h_.Get("k"), "v");
  EXPECT_TRUE(h_.Files(".tmp").empty());
  EXPECT_TRUE(h_.Files(".sst").empty());
}

}  // namespace
}  // namespace nokv::engine
