#include "manifest/current.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "manifest/manifest_names.h"
#include "manifest/manifest_reader.h"
#include "vfs/fault_fs.h"
#include "vfs/memory_fs.h"

namespace nokv::manifest {
namespace {

using ::testing::HasSubstr;

class CurrentTest : public ::testing::Test {
 protected:
  CurrentTest() : fs_(vfs::NewMemoryFileSystem()) {
    EXPECT_TRUE(fs_->CreateDirs("/db").ok() && fs_->SyncDir("/").ok());
  }

  void CreateFile(const std::string& name) {
    auto file = fs_->CreateAppend("/db/" + name);
    ASSERT_TRUE(file.ok()) << file.status();
    EXPECT_TRUE((*file)->Close().ok());
  }

  std::unique_ptr<vfs::MemoryFileSystem> fs_;
};

TEST_F(CurrentTest, NamesTheManifestThatWasWritten) {
  ASSERT_TRUE(WriteCurrent(*fs_, "/db", 5).ok());
  EXPECT_EQ(*ReadCurrent(*fs_, "/db"), 5U);
  const Result<std::string> content = fs_->ReadFile("/db/CURRENT", 1000);
  EXPECT_THAT(*content, testing::MatchesRegex("MANIFEST-000005\nnokv-current 1 crc32c "
                                              "[0-9a-f]{8}\n"));
}

TEST_F(CurrentTest, EveryFlippedByteAndEveryCutIsRefused) {
  const std::string whole = EncodeCurrent(123456789);
  for (size_t i = 0; i < whole.size(); i++) {
    for (const char mask : {'\x01', '\x20', '\x80'}) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ mask);
      const Status status = DecodeCurrent(damaged, "/db/CURRENT").status();
      EXPECT_FALSE(status.ok()) << damaged;
      EXPECT_THAT(status.message(), HasSubstr("/db/CURRENT"));
    }
    const Status cut = DecodeCurrent(whole.substr(0, i), "/db/CURRENT").status();
    EXPECT_TRUE(cut.IsCorruption()) << cut;
    EXPECT_FALSE(cut.hint().empty());
  }
  EXPECT_TRUE(DecodeCurrent(whole + "x", "/db/CURRENT").status().IsCorruption());
}

TEST_F(CurrentTest, ANewerFormIsNotCalledDamage) {
  std::string newer = EncodeCurrent(5);
  newer.replace(newer.find("current 1"), 9, "current 2");
  EXPECT_EQ(DecodeCurrent(newer, "CURRENT").status().code(), StatusCode::kUnimplemented);
}

TEST_F(CurrentTest, AnEmptyOrAbsentDirectoryHoldsNoDatabase) {
  EXPECT_EQ(*ReadCurrent(*fs_, "/db"), std::nullopt);
  EXPECT_EQ(*ReadCurrent(*fs_, "/nowhere"), std::nullopt);
  CreateFile("LOCK");
  CreateFile("CURRENT.tmp");
  EXPECT_EQ(*ReadCurrent(*fs_, "/db"), std::nullopt);
}

TEST_F(CurrentTest, AMissingCurrentBesideDatabaseFilesIsDamageAndNeverAFreshDatabase) {
  for (const std::string name : {"MANIFEST-000005", "00012.sst", "00003.wal"}) {
    CreateFile(name);
    const Result<std::optional<ManifestState>> read = ReadManifest(*fs_, "/db");
    EXPECT_TRUE(read.status().IsCorruption()) << name << ": " << read.status();
    EXPECT_THAT(read.status().message(), HasSubstr("CURRENT is missing but " + name));
    EXPECT_FALSE(read.status().hint().empty());
    ASSERT_TRUE(fs_->Remove("/db/" + name).ok());
  }
}

TEST_F(CurrentTest, AnInterruptedCreationCountsAsNothing) {
  CreateFile(ManifestName(kFirstManifestNumber));
  EXPECT_EQ(*ReadCurrent(*fs_, "/db"), std::nullopt);
}

TEST_F(CurrentTest, AMissingManifestIsNamedTogetherWithCurrent) {
  ASSERT_TRUE(WriteCurrent(*fs_, "/db", 5).ok());
  const Status status = ReadManifest(*fs_, "/db").status();
  EXPECT_TRUE(status.IsCorruption()) << status;
  EXPECT_THAT(status.message(), HasSubstr("/db/CURRENT"));
  EXPECT_THAT(status.message(), HasSubstr("MANIFEST-000005"));
}

TEST_F(CurrentTest, AnInterruptedReplacementLeavesOldOrNew) {
  ASSERT_TRUE(WriteCurrent(*fs_, "/db", 5).ok());
  auto faulty = vfs::NewFaultFileSystem(*fs_);
  for (uint64_t fail_at = 0;; fail_at++) {
    std::unique_ptr<vfs::MemoryFileSystem> crashed;
    uint64_t seen = 0;
    faulty->SetObserver([&](const vfs::Operation&) {
      if (seen++ == fail_at) {
        crashed = fs_->CrashClone(vfs::MemoryFileSystem::Loss::kRandom, fail_at);
      }
      return vfs::Fault{};
    });
    ASSERT_TRUE(WriteCurrent(*faulty, "/db", 6).ok());
    ASSERT_TRUE(WriteCurrent(*fs_, "/db", 5).ok());
    if (crashed == nullptr) break;
    const auto number = ReadCurrent(*crashed, "/db");
    ASSERT_TRUE(number.ok()) << number.status();
    EXPECT_TRUE(*number == 5U || *number == 6U);
  }
}

TEST(ManifestNamesTest, ParsesItsOwnNamesOnly) {
  EXPECT_EQ(ManifestName(5), "MANIFEST-000005");
  for (const uint64_t number : {uint64_t{0}, uint64_t{999999}, uint64_t{1000000}, UINT64_MAX}) {
    EXPECT_EQ(ParseManifestName(ManifestName(number)), number);
  }
  for (const char* name :
       {"MANIFEST-", "MANIFEST-5", "MANIFEST-0000005", "MANIFEST-00000x",
        "MANIFEST-99999999999999999999", "MANIFEST-000005.tmp", "manifest-000005"}) {
    EXPECT_EQ(ParseManifestName(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace nokv::manifest
