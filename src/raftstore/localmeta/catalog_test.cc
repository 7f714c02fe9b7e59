#include "raftstore/localmeta/catalog.h"

#include <gtest/gtest.h>

#include "vfs/memory_fs.h"

namespace nokv::raftstore {
namespace {

Catalog Sample() {
  return {{1,
           {{.id = 1, .range = {"", "m"}, .epoch = {1, 1}, .peers = {{1, 101}, {2, 201}}},
            ReplicaState::kRunning}},
          {7,
           {{.id = 7, .range = {"m", ""}, .epoch = {2, 5}, .peers = {{1, 107}}},
            ReplicaState::kTombstone}}};
}

TEST(CatalogTest, ADirectoryWithoutOneHostsNothing) {
  const auto fs = vfs::NewMemoryFileSystem();
  const Result<Catalog> catalog = ReadCatalog(*fs, "nosuch");
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  EXPECT_TRUE(catalog->empty());
}

TEST(CatalogTest, ReadsWhatWasWrittenAlsoAfterPowerLoss) {
  const auto fs = vfs::NewMemoryFileSystem();
  ASSERT_TRUE(fs->CreateDirs("store").ok());
  ASSERT_TRUE(fs->SyncDir(".").ok());
  ASSERT_TRUE(WriteCatalog(*fs, "store", {}).ok());
  ASSERT_TRUE(WriteCatalog(*fs, "store", Sample()).ok());
  const auto after = fs->CrashClone(vfs::MemoryFileSystem::Loss::kEverything, 1);
  const Result<Catalog> catalog = ReadCatalog(*after, "store");
  ASSERT_TRUE(catalog.ok()) << catalog.status();
  EXPECT_EQ(*catalog, Sample());
}

TEST(CatalogTest, EveryFlippedBitAndEveryCutIsRefused) {
  const std::string bytes = EncodeCatalog(Sample());
  for (size_t i = 0; i < bytes.size() * 8; i++) {
    std::string damaged = bytes;
    damaged[i / 8] = static_cast<char>(damaged[i / 8] ^ (1 << i % 8));
    EXPECT_FALSE(DecodeCatalog(damaged, "REGIONS").ok()) << "bit " << i;
  }
  for (size_t length = 0; length < bytes.size(); length++) {
    const Status status = DecodeCatalog(bytes.substr(0, length), "d/REGIONS").status();
    EXPECT_EQ(status.error_number(), 1309) << length;
    EXPECT_TRUE(status.message().starts_with("d/REGIONS: ")) << status;
  }
  EXPECT_EQ(DecodeCatalog(bytes + "x", "REGIONS").status().error_number(), 1309);
}

TEST(CatalogTest, ANewerFormatIsRefusedByName) {
  std::string bytes = EncodeCatalog(Sample());
  bytes[8] = 2;
  const Status status = DecodeCatalog(bytes, "REGIONS").status();
  EXPECT_EQ(status.error_number(), 1305);
  EXPECT_EQ(status.message(), "REGIONS: has format 2; this version knows 1");
}

TEST(CatalogTest, StatesHaveNames) {
  for (int i = 0; i < 4; i++) {
    const auto state = static_cast<ReplicaState>(i);
    EXPECT_EQ(ParseReplicaState(NameOf(state)), state);
  }
  EXPECT_EQ(ParseReplicaState("dead"), std::nullopt);
}

}  // namespace
}  // namespace nokv::raftstore
