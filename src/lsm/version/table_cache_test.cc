#include "lsm/version/table_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lsm/compaction/test_tree.h"

namespace nokv::lsm {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Tables of level 0 with one key each, of which two are kept open.
class TableCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* key : {"a", "b", "c", "d"}) {
      tree_.Put(key, "value of " + std::string(key));
      const Status status = tree_.Flush();
      ASSERT_TRUE(status.ok()) << status;
    }
    tree_.SetMaxOpenTables(2);
  }

  // As the tree does, but with the tables that are opened meanwhile noted in opened_.
  void Reopen() {
    opened_.clear();
    tree_.fs().SetObserver([this](const vfs::Operation& operation) {
      if (operation.op == vfs::Op::kOpenRandom && operation.path.ends_with(".sst")) {
        opened_.push_back(vfs::BaseName(operation.path));
      }
      return vfs::Fault{};
    });
    tree_.Reopen();
  }

  // The table that holds `key`.
  std::string TableOf(const std::string& key) {
    for (const auto& file : tree_.version()->files(0)) {
      if (keys::EngineKeyOf(file->meta().smallest) == TestTree::Key(key)) {
        return TableName(file->number());
      }
    }
    return "none";
  }

  Status Get(const std::string& key) {
    LookupResult result;
    const std::string engine_key = TestTree::Key(key);
    const Status status = tree_.version()->Get(engine_key, keys::kMaxSequence, &result);
    if (status.ok()) {
      EXPECT_EQ(result.state, LookupResult::State::kFound) << key;
      EXPECT_THAT(std::string(result.payload), HasSubstr("value of " + key));
    }
    return status;
  }

  // Makes the properties of a table unreadable, but not its size wrong.
  void Damage(const std::string& name) {
    const std::string path = "/db/" + name;
    std::string content = *tree_.memory().ReadFile(path, 1 << 20);
    std::fill(content.begin() + static_cast<std::ptrdiff_t>(content.size() / 2), content.end(),
              '\x5a');
    ASSERT_TRUE(tree_.memory().Overwrite(path, content).ok());
  }

  TestTree tree_;
  std::vector<std::string> opened_;
};

TEST_F(TableCacheTest, OpensATableWhenItIsReadAndNotBefore) {
  Reopen();
  EXPECT_THAT(opened_, IsEmpty());
  EXPECT_TRUE(Get("b").ok());
  EXPECT_THAT(opened_, ElementsAre(TableOf("b")));
  EXPECT_TRUE(Get("b").ok());
  EXPECT_EQ(opened_.size(), 1U) << "it is kept open";
  tree_.Check();
}

TEST_F(TableCacheTest, WithoutALimitEveryTableIsOpenedWithTheDirectory) {
  tree_.SetMaxOpenTables(0);
  Reopen();
  EXPECT_EQ(opened_.size(), 4U);
  tree_.Check();
  EXPECT_EQ(opened_.size(), 4U);
}

TEST_F(TableCacheTest, KeepsThoseOpenThatWereUsedLast) {
  Reopen();
  for (const char* key : {"a", "b", "a", "c"}) EXPECT_TRUE(Get(key).ok());
  EXPECT_THAT(opened_, ElementsAre(TableOf("a"), TableOf("b"), TableOf("c")));
  EXPECT_EQ(tree_.state().open_tables(), 2U);
  EXPECT_TRUE(Get("a").ok());
  EXPECT_EQ(opened_.size(), 3U) << "used after b";
  EXPECT_TRUE(Get("b").ok());
  EXPECT_EQ(opened_.size(), 4U) << "closed for c";
}

TEST_F(TableCacheTest, ATableIsNotClosedUnderACursor) {
  Reopen();
  const auto version = tree_.version();
  std::vector<std::unique_ptr<InternalIterator>> cursors;
  version->AddIterators(/*fill_cache=*/false, &cursors);
  ASSERT_EQ(cursors.size(), 4U);
  EXPECT_THAT(opened_, IsEmpty()) << "nor opened before the cursor moves";
  for (const auto& cursor : cursors) cursor->SeekToFirst();
  EXPECT_EQ(tree_.state().open_tables(), 2U);
  for (const auto& cursor : cursors) {
    ASSERT_TRUE(cursor->Valid()) << cursor->status();
    const std::string key(keys::EngineKeyOf(cursor->key()));
    EXPECT_THAT(std::string(cursor->value()), HasSubstr("value of "));
    cursor->Seek(keys::EncodeInternalKey(key, keys::SeekTrailer(keys::kMaxSequence)));
    EXPECT_TRUE(cursor->Valid()) << cursor->status();
  }
  EXPECT_EQ(opened_.size(), 4U);
}

TEST_F(TableCacheTest, OnlyTablesWithRangeTombstonesAreOpenedForThem) {
  tree_.DeleteRange("b", "c");
  ASSERT_TRUE(tree_.Flush().ok());
  Reopen();
  const std::string newest = TableName(tree_.version()->files(0).front()->number());
  EXPECT_EQ((*tree_.version()->CollectTombstones()).size(), 1U);
  EXPECT_THAT(opened_, ElementsAre(newest));
  tree_.Check();
}

TEST_F(TableCacheTest, AMissingTableIsNamedByAnOpenThatOpensNone) {
  const std::string name = TableOf("c");
  ASSERT_TRUE(tree_.memory().Remove("/db/" + name).ok());
  BlockCache cache(1 << 16);
  VersionStateOptions options;
  options.max_open_tables = 2;
  const auto opened = VersionState::Open(tree_.memory(), "/db", cache, options);
  EXPECT_TRUE(opened.status().IsCorruption()) << opened.status();
  EXPECT_THAT(opened.status().message(), HasSubstr("missing sstable /db/" + name));
  EXPECT_EQ(opened.status().error_number(), 1304);
}

TEST_F(TableCacheTest, ADamagedTableIsNamedByWhateverReadsIt) {
  const std::string name = TableOf("c");
  Damage(name);
  Reopen();
  EXPECT_TRUE(Get("b").ok()) << "the others work";
  const Status get = Get("c");
  EXPECT_TRUE(get.IsCorruption()) << get;
  EXPECT_THAT(get.message(), HasSubstr(name));

  const std::string b = TestTree::Key("b"), c = TestTree::Key("c");
  std::vector<KeyLookup> lookups{{b, {}, {}}, {c, {}, {}}};
  tree_.version()->MultiGet(keys::kMaxSequence, lookups);
  EXPECT_TRUE(lookups[0].status.ok()) << lookups[0].status;
  EXPECT_EQ(lookups[0].result.state, LookupResult::State::kFound);
  EXPECT_EQ(lookups[1].status.ToString(), get.ToString());

  const auto version = tree_.version();
  std::vector<std::unique_ptr<InternalIterator>> cursors;
  version->AddIterators(/*fill_cache=*/false, &cursors);
  for (const auto& cursor : cursors) {
    cursor->SeekToFirst();
    const std::string found = cursor->Valid() ? "" : cursor->status().ToString();
    EXPECT_THAT(found, AnyOf(IsEmpty(), get.ToString()));
  }
  EXPECT_EQ(tree_.Compact(*tree_.Manual(0)).ToString(), get.ToString());
  EXPECT_TRUE(tree_.state().failure().ok()) << "nothing was written";
}

TEST_F(TableCacheTest, ADamagedTableWhoseTombstonesAreNeededFailsTheCompaction) {
  tree_.DeleteRange("b", "c");
  ASSERT_TRUE(tree_.Flush().ok());
  const std::string name = TableName(tree_.version()->files(0).front()->number());
  Damage(name);
  Reopen();
  EXPECT_TRUE(tree_.version()->CollectTombstones().status().IsCorruption());
  const Status compacted = tree_.Compact(*tree_.Manual(0));
  EXPECT_TRUE(compacted.IsCorruption()) << compacted;
  EXPECT_THAT(compacted.message(), HasSubstr(name));
}

TEST_F(TableCacheTest, ANewTableIsOpenedBeforeItCounts) {
  Reopen();
  auto meta = tree_.version()->files(0).front()->meta();
  meta.number = tree_.state().NewFileNumber();
  manifest::VersionEdit edit;
  edit.AddFile(kLevels - 1, meta);
  EXPECT_TRUE(tree_.state().LogAndApply({edit}).IsCorruption()) << "there is no such file";
  EXPECT_TRUE(tree_.state().failure().ok());
  tree_.Check();
}

TEST_F(TableCacheTest, AReplacedTableIsHandedOverStillOpen) {
  Reopen();
  EXPECT_TRUE(Get("a").ok());
  ASSERT_TRUE(tree_.Compact(*tree_.Manual(0)).ok());
  size_t open = 0;
  for (const ObsoleteFile& file : tree_.state().TakeObsolete()) open += file.table != nullptr;
  EXPECT_GE(open, 1U) << "closing it is for whoever takes it";
  EXPECT_EQ(tree_.state().open_tables(), 1U) << "only the new one";
  tree_.Check();
}

TEST_F(TableCacheTest, AReadOnlyOpenOpensAllTables) {
  BlockCache cache(1 << 16);
  VersionStateOptions options;
  options.max_open_tables = 2;
  options.read_only = true;
  const auto reader = VersionState::Open(tree_.memory(), "/db", cache, options);
  ASSERT_TRUE(reader.ok()) << reader.status();
  tree_.SetMaxOpenTables(0);
  // The writer removes what the reader reads.
  ASSERT_TRUE(tree_.Compact(*tree_.Manual(0)).ok());
  for (const ObsoleteFile& file : tree_.state().TakeObsolete()) {
    ASSERT_TRUE(tree_.memory().Remove("/db/" + TableName(file.number)).ok());
  }
  for (const char* key : {"a", "b", "c", "d"}) {
    LookupResult result;
    const std::string engine_key = TestTree::Key(key);
    ASSERT_TRUE((*reader)->current()->Get(engine_key, keys::kMaxSequence, &result).ok());
    EXPECT_EQ(result.state, LookupResult::State::kFound);
  }
}

}  // namespace
}  // namespace nokv::lsm
