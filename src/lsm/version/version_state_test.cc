#include "lsm/version/version_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "lsm/compaction/test_tree.h"
#include "manifest/manifest_names.h"

namespace nokv::lsm {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class VersionStateTest : public ::testing::Test {
 protected:
  // One table of level 0.
  void AddTable(const std::string& key) {
    tree_.Put(key, "value");
    const Status status = tree_.Flush();
    ASSERT_TRUE(status.ok()) << status;
  }

  Result<std::unique_ptr<VersionState>> OpenReadOnly() {
    VersionStateOptions options;
    options.read_only = true;
    return VersionState::Open(tree_.memory(), "/db", cache_, options);
  }

  std::vector<std::string> Names() { return *tree_.memory().List("/db"); }

  TestTree tree_;
  BlockCache cache_{1 << 16};
};

TEST_F(VersionStateTest, ReopensWithWhatWasLogged) {
  AddTable("a");
  AddTable("b");
  manifest::VersionEdit edit;
  edit.log_position = manifest::LogPosition{3, 77};
  edit.last_sequence = 2;
  ASSERT_TRUE(tree_.state().LogAndApply({edit}).ok());
  tree_.Reopen();
  tree_.Check();
  EXPECT_EQ(tree_.version()->files(0).size(), 2U);
  EXPECT_EQ(tree_.state().state().log_position, (manifest::LogPosition{3, 77}));
  EXPECT_EQ(tree_.state().state().last_sequence, 2U);
  EXPECT_EQ(tree_.state().state().open_generation, 2U);
}

TEST_F(VersionStateTest, EveryReadWriteOpenWritesAFreshManifestAndRemovesTheOldOne) {
  const uint64_t before = tree_.state().manifest_number();
  tree_.Reopen();
  EXPECT_GT(tree_.state().manifest_number(), before);
  EXPECT_THAT(Names(),
              ElementsAre("CURRENT", manifest::ManifestName(tree_.state().manifest_number())));
}

TEST_F(VersionStateTest, AReadOnlyOpenChangesNoByteAndRefusesEdits) {
  AddTable("a");
  const std::vector<std::string> names = Names();
  const uint64_t generation = tree_.state().state().open_generation;
  const auto reader = OpenReadOnly();
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ((*reader)->current()->file_count(), 1U);
  EXPECT_EQ((*reader)->state().open_generation, generation);
  EXPECT_EQ((*reader)->LogAndApply({}).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Names(), names);
}

TEST_F(VersionStateTest, OpensNothingWhereNothingIsUnlessToldToCreate) {
  VersionStateOptions options;
  options.create_if_missing = false;
  ASSERT_TRUE(tree_.memory().CreateDirs("/empty").ok());
  const auto opened = VersionState::Open(tree_.memory(), "/empty", cache_, options);
  EXPECT_TRUE(opened.status().IsNotFound()) << opened.status();
  EXPECT_THAT(*tree_.memory().List("/empty"), IsEmpty());
}

TEST_F(VersionStateTest, AMissingTableIsNamedAndTheManifestStays) {
  AddTable("a");
  const std::string name = TableName(tree_.version()->files(0).front()->number());
  ASSERT_TRUE(tree_.memory().Remove("/db/" + name).ok());
  const std::vector<std::string> names = Names();
  const auto opened = VersionState::Open(tree_.memory(), "/db", cache_, {});
  EXPECT_TRUE(opened.status().IsCorruption()) << opened.status();
  EXPECT_THAT(opened.status().message(), HasSubstr("missing sstable /db/" + name));
  EXPECT_FALSE(opened.status().hint().empty());
  EXPECT_EQ(Names(), names);
}

TEST_F(VersionStateTest, AFailedSyncKeepsTheVersionAndEveryFile) {
  AddTable("a");
  AddTable("b");
  const auto before = tree_.version();
  const auto plan = tree_.Manual(0);
  tree_.fs().SetObserver([](const vfs::Operation& op) {
    vfs::Fault fault;
    if (op.op == vfs::Op::kSync && op.path.find("MANIFEST") != std::string::npos) {
      fault.error_number = EIO;
    }
    return fault;
  });
  EXPECT_FALSE(tree_.Compact(*plan).ok());
  tree_.fs().SetObserver(nullptr);
  EXPECT_EQ(tree_.version(), before);
  EXPECT_FALSE(tree_.state().failure().ok());
  EXPECT_FALSE(tree_.state().LogAndApply({}).ok()) << "a failure is final";
  EXPECT_THAT(tree_.state().TakeObsolete(), IsEmpty());
  tree_.Check();
  // Whichever state the disk holds, the next open finds all of its tables.
  for (uint64_t seed = 0; seed < 20; seed++) {
    const auto crashed = tree_.memory().CrashClone(vfs::MemoryFileSystem::Loss::kRandom, seed);
    const auto opened = VersionState::Open(*crashed, "/db", cache_, {});
    ASSERT_TRUE(opened.ok()) << opened.status();
  }
  tree_.Reopen();
  tree_.Check();
}

TEST_F(VersionStateTest, AnEditThatDoesNotFitChangesNothing) {
  AddTable("a");
  const auto before = tree_.version();
  manifest::VersionEdit absent;
  absent.DeleteFile(3, 99);
  EXPECT_FALSE(tree_.state().LogAndApply({absent}).ok());
  // The same table at a second place.
  manifest::VersionEdit twice;
  twice.AddFile(1, before->files(0).front()->meta());
  EXPECT_FALSE(tree_.state().LogAndApply({twice}).ok());
  EXPECT_EQ(tree_.version(), before);
  EXPECT_TRUE(tree_.state().failure().ok()) << "and changes are still accepted";
  AddTable("b");
  tree_.Reopen();
  tree_.Check();
}

TEST_F(VersionStateTest, AnEditThatWouldMakeTablesOverlapChangesNothing) {
  AddTable("a");
  AddTable("a");
  const auto before = tree_.version();
  manifest::VersionEdit move;
  for (const auto& file : before->files(0)) {
    move.DeleteFile(0, file->number());
    move.AddFile(1, file->meta());
  }
  const Status refused = tree_.state().LogAndApply({move});
  EXPECT_EQ(refused.code(), StatusCode::kInternal);
  EXPECT_THAT(refused.message(), HasSubstr("nothing was changed: level 1: tables"));
  EXPECT_EQ(tree_.version(), before);
  tree_.Reopen();
  tree_.Check();
}

TEST_F(VersionStateTest, ATableBecomesObsoleteWhenItsLastReaderGoes) {
  AddTable("a");
  AddTable("b");
  auto reader = tree_.version();
  ASSERT_TRUE(tree_.Compact(*tree_.Manual(0)).ok());
  EXPECT_THAT(tree_.state().TakeObsolete(), IsEmpty()) << "a reader still has the tables";
  reader.reset();
  const std::vector<ObsoleteFile> obsolete = tree_.state().TakeObsolete();
  ASSERT_EQ(obsolete.size(), 2U);
  EXPECT_NE(obsolete[0].table, nullptr) << "closing it is for whoever takes it";
  EXPECT_EQ(tree_.state().FindOrphans()->size(), 2U) << "removing them is the caller's";
}

TEST_F(VersionStateTest, AMovedTableKeepsItsHandleAndIsNotObsolete) {
  AddTable("a");
  const auto handle = tree_.version()->files(0).front();
  const auto plan = tree_.Manual(0);
  ASSERT_TRUE(tree_.state().LogAndApply({TrivialMoveEdit(*plan)}).ok());
  EXPECT_EQ(tree_.version()->files(kLevels - 1).front(), handle);
  EXPECT_THAT(tree_.state().TakeObsolete(), IsEmpty());
}

TEST_F(VersionStateTest, WritesTheManifestAnewBeyondItsLimit) {
  VersionStateOptions options;
  options.manifest_limit_bytes = 2000;
  ASSERT_TRUE(tree_.memory().CreateDirs("/small").ok());
  auto opened = VersionState::Open(tree_.memory(), "/small", cache_, options);
  ASSERT_TRUE(opened.ok()) << opened.status();
  const uint64_t first = (*opened)->manifest_number();
  manifest::VersionEdit edit;
  for (uint64_t i = 1; i <= 100; i++) {
    edit.last_sequence = i;
    ASSERT_TRUE((*opened)->LogAndApply({edit}).ok());
  }
  const uint64_t last = (*opened)->manifest_number();
  EXPECT_GT(last, first);
  EXPECT_THAT(*tree_.memory().List("/small"), ElementsAre("CURRENT", manifest::ManifestName(last)));
  const auto read = manifest::ReadManifest(tree_.memory(), "/small");
  EXPECT_EQ((*read)->state.last_sequence, 100U);
}

TEST_F(VersionStateTest, NumbersOfLeftoverFilesAreNotUsedAgain) {
  AddTable("a");
  ASSERT_TRUE(tree_.memory().CreateAppend("/db/00500.sst").ok());
  tree_.Reopen();
  EXPECT_GT(tree_.state().NewFileNumber(), 500U);
  EXPECT_THAT(*tree_.state().FindOrphans(), ElementsAre(500U));
}

// Power is lost at every operation of a creation; a database is created or opened after each.
TEST_F(VersionStateTest, AnInterruptedCreationCanBeRepeated) {
  uint64_t cuts = 0;
  ASSERT_TRUE(tree_.memory().CreateDirs("/new").ok());
  ASSERT_TRUE(tree_.memory().SyncDir("/").ok());
  tree_.fs().SetObserver([&](const vfs::Operation&) {
    for (uint64_t seed = 0; seed < 10; seed++) {
      const auto crashed =
          tree_.memory().CrashClone(vfs::MemoryFileSystem::Loss::kRandom, cuts * 10 + seed);
      const auto opened = VersionState::Open(*crashed, "/new", cache_, {});
      EXPECT_TRUE(opened.ok()) << opened.status();
    }
    cuts++;
    return vfs::Fault{};
  });
  ASSERT_TRUE(VersionState::Open(tree_.fs(), "/new", cache_, {}).ok());
  EXPECT_GT(cuts, 8U);
}

}  // namespace
}  // namespace nokv::lsm
