// The contract of vfs.h, checked against every implementation.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "testing/temp_dir.h"
#include "vfs/fault_fs.h"
#include "vfs/memory_fs.h"
#include "vfs/vfs.h"

namespace nokv::vfs {
namespace {

// A file system with an empty directory to work in.
struct Fixture {
  virtual ~Fixture() = default;
  FileSystem* fs = nullptr;
  std::string dir;
};

struct PosixFixture : Fixture {
  PosixFixture() {
    dir = temporary.path();
    fs = &PosixFileSystem();
  }
  const TempDir temporary;
};

struct MemoryFixture : Fixture {
  MemoryFixture() : memory(NewMemoryFileSystem()) {
    fs = memory.get();
    dir = "/db";
    EXPECT_TRUE(fs->CreateDirs(dir).ok());
  }
  std::unique_ptr<MemoryFileSystem> memory;
};

struct FaultFixture : MemoryFixture {
  FaultFixture() : fault(NewFaultFileSystem(*memory)) { fs = fault.get(); }
  std::unique_ptr<FaultFileSystem> fault;
};

struct Form {
  const char* name;
  std::function<std::unique_ptr<Fixture>()> make;
};

class FileSystemTest : public testing::TestWithParam<Form> {
 protected:
  std::string Path(std::string_view name) const { return JoinPath(fixture_->dir, name); }
  FileSystem& fs() { return *fixture_->fs; }
  void Put(std::string_view name, std::string_view content) {
    auto file = fs().CreateAppend(Path(name));
    ASSERT_TRUE(file.ok()) << file.status();
    ASSERT_TRUE((*file)->Append(content).ok());
    ASSERT_TRUE((*file)->Close().ok());
  }
  std::string Get(std::string_view name) {
    const auto content = fs().ReadFile(Path(name), 1 << 20);
    return content.ok() ? *content : content.status().ToString();
  }

  const std::unique_ptr<Fixture> fixture_ = GetParam().make();
};

INSTANTIATE_TEST_SUITE_P(
    Forms, FileSystemTest,
    testing::Values(Form{"Posix", [] { return std::make_unique<PosixFixture>(); }},
                    Form{"Memory", [] { return std::make_unique<MemoryFixture>(); }},
                    Form{"Fault", [] { return std::make_unique<FaultFixture>(); }}),
    [](const auto& form) { return form.param.name; });

TEST_P(FileSystemTest, AppendedDataAreReadBack) {
  auto file = fs().CreateAppend(Path("a"));
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->Append("hello ").ok());
  ASSERT_TRUE((*file)->Append("").ok());
  ASSERT_TRUE((*file)->Append("world").ok());
  EXPECT_EQ(Get("a"), "hello world");
  ASSERT_TRUE((*file)->Sync().ok());
  EXPECT_GE(*fs().AllocatedSize(Path("a")), 1U);
  ASSERT_TRUE((*file)->Close().ok());
  EXPECT_TRUE((*file)->Close().ok());
  EXPECT_EQ((*file)->Append("x").code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ((*file)->Sync().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(*fs().FileSize(Path("a")), 11U);
}

TEST_P(FileSystemTest, CreationRefusesAnExistingFileAndAMissingDirectory) {
  Put("a", "old");
  EXPECT_EQ(fs().CreateAppend(Path("a")).status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(fs().CreateMapped(Path("a"), 4096).status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(Get("a"), "old");
  EXPECT_EQ(fs().CreateAppend(Path("no/a")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(fs().CreateMapped(Path("no/a"), 1).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(fs().CreateMapped(Path("empty"), 0).status().code(), StatusCode::kInvalidArgument);
  EXPECT_FALSE(*fs().Exists(Path("empty")));
}

TEST_P(FileSystemTest, MissingFilesAreNotFoundAndTheMessageNamesThem) {
  EXPECT_EQ(fs().OpenRandom(Path("no"), ReadMode::kRead).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(fs().ReadFile(Path("no"), 9).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(fs().FileSize(Path("no")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(fs().AllocatedSize(Path("no")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(fs().List(Path("no")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(fs().SyncDir(Path("no")).code(), StatusCode::kNotFound);
  EXPECT_EQ(fs().Rename(Path("no"), Path("b")).code(), StatusCode::kNotFound);
  const Status removed = fs().Remove(Path("no"));
  EXPECT_EQ(removed.code(), StatusCode::kNotFound);
  EXPECT_EQ(removed.message(), "remove " + Path("no") + ": No such file or directory");
  Put("file", "");
  EXPECT_FALSE(*fs().Exists(Path("file/child")));
}

TEST_P(FileSystemTest, NewFilesAreForTheirOwnerOnly) {
  Put("a", "");
  EXPECT_EQ(fs().Mode(Path("a"))->permissions, 0600U);
  ASSERT_TRUE(fs().CreateDirs(Path("d")).ok());
  EXPECT_EQ(fs().Mode(Path("d"))->permissions, 0700U);
  EXPECT_EQ(fs().Mode(Path("no")).status().code(), StatusCode::kNotFound);
}

TEST_P(FileSystemTest, RandomReadsAreShortOnlyAtTheEnd) {
  std::string content;
  for (int i = 0; i < 10000; i++) content += std::to_string(i);
  Put("a", content);
  auto file = fs().OpenRandom(Path("a"), ReadMode::kRead);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ((*file)->Size(), content.size());
  std::string scratch(content.size() + 100, '\0');
  for (const uint64_t offset :
       {uint64_t{0}, uint64_t{16383}, content.size() - 3, content.size(), content.size() + 50}) {
    std::string_view result = "?";
    ASSERT_TRUE((*file)->Read(offset, 20000, scratch.data(), &result).ok());
    EXPECT_EQ(result, offset < content.size() ? content.substr(offset, 20000) : "") << offset;
  }
}

TEST_P(FileSystemTest, AFileThatMayBeMappedReadsTheSame) {
  Put("a", "0123456789");
  const auto file = *fs().OpenRandom(Path("a"), ReadMode::kMapped);
  EXPECT_EQ(file->Size(), 10U);
  for (const uint64_t offset : {0, 9, 10, 50}) {
    char scratch[16];
    std::string_view result = "?";
    ASSERT_TRUE(file->Read(offset, 5, scratch, &result).ok());
    EXPECT_EQ(result, offset < 10 ? std::string("0123456789").substr(offset, 5) : "") << offset;
  }
  const bool mapped = !file->memory().empty();
  EXPECT_EQ(file->memory(), mapped ? "0123456789" : "");
  for (const uint64_t offset : {0, 9, 10, 5000}) file->Prefetch(offset, 100);
  ASSERT_TRUE(fs().Remove(Path("a")).ok());
  EXPECT_EQ(file->memory(), mapped ? "0123456789" : "") << "removed";
  Put("empty", "");
  EXPECT_EQ((*fs().OpenRandom(Path("empty"), ReadMode::kMapped))->Size(), 0U);
  EXPECT_EQ(fs().OpenRandom(Path("no"), ReadMode::kMapped).status().code(), StatusCode::kNotFound);
}

TEST_P(FileSystemTest, WhatIsWrittenLaterShowsToWhoeverHasTheFileOpen) {
  const auto written = *fs().CreateMapped(Path("m"), 8192);
  const auto file = *fs().OpenRandom(Path("m"), ReadMode::kMapped);
  std::memcpy(written->data() + 5000, "later", 5);
  ASSERT_TRUE(written->Written(5000, 5).ok());
  ASSERT_TRUE(written->Close(5005).ok());
  char scratch[5];
  std::string_view result;
  ASSERT_TRUE(file->Read(5000, 5, scratch, &result).ok());
  EXPECT_EQ(result, "later");
}

TEST_P(FileSystemTest, RemovedFilesStayReadableThroughOpenHandles) {
  Put("a", "content");
  auto file = fs().OpenRandom(Path("a"), ReadMode::kRead);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(fs().Remove(Path("a")).ok());
  EXPECT_FALSE(*fs().Exists(Path("a")));
  char scratch[16];
  std::string_view result;
  ASSERT_TRUE((*file)->Read(0, sizeof(scratch), scratch, &result).ok());
  EXPECT_EQ(result, "content");
}

TEST_P(FileSystemTest, ReadFileRefusesMoreThanItsLimit) {
  Put("a", std::string(100000, 'x'));
  EXPECT_EQ(fs().ReadFile(Path("a"), 100000)->size(), 100000U);
  EXPECT_EQ(fs().ReadFile(Path("a"), UINT64_MAX)->size(), 100000U);
  EXPECT_EQ(fs().ReadFile(Path("a"), 99999).status().code(), StatusCode::kResourceExhausted);
  Put("empty", "");
  EXPECT_EQ(*fs().ReadFile(Path("empty"), 0), "");
}

TEST_P(FileSystemTest, MappedFilesShowDeclaredBytesAndShrinkAtClose) {
  auto mapped = fs().CreateMapped(Path("m"), 40000);
  ASSERT_TRUE(mapped.ok()) << mapped.status();
  MappedFile& file = **mapped;
  EXPECT_EQ(file.size(), 40000U);
  EXPECT_EQ(Get("m"), std::string(40000, '\0'));
  EXPECT_GE(*fs().AllocatedSize(Path("m")), 40000U);
  std::memcpy(file.data() + 20000, "abc", 3);
  ASSERT_TRUE(file.Written(20000, 3).ok());
  ASSERT_TRUE(file.Sync().ok());
  EXPECT_EQ(Get("m").substr(19999, 5), std::string_view("\0abc\0", 5));
  EXPECT_EQ(file.Close(40001).code(), StatusCode::kInvalidArgument);
  ASSERT_TRUE(file.Close(20002).ok());
  EXPECT_TRUE(file.Close(20002).ok());
  EXPECT_EQ(file.data(), nullptr);
  EXPECT_EQ(file.Sync().code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(file.Written(0, 1).code(), StatusCode::kFailedPrecondition);
  EXPECT_EQ(Get("m"), std::string(20000, '\0') + "ab");
}

TEST_P(FileSystemTest, WhatIsWrittenToAMappedFileAtAPlaceIsStoredThere) {
  auto mapped = *fs().CreateMapped(Path("m"), 20000);
  std::memcpy(mapped->data() + 4093, "x", 1);
  ASSERT_TRUE(mapped->Written(4093, 1).ok());
  ASSERT_TRUE(mapped->WriteAt(4094, "abcd").ok());
  EXPECT_EQ(std::string_view(mapped->data() + 4093, 6), std::string_view("xabcd\0", 6));
  ASSERT_TRUE(mapped->Sync().ok());
  ASSERT_TRUE(mapped->Close(4098).ok());
  EXPECT_EQ(Get("m").substr(4092), std::string_view("\0xabcd", 6));
  EXPECT_EQ(mapped->WriteAt(0, "a").code(), StatusCode::kFailedPrecondition);
}

TEST_P(FileSystemTest, WritingAheadChangesNothing) {
  auto mapped = *fs().CreateMapped(Path("m"), 20000);
  std::memcpy(mapped->data() + 4094, "abcd", 4);
  ASSERT_TRUE(mapped->Written(4094, 4).ok());
  ASSERT_TRUE(mapped->WriteAhead(10, 19990).ok());
  ASSERT_TRUE(mapped->Sync().ok());
  ASSERT_TRUE(mapped->Close(20000).ok());
  std::string expected(20000, '\0');
  expected.replace(4094, 4, "abcd");
  EXPECT_EQ(*fs().ReadFile(Path("m"), 20000), expected);
}

TEST_P(FileSystemTest, RenameReplacesItsTarget) {
  Put("a", "new");
  Put("b", "old");
  ASSERT_TRUE(fs().Rename(Path("a"), Path("b")).ok());
  EXPECT_FALSE(*fs().Exists(Path("a")));
  EXPECT_EQ(Get("b"), "new");
  ASSERT_TRUE(fs().Rename(Path("b"), Path("b")).ok());
  EXPECT_EQ(Get("b"), "new");
}

TEST_P(FileSystemTest, LinkGivesAFileASecondName) {
  Put("a", "content");
  Put("c", "other");
  ASSERT_TRUE(fs().Link(Path("a"), Path("b")).ok());
  EXPECT_EQ(Get("b"), "content");
  EXPECT_EQ(fs().Link(Path("a"), Path("c")).code(), StatusCode::kAlreadyExists);
  EXPECT_TRUE(fs().Link(Path("no"), Path("d")).IsNotFound());
  ASSERT_TRUE(fs().Remove(Path("a")).ok());
  EXPECT_EQ(Get("b"), "content");
  EXPECT_EQ(Get("c"), "other");
}

TEST_P(FileSystemTest, SyncFileWantsAFile) {
  Put("a", "content");
  EXPECT_TRUE(fs().SyncFile(Path("a")).ok());
  EXPECT_TRUE(fs().SyncFile(Path("no")).IsNotFound());
}

TEST_P(FileSystemTest, CopyFileMakesAFileOfItsOwn) {
  const std::string content(700'000, 'c');
  Put("a", content);
  ASSERT_TRUE(CopyFile(fs(), Path("a"), Path("b")).ok());
  ASSERT_TRUE(fs().Remove(Path("a")).ok());
  EXPECT_EQ(Get("b"), content);
  Put("a", "");
  EXPECT_EQ(CopyFile(fs(), Path("a"), Path("b")).code(), StatusCode::kAlreadyExists);
}

TEST_P(FileSystemTest, RenameMovesBetweenDirectoriesButNeverIntoItself) {
  ASSERT_TRUE(fs().CreateDirs(Path("x/y")).ok());
  Put("a", "1");
  ASSERT_TRUE(fs().Rename(Path("a"), Path("x/y/b")).ok());
  EXPECT_EQ(Get("x/y/b"), "1");
  EXPECT_FALSE(fs().Rename(Path("x"), Path("x/y/z")).ok());
  EXPECT_FALSE(fs().Rename(Path("x/y/b"), Path("x")).ok());
  EXPECT_EQ(Get("x/y/b"), "1");
}

TEST_P(FileSystemTest, DirectoriesAreListedInOrder) {
  ASSERT_TRUE(fs().CreateDirs(Path("x/y/z")).ok());
  ASSERT_TRUE(fs().CreateDirs(Path("x/y/")).ok());
  for (const char* name : {"x/c", "x/a", "x/b"}) Put(name, "");
  EXPECT_EQ(*fs().List(Path("x")), (std::vector<std::string>{"a", "b", "c", "y"}));
  EXPECT_TRUE(fs().SyncDir(Path("x")).ok());
  for (const char* path : {"x/a", "x/a/b"}) {
    const Status status = fs().CreateDirs(Path(path));
    EXPECT_EQ(status.code(), StatusCode::kFailedPrecondition) << status;
    EXPECT_NE(status.message().find("x/a: Not a directory"), std::string_view::npos) << status;
  }
  EXPECT_FALSE(fs().List(Path("x/a")).ok());
}

TEST_P(FileSystemTest, RemoveTakesEmptyDirectoriesOnly) {
  ASSERT_TRUE(fs().CreateDirs(Path("x")).ok());
  Put("x/a", "");
  EXPECT_FALSE(fs().Remove(Path("x")).ok());
  ASSERT_TRUE(fs().Remove(Path("x/a")).ok());
  EXPECT_TRUE(fs().Remove(Path("x")).ok());
  EXPECT_FALSE(*fs().Exists(Path("x")));
}

TEST_P(FileSystemTest, FreeSpaceIsKnown) {
  EXPECT_GT(*fs().FreeSpace(fixture_->dir), 0U);
  EXPECT_FALSE(fs().FreeSpace(Path("no")).ok());
}

TEST_P(FileSystemTest, SecondExclusiveHolderIsToldWhoHasTheLock) {
  auto first = fs().LockExclusive(Path("LOCK"), "a longer owner\n");
  ASSERT_TRUE(first.ok()) << first.status();
  first = Status::NotFound("released");
  first = fs().LockExclusive(Path("LOCK"), "nokv pid 7\n");
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(Get("LOCK"), "nokv pid 7\n");
  const Status refused = fs().LockExclusive(Path("LOCK"), "nokv pid 8\n").status();
  EXPECT_EQ(refused.code(), StatusCode::kUnavailable);
  EXPECT_EQ(refused.message(), Path("LOCK") + " is held by nokv pid 7");
  EXPECT_EQ(Get("LOCK"), "nokv pid 7\n");
}

TEST_P(FileSystemTest, SharedLocksBlockNobodyAndAreSeen) {
  EXPECT_EQ(fs().LockShared(Path("LOCK")).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(fs().HasReaders(Path("LOCK")).status().code(), StatusCode::kNotFound);
  auto writer = fs().LockExclusive(Path("LOCK"), "writer");
  ASSERT_TRUE(writer.ok());
  EXPECT_FALSE(*fs().HasReaders(Path("LOCK")));
  auto reader = fs().LockShared(Path("LOCK"));
  auto another = fs().LockShared(Path("LOCK"));
  ASSERT_TRUE(reader.ok() && another.ok());
  EXPECT_TRUE(*fs().HasReaders(Path("LOCK")));
  EXPECT_EQ(Get("LOCK"), "writer");
  writer = Status::NotFound("released");
  writer = fs().LockExclusive(Path("LOCK"), "next");
  EXPECT_TRUE(writer.ok()) << "a reader stands in the way";
  reader = Status::NotFound("released");
  EXPECT_TRUE(*fs().HasReaders(Path("LOCK")));
  another = Status::NotFound("released");
  EXPECT_FALSE(*fs().HasReaders(Path("LOCK")));
}

TEST_P(FileSystemTest, WriteFileAtomicallyReplacesAndCleansUpAfterAnInterruptedAttempt) {
  Put("CURRENT", "old");
  Put("CURRENT.tmp", "half of an earlier atte");
  ASSERT_TRUE(WriteFileAtomically(fs(), Path("CURRENT"), "new").ok());
  EXPECT_EQ(Get("CURRENT"), "new");
  EXPECT_FALSE(*fs().Exists(Path("CURRENT.tmp")));
}

TEST(PosixFileSystemTest, FilesAndDirectoriesArePrivate) {
  PosixFixture fixture;
  const std::string dir = fixture.dir + "/d";
  ASSERT_TRUE(fixture.fs->CreateDirs(dir).ok());
  ASSERT_TRUE(fixture.fs->CreateAppend(dir + "/a").ok());
  ASSERT_TRUE(fixture.fs->LockExclusive(dir + "/LOCK", "me").ok());
  struct stat info;
  ASSERT_EQ(::stat(dir.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
  for (const char* name : {"/a", "/LOCK"}) {
    ASSERT_EQ(::stat((dir + name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600U);
  }
}

TEST(PosixFileSystemTest, NoRoomForAMappedFileLeavesNoFile) {
  PosixFixture fixture;
  const std::string path = fixture.dir + "/m";
  // More than any device has.
  EXPECT_FALSE(fixture.fs->CreateMapped(path, uint64_t{1} << 60).ok());
  EXPECT_FALSE(*fixture.fs->Exists(path));
}

// True if every page between is mapped just now: no read of one has the system map it.
bool AreMapped(const char* data, size_t begin, size_t end) {
  const auto faults = [] {
    rusage usage = {};
    EXPECT_EQ(::getrusage(RUSAGE_THREAD, &usage), 0);
    return usage.ru_minflt;
  };
  const auto before = faults();
  for (size_t at = begin; at < end; at += 4096) {
    (void)*static_cast<const volatile char*>(data + at);
  }
  return faults() == before;
}

// Otherwise the system lets go of them one by one, and interrupts all processors for each.
TEST(PosixFileSystemTest, WhatIsWrittenBackIsNoLongerMapped) {
  constexpr size_t kPart = size_t{32} * 4096;
  PosixFixture fixture;
  const auto file = *fixture.fs->CreateMapped(JoinPath(fixture.dir, "m"), 2 * kPart);
  for (const size_t begin : {size_t{0}, kPart}) {
    std::memset(file->data() + begin, 'x', kPart);
    ASSERT_TRUE(file->Written(begin, kPart).ok());
    EXPECT_TRUE(AreMapped(file->data(), begin, begin + kPart));
    ASSERT_TRUE(file->Sync().ok());
    EXPECT_FALSE(AreMapped(file->data(), begin, begin + kPart));
  }
  EXPECT_EQ(*fixture.fs->ReadFile(JoinPath(fixture.dir, "m"), 2 * kPart),
            std::string(2 * kPart, 'x'));
}

TEST(PathTest, JoinsAndSplits) {
  EXPECT_EQ(JoinPath("/a", "b"), "/a/b");
  EXPECT_EQ(JoinPath("/a/", "b"), "/a/b");
  EXPECT_EQ(JoinPath("", "b"), "b");
  EXPECT_EQ(DirName("/a/b"), "/a");
  EXPECT_EQ(DirName("/a"), "/");
  EXPECT_EQ(DirName("a"), ".");
  EXPECT_EQ(BaseName("/a/b"), "b");
  EXPECT_EQ(BaseName("b"), "b");
}

TEST(FileModeTest, PermissionsAndRootAreThoseOfTheSystem) {
  const PosixFixture fixture;
  const std::string path = JoinPath(fixture.dir, "a");
  std::ofstream(path) << "x";
  std::filesystem::permissions(path, static_cast<std::filesystem::perms>(0640));
  EXPECT_EQ(fixture.fs->Mode(path)->permissions, 0640U);
  struct stat info;
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(fixture.fs->Mode(path)->of_root, info.st_uid == 0);
  EXPECT_TRUE(fixture.fs->Mode("/")->of_root);
}

TEST(ReadSecretTest, RefusesAFileThatOthersMayUse) {
  const MemoryFixture fixture;
  ASSERT_TRUE(WriteFileAtomically(*fixture.fs, "/db/key", "secret").ok());
  const auto read = [&](uint32_t permissions, bool of_root) {
    EXPECT_TRUE(fixture.memory->SetMode("/db/key", {permissions, of_root}).ok());
    const auto content = ReadSecret(*fixture.fs, "/db/key", 100);
    if (content.ok()) return *content;
    EXPECT_EQ(content.status().hint(), "chmod 600 /db/key");
    return std::string(content.status().message());
  };
  const std::string everybody = "the secret in /db/key is open to every user of this machine";
  const std::string group = "the secret in /db/key is open to the group of its owner";
  for (const bool of_root : {false, true}) {
    for (const uint32_t permissions : {0600, 0400, 0700}) {
      EXPECT_EQ(read(permissions, of_root), "secret") << permissions;
    }
    for (const uint32_t permissions : {0604, 0602, 0601, 0644, 0666}) {
      EXPECT_EQ(read(permissions, of_root), everybody) << permissions;
    }
    for (const uint32_t permissions : {0620, 0610, 0660}) {
      EXPECT_EQ(read(permissions, of_root), group) << permissions;
    }
  }
  EXPECT_EQ(read(0640, false), group);
  EXPECT_EQ(read(0640, true), "secret") << "as Debian keeps the keys of certificates";
  EXPECT_EQ(ReadSecret(*fixture.fs, "/db/no", 100).status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace nokv::vfs
