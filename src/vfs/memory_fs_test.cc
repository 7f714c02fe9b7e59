// What a crash may take away, and what it may not.
#include "vfs/memory_fs.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "vfs/memory_content.h"

namespace nokv::vfs {
namespace {

using Loss = MemoryFileSystem::Loss;
constexpr uint64_t kSeeds = 300;

class MemoryCrashTest : public testing::Test {
 protected:
  MemoryCrashTest() {
    EXPECT_TRUE(fs_->CreateDirs("/db").ok());
    EXPECT_TRUE(fs_->SyncDir("/").ok());
  }

  std::unique_ptr<AppendFile> Create(const std::string& path, std::string_view content,
                                     bool sync = true) {
    auto file = fs_->CreateAppend(path);
    EXPECT_TRUE(file.ok()) << file.status();
    EXPECT_TRUE((*file)->Append(content).ok());
    if (sync) {
      EXPECT_TRUE((*file)->Sync().ok());
    }
    return std::move(*file);
  }

  static std::string Get(FileSystem& fs, const std::string& path) {
    const auto content = fs.ReadFile(path, UINT64_MAX);
    return content.ok() ? *content : std::string(StatusCodeName(content.status().code()));
  }

  // What `describe` says of the disk after a crash, over many seeds.
  std::set<std::string> Outcomes(const std::function<std::string(FileSystem&)>& describe) {
    std::set<std::string> outcomes;
    for (uint64_t seed = 0; seed < kSeeds; seed++) {
      outcomes.insert(describe(*fs_->CrashClone(Loss::kRandom, seed)));
    }
    return outcomes;
  }

  std::unique_ptr<MemoryFileSystem> fs_ = NewMemoryFileSystem();
};

// "a:content b:not found", for outcome sets.
std::string Both(FileSystem& fs) {
  std::string line;
  for (const char* name : {"a", "b"}) {
    const auto content = fs.ReadFile(JoinPath("/db", name), UINT64_MAX);
    line += std::string(name) + "=" + (content.ok() ? *content : "-") + " ";
  }
  return line;
}

TEST_F(MemoryCrashTest, SyncedDataSurviveEveryCrash) {
  const auto file = Create("/db/a", "synced");
  ASSERT_TRUE(fs_->SyncDir("/db").ok());
  ASSERT_TRUE(file->Append(" and not").ok());
  EXPECT_EQ(Get(*fs_->CrashClone(Loss::kEverything, 0), "/db/a"), "synced");
  EXPECT_EQ(Get(*fs_->CrashClone(Loss::kNothing, 0), "/db/a"), "synced and not");
  for (uint64_t seed = 0; seed < kSeeds; seed++) {
    EXPECT_EQ(Get(*fs_->CrashClone(Loss::kRandom, seed), "/db/a").substr(0, 6), "synced");
  }
}

TEST_F(MemoryCrashTest, UnsyncedSectorsAndLengthAreLostIndependently) {
  Create("/db/a", std::string(2048, 'x'), /*sync=*/false);
  ASSERT_TRUE(fs_->SyncDir("/db").ok());
  bool hole = false, shorter = false, whole = false, nothing = false;
  for (uint64_t seed = 0; seed < kSeeds; seed++) {
    const std::string found = Get(*fs_->CrashClone(Loss::kRandom, seed), "/db/a");
    ASSERT_LE(found.size(), 2048U);
    for (size_t sector = 0; sector < found.size(); sector += 512) {
      const std::string bytes = found.substr(sector, 512);
      const bool kept = bytes == std::string(bytes.size(), 'x');
      ASSERT_TRUE(kept || bytes == std::string(bytes.size(), '\0')) << "a sector is torn";
      hole = hole || (!kept && found.find('x', sector) != std::string::npos);
    }
    shorter = shorter || (!found.empty() && found.size() < 2048);
    whole = whole || found == std::string(2048, 'x');
    nothing = nothing || found.empty();
  }
  EXPECT_TRUE(hole && shorter && whole && nothing);
}

TEST_F(MemoryCrashTest, OverwritesMayFallBackSectorBySector) {
  auto file = fs_->CreateMapped("/db/m", 1024);
  ASSERT_TRUE(file.ok());
  const auto fill = [&](char byte) {
    std::memset((*file)->data(), byte, 1024);
    EXPECT_TRUE((*file)->Written(0, 1024).ok());
  };
  fill('1');
  ASSERT_TRUE((*file)->Sync().ok());
  ASSERT_TRUE(fs_->SyncDir("/db").ok());
  fill('2');
  std::memset((*file)->data(), '3', 1024);  // stored but not declared: never seen
  const auto outcomes = Outcomes([](FileSystem& fs) {
    const std::string found = Get(fs, "/db/m");
    return std::to_string(found.size()) + found[0] + found[511] + found[512] + found[1023];
  });
  EXPECT_EQ(outcomes, (std::set<std::string>{"10241111", "10241122", "10242211", "10242222"}));
}

TEST_F(MemoryCrashTest, MappedCreationIsUnsyncedUntilSync) {
  auto file = fs_->CreateMapped("/db/m", 8192);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(fs_->SyncDir("/db").ok());
  EXPECT_EQ(*fs_->CrashClone(Loss::kEverything, 0)->FileSize("/db/m"), 0U);
  ASSERT_TRUE((*file)->Sync().ok());
  EXPECT_EQ(*fs_->CrashClone(Loss::kEverything, 0)->FileSize("/db/m"), 8192U);
  ASSERT_TRUE((*file)->Close(100).ok());
  EXPECT_EQ(*fs_->CrashClone(Loss::kEverything, 0)->FileSize("/db/m"), 8192U);
  EXPECT_EQ(*fs_->CrashClone(Loss::kNothing, 0)->FileSize("/db/m"), 100U);
}

TEST_F(MemoryCrashTest, SameSeedGivesTheSameDiskAndSeedsDiffer) {
  Create("/db/a", std::string(64 << 10, 'x'), /*sync=*/false);
  ASSERT_TRUE(fs_->SyncDir("/db").ok());
  std::set<std::string> outcomes;
  for (uint64_t seed = 0; seed < 20; seed++) {
    const std::string once = Get(*fs_->CrashClone(Loss::kRandom, seed), "/db/a");
    EXPECT_EQ(once, Get(*fs_->CrashClone(Loss::kRandom, seed), "/db/a"));
    outcomes.insert(once);
  }
  EXPECT_GT(outcomes.size(), 5U);
}

TEST_F(MemoryCrashTest, EntriesAreDurableOnlyAfterSyncDir) {
  Create("/db/a", "A");
  Create("/db/b", "B");
  EXPECT_EQ(Outcomes(Both),
            (std::set<std::string>{"a=- b=- ", "a=A b=- ", "a=- b=B ", "a=A b=B "}));
  ASSERT_TRUE(fs_->SyncDir("/db").ok());
  EXPECT_EQ(Outcomes(Both), (std::set<std::string>{"a=A b=B "}));
  ASSERT_TRUE(fs_->Remove("/db/a").ok());
  EXPECT_EQ(Outcomes(Both), (std::set<std::string>{"a=- b=B ", "a=A b=B "}));
}

TEST_F(MemoryCrashTest, DirectoriesVanishWithAllTheyHoldUntilTheirParentIsSynced) {
  ASSERT_TRUE(fs_->CreateDirs("/db/sub").ok());
  Create("/db/sub/a", "A");
  ASSERT_TRUE(fs_->SyncDir("/db/sub").ok());
  EXPECT_FALSE(*fs_->CrashClone(Loss::kEverything, 0)->Exists("/db/sub"));
  ASSERT_TRUE(fs_->SyncDir("/db").ok());
  EXPECT_EQ(Get(*fs_->CrashClone(Loss::kEverything, 0), "/db/sub/a"), "A");
}

TEST_F(MemoryCrashTest, RenameIsKeptOrLostWholeAndTheOldTargetComesBack) {
  Create("/db/a", "new");
  Create("/db/b", "old");
  ASSERT_TRUE(fs_->SyncDir("/db").ok());
  ASSERT_TRUE(fs_->Rename("/db/a", "/db/b").ok());
  EXPECT_EQ(Outcomes(Both), (std::set<std::string>{"a=new b=old ", "a=- b=new "}));
  ASSERT_TRUE(fs_->SyncDir("/db").ok());
  EXPECT_EQ(Outcomes(Both), (std::set<std::string>{"a=- b=new "}));
}

TEST_F(MemoryCrashTest, ChangesOfOneNameKeepTheirOrder) {
  Create("/db/a", "1");
  ASSERT_TRUE(fs_->SyncDir("/db").ok());
  ASSERT_TRUE(fs_->Remove("/db/a").ok());
  Create("/db/a", "2");
  ASSERT_TRUE(fs_->Rename("/db/a", "/db/b").ok());
  EXPECT_EQ(Outcomes(Both),
            (std::set<std::string>{"a=1 b=- ", "a=- b=- ", "a=2 b=- ", "a=- b=2 "}));
}

TEST_F(MemoryCrashTest, LinkIsKeptOrLostAndTheFirstNameStays) {
  Create("/db/a", "A");
  ASSERT_TRUE(fs_->SyncDir("/db").ok());
  ASSERT_TRUE(fs_->Link("/db/a", "/db/b").ok());
  EXPECT_EQ(Outcomes(Both), (std::set<std::string>{"a=A b=- ", "a=A b=A "}));
  ASSERT_TRUE(fs_->SyncDir("/db").ok());
  EXPECT_EQ(Outcomes(Both), (std::set<std::string>{"a=A b=A "}));
}

TEST_F(MemoryCrashTest, SyncFileKeepsWhatAnotherWrote) {
  auto file = fs_->CreateAppend("/db/a");
  ASSERT_TRUE(file.ok() && (*file)->Append("A").ok() && fs_->SyncDir("/db").ok());
  EXPECT_GT(Outcomes(Both).size(), 1U);
  ASSERT_TRUE(fs_->SyncFile("/db/a").ok());
  EXPECT_EQ(Outcomes(Both), (std::set<std::string>{"a=A b=- "}));
}

TEST_F(MemoryCrashTest, RenameBetweenDirectoriesNeverLosesASyncedFile) {
  Create("/db/a", "A");
  ASSERT_TRUE(fs_->SyncDir("/db").ok());
  ASSERT_TRUE(fs_->CreateDirs("/db/sub").ok());
  ASSERT_TRUE(fs_->Rename("/db/a", "/db/sub/a").ok());
  const auto where = [](FileSystem& fs) { return Get(fs, "/db/a") + "|" + Get(fs, "/db/sub/a"); };
  EXPECT_EQ(Outcomes(where), (std::set<std::string>{"A|not found", "not found|A"}));
  // Syncing either directory makes the rename durable, with what it builds on.
  ASSERT_TRUE(fs_->SyncDir("/db").ok());
  EXPECT_EQ(Outcomes(where), (std::set<std::string>{"not found|A"}));
}

TEST_F(MemoryCrashTest, ClonesAndOriginalGoTheirOwnWays) {
  const auto file = Create("/db/a", std::string(40000, 'x'));
  ASSERT_TRUE(fs_->SyncDir("/db").ok());
  const auto clone = fs_->CrashClone(Loss::kEverything, 0);
  ASSERT_TRUE(file->Append("more").ok());
  ASSERT_TRUE(clone->Remove("/db/a").ok());
  EXPECT_EQ(*fs_->FileSize("/db/a"), 40004U);
  EXPECT_FALSE(*clone->Exists("/db/a"));
  EXPECT_FALSE(*clone->CrashClone(Loss::kNothing, 0)->Exists("/db/a"));
}

TEST_F(MemoryCrashTest, KillKeepsEverythingWrittenButNotItsDurability) {
  const auto lock = fs_->LockExclusive("/db/LOCK", "me");
  ASSERT_TRUE(lock.ok());
  Create("/db/a", "written", /*sync=*/false);
  const auto killed = fs_->KillClone();
  EXPECT_EQ(Get(*killed, "/db/a"), "written");
  EXPECT_TRUE(killed->LockExclusive("/db/LOCK", "next").ok());
  EXPECT_FALSE(*killed->CrashClone(Loss::kEverything, 0)->Exists("/db/a"));
  ASSERT_TRUE(killed->SyncDir("/db").ok());
  EXPECT_EQ(Get(*killed->CrashClone(Loss::kEverything, 0), "/db/a"), "");
  EXPECT_FALSE(*fs_->CrashClone(Loss::kEverything, 0)->Exists("/db/a"));
}

TEST(MemoryFileSystemTest, FullDiskTakesWhatFitsAndRecoversWhenFilesGo) {
  const auto fs = NewMemoryFileSystem();
  fs->SetCapacity(10);
  auto file = fs->CreateAppend("/a");
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Append("12345678").ok());
  EXPECT_EQ(*fs->FreeSpace("/"), 2U);
  EXPECT_EQ((*file)->Append("abc").code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(*fs->ReadFile("/a", 99), "12345678ab");
  EXPECT_EQ(fs->CreateMapped("/m", 5).status().code(), StatusCode::kResourceExhausted);
  EXPECT_FALSE(*fs->Exists("/m"));
  ASSERT_TRUE(fs->Remove("/a").ok());
  EXPECT_EQ(*fs->FreeSpace("/"), 10U);
  EXPECT_TRUE(fs->CreateMapped("/m", 5).ok());
  EXPECT_EQ(*fs->KillClone()->FreeSpace("/"), 5U);
}

TEST(MemoryFileSystemTest, OverwriteChangesDurableAndCurrentContent) {
  const auto fs = NewMemoryFileSystem();
  EXPECT_EQ(fs->Overwrite("/a", "x").code(), StatusCode::kNotFound);
  ASSERT_TRUE((*fs->CreateAppend("/a"))->Append("before").ok());
  ASSERT_TRUE(fs->SyncDir("/").ok());
  ASSERT_TRUE(fs->Overwrite("/a", "damaged").ok());
  EXPECT_EQ(*fs->ReadFile("/a", 99), "damaged");
  EXPECT_EQ(*fs->CrashClone(Loss::kEverything, 0)->ReadFile("/a", 99), "damaged");
}

TEST(MemoryFileSystemTest, OpenFilesOutliveTheFileSystem) {
  auto fs = NewMemoryFileSystem();
  auto file = fs->CreateAppend("/a");
  auto lock = fs->LockExclusive("/LOCK", "me");
  ASSERT_TRUE(file.ok() && lock.ok());
  fs = nullptr;
  EXPECT_TRUE((*file)->Append("x").ok());
}

TEST(MemoryContentTest, CutBytesReadAsZerosWhenTheFileGrowsAgain) {
  Content content(std::string(20000, 'x'));
  const Content before = content;
  content.Resize(10);
  content.Resize(20000);
  EXPECT_EQ(content.ToString(), std::string(10, 'x') + std::string(19990, '\0'));
  EXPECT_EQ(before.ToString(), std::string(20000, 'x'));
}

}  // namespace
}  // namespace nokv::vfs
