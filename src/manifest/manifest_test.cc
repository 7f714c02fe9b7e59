#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "base/coding.h"
#include "base/crc32c.h"
#include "keys/keys.h"
#include "manifest/current.h"
#include "manifest/format.h"
#include "manifest/manifest_names.h"
#include "manifest/manifest_reader.h"
#include "manifest/manifest_writer.h"
#include "vfs/fault_fs.h"
#include "vfs/memory_fs.h"

namespace nokv::manifest {
namespace {

using ::testing::HasSubstr;
using Loss = vfs::MemoryFileSystem::Loss;

constexpr uint64_t kNumber = 7;
constexpr char kPath[] = "/db/MANIFEST-000007";

FileMetadata File(uint64_t number) {
  FileMetadata file;
  file.number = number;
  file.smallest = keys::EncodeInternalKey(keys::EncodeEngineKey(keys::Keyspace::kData, "a"),
                                          keys::PackTrailer(7, keys::Kind::kPut));
  file.largest = file.smallest;
  return file;
}

VersionEdit EmptyDatabase() {
  DatabaseState state;
  state.comparator = kComparatorName;
  return state.Snapshot();
}

// Group i: table i arrives and table i - 1 goes, in two edits.
EditGroup Group(uint64_t i) {
  EditGroup group(2);
  group[0].AddFile(0, File(i));
  group[1].last_sequence = i;
  if (i > 1) group[1].DeleteFile(0, i - 1);
  return group;
}

class ManifestTest : public ::testing::Test {
 protected:
  ManifestTest() : fs_(vfs::NewMemoryFileSystem()), faulty_(vfs::NewFaultFileSystem(*fs_)) {
    EXPECT_TRUE(fs_->CreateDirs("/db").ok() && fs_->SyncDir("/").ok());
  }

  // A manifest with the groups 1 to `groups`.
  std::unique_ptr<ManifestWriter> Write(uint64_t groups) {
    auto writer = ManifestWriter::Create(*faulty_, "/db", kNumber, EmptyDatabase());
    EXPECT_TRUE(writer.ok()) << writer.status();
    for (uint64_t i = 1; i <= groups; i++) {
      const Status status = (*writer)->Append(Group(i));
      EXPECT_TRUE(status.ok()) << status;
    }
    return std::move(*writer);
  }

  static std::string Content(vfs::FileSystem& fs) { return *fs.ReadFile(kPath, 1 << 20); }

  Result<std::optional<ManifestState>> ReadWith(std::string content) {
    EXPECT_TRUE(fs_->Overwrite(kPath, std::move(content)).ok());
    return ReadManifest(*fs_, "/db");
  }

  // How many groups after the snapshot `state` has; checks that none is there in part.
  static uint64_t GroupsIn(const ManifestState& state) {
    const uint64_t groups = state.state.last_sequence;
    EXPECT_EQ(state.state.levels[0].size(), groups == 0 ? 0U : 1U);
    EXPECT_EQ(state.state.levels[0].contains(groups), groups > 0);
    return groups;
  }

  std::unique_ptr<vfs::MemoryFileSystem> fs_;
  std::unique_ptr<vfs::FaultFileSystem> faulty_;
};

TEST_F(ManifestTest, ReadsBackWhatWasAppended) {
  const auto writer = Write(3);
  const auto read = ReadManifest(*fs_, "/db");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ((*read)->number, kNumber);
  EXPECT_EQ((*read)->groups, 4U);
  EXPECT_EQ((*read)->file_bytes, writer->file_bytes());
  EXPECT_EQ((*read)->torn_tail, std::nullopt);
  EXPECT_EQ(GroupsIn(**read), 3U);
}

TEST_F(ManifestTest, EveryFlippedByteIsFoundExceptInTheLastMark) {
  Write(3);
  const std::string whole = Content(*fs_);
  for (size_t i = 0; i < whole.size(); i++) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    const auto read = ReadWith(damaged);
    if (i >= whole.size() - kMarkBytes) {
      ASSERT_TRUE(read.ok()) << "byte " << i << ": " << read.status();
      EXPECT_EQ(GroupsIn(**read), 3U);
      continue;
    }
    ASSERT_TRUE(read.status().IsCorruption()) << "byte " << i;
    EXPECT_THAT(read.status().message(), HasSubstr(kPath));
    EXPECT_THAT(read.status().message(), HasSubstr("nothing was changed"));
    EXPECT_THAT(read.status().message(), HasSubstr("offset"));
    EXPECT_FALSE(read.status().hint().empty());
    EXPECT_EQ(Content(*fs_), damaged) << "reading changed the file";
  }
}

TEST_F(ManifestTest, EveryCutGivesAPrefixOfTheGroupsOrDamage) {
  Write(3);
  const std::string whole = Content(*fs_);
  uint64_t greatest = 0;
  for (size_t length = 0; length <= whole.size(); length++) {
    const auto read = ReadWith(whole.substr(0, length));
    if (!read.ok()) {
      EXPECT_TRUE(read.status().IsCorruption()) << read.status();
      EXPECT_EQ(greatest, 0U) << "a cut after the snapshot is a torn tail";
      continue;
    }
    const uint64_t groups = GroupsIn(**read);
    EXPECT_GE(groups, greatest);
    greatest = groups;
  }
  EXPECT_EQ(greatest, 3U);
}

TEST_F(ManifestTest, IgnoresAndReportsATornLastRecord) {
  const auto writer = Write(2);
  const std::string whole = Content(*fs_);
  const std::string torn = EncodeGroup(Group(3), whole.size());
  const auto read = ReadWith(whole + torn.substr(0, torn.size() - 1));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(GroupsIn(**read), 2U);
  EXPECT_EQ((*read)->torn_tail, (TornTail{whole.size(), torn.size() - 1}));
}

TEST_F(ManifestTest, ADamagedLastGroupWithItsMarkIsNoTornTail) {
  Write(2);
  std::string content = Content(*fs_);
  content[content.size() - kMarkBytes - 1] ^= 1;
  const Status status = ReadWith(content).status();
  EXPECT_TRUE(status.IsCorruption()) << status;
  EXPECT_THAT(status.message(), HasSubstr("record 4 at offset"));
}

TEST_F(ManifestTest, AMarkLostTogetherWithAnUnsyncedGroupIsHarmless) {
  Write(2);
  std::string content = Content(*fs_);
  const size_t mark = content.size() - kMarkBytes;
  content.replace(mark, kMarkBytes, std::string(kMarkBytes, '\0'));
  content += EncodeGroup(Group(3), content.size());
  const auto read = ReadWith(content);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(GroupsIn(**read), 3U);

  content += EncodeMark(content.size());
  EXPECT_TRUE(ReadWith(content).status().IsCorruption()) << "the synced group covers the mark";
}

TEST_F(ManifestTest, ARecordInTheWrongPlaceIsNoRecord) {
  Write(1);
  const std::string whole = Content(*fs_);
  const auto read = ReadWith(whole + EncodeGroup(Group(2), whole.size() + 1));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(GroupsIn(**read), 1U);
  EXPECT_TRUE((*read)->torn_tail.has_value());
}

TEST_F(ManifestTest, RefusesANewerFormatVersion) {
  Write(1);
  std::string content = Content(*fs_);
  base::StoreFixed32(content.data() + 8, 3);
  base::StoreFixed32(content.data() + 28, base::MaskCrc(base::Crc32c({content.data(), 28})));
  const Status status = ReadWith(content).status();
  EXPECT_EQ(status.code(), StatusCode::kUnimplemented) << status;
  EXPECT_THAT(status.message(), HasSubstr("format version 3"));
}

TEST_F(ManifestTest, ReadsTheFirstFormatVersion) {
  Write(1);
  std::string content = Content(*fs_);
  base::StoreFixed32(content.data() + 8, static_cast<uint32_t>(FormatVersion::kInitial));
  base::StoreFixed32(content.data() + 28, base::MaskCrc(base::Crc32c({content.data(), 28})));
  const auto read = ReadWith(content);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(GroupsIn(**read), 1U);
}

TEST_F(ManifestTest, RefusesAnotherManifestsContent) {
  Write(1);
  const std::string content = Content(*fs_);
  ASSERT_TRUE(WriteCurrent(*fs_, "/db", 8).ok());
  auto file = fs_->CreateAppend("/db/MANIFEST-000008");
  ASSERT_TRUE((*file)->Append(content).ok());
  EXPECT_TRUE(ReadManifest(*fs_, "/db").status().IsCorruption());
}

TEST_F(ManifestTest, AFailedSyncIsFinalAndNothingFollowsIt) {
  const auto writer = Write(1);
  faulty_->SetObserver([](const vfs::Operation& op) {
    vfs::Fault fault;
    if (op.op == vfs::Op::kSync) fault.error_number = EIO;
    return fault;
  });
  EXPECT_FALSE(writer->Append(Group(2)).ok());
  faulty_->SetObserver(nullptr);
  const std::string content = Content(*fs_);
  const Status again = writer->Append(Group(2));
  EXPECT_FALSE(again.ok());
  EXPECT_THAT(again.message(), HasSubstr(kPath));
  EXPECT_EQ(Content(*fs_), content);
  // After power loss the group is there as a whole or not at all.
  for (uint64_t seed = 0; seed < 50; seed++) {
    const auto crashed = fs_->CrashClone(Loss::kRandom, seed);
    const auto read = ReadManifest(*crashed, "/db");
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_GE(GroupsIn(**read), 1U);
  }
}

TEST_F(ManifestTest, AGroupIsDurableEvenIfItsMarkCannotBeWritten) {
  const auto writer = Write(1);
  uint64_t appends = 0;
  faulty_->SetObserver([&](const vfs::Operation& op) {
    vfs::Fault fault;
    if (op.op == vfs::Op::kAppend && ++appends == 2) {
      fault.error_number = ENOSPC;
      fault.partial_bytes = 5;
    }
    return fault;
  });
  EXPECT_TRUE(writer->Append(Group(2)).ok());
  EXPECT_FALSE(writer->Append(Group(3)).ok()) << "nothing may follow half a mark";
  const auto read = ReadManifest(*fs_, "/db");
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(GroupsIn(**read), 2U);
}

// Cuts the power at every operation of a run and checks that every acknowledged group is there and
// none is there in part.
TEST_F(ManifestTest, PowerLossKeepsAcknowledgedGroups) {
  constexpr uint64_t kGroups = 12;
  uint64_t acknowledged = 0;
  uint64_t cuts = 0;
  bool created = false;
  faulty_->SetObserver([&](const vfs::Operation&) {
    for (uint64_t seed = 0; seed < 20; seed++) {
      const auto crashed = fs_->CrashClone(Loss::kRandom, seed * 1000 + cuts);
      const auto read = ReadManifest(*crashed, "/db");
      EXPECT_TRUE(read.ok() || !created) << read.status();
      if (!read.ok()) continue;
      EXPECT_TRUE(read->has_value() || !created);
      if (!read->has_value()) continue;
      const uint64_t groups = GroupsIn(**read);
      EXPECT_GE(groups, acknowledged);
      EXPECT_LE(groups, acknowledged + 1);
    }
    cuts++;
    return vfs::Fault{};
  });
  auto writer = ManifestWriter::Create(*faulty_, "/db", kFirstManifestNumber, EmptyDatabase());
  ASSERT_TRUE(writer.ok()) << writer.status();
  created = true;
  for (uint64_t i = 1; i <= kGroups; i++) {
    ASSERT_TRUE((*writer)->Append(Group(i)).ok());
    acknowledged = i;
  }
  EXPECT_GT(cuts, kGroups * 3);
}

TEST_F(ManifestTest, RemovesStraysButNotTheLiveManifest) {
  Write(1);
  for (const char* name : {"MANIFEST-000003", "CURRENT.tmp", "00012.sst", "00003.wal"}) {
    ASSERT_TRUE(fs_->CreateAppend(std::string("/db/") + name).ok());
  }
  ASSERT_TRUE(RemoveStrayManifests(*fs_, "/db", kNumber).ok());
  EXPECT_THAT(*fs_->List("/db"),
              testing::ElementsAre("00003.wal", "00012.sst", "CURRENT", "MANIFEST-000007"));
}

}  // namespace
}  // namespace nokv::manifest
