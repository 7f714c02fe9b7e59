// The tools against real database directories.
#include "cli/inspect_directory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include "cli/command.h"
#include "cli/nokv_commands.h"
#include "nokv/db.h"

namespace nokv::cli {
namespace {

class InspectDirectoryTest : public testing::Test {
 protected:
  InspectDirectoryTest() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    dir_ = testing::TempDir() + "/nokv_" + test->name();
    std::filesystem::remove_all(dir_);
  }
  ~InspectDirectoryTest() override { std::filesystem::remove_all(dir_); }

  std::unique_ptr<DB> OpenWithOneTable() {
    auto db = DB::Open({}, dir_);
    EXPECT_TRUE(db.ok()) << db.status();
    EXPECT_TRUE((*db)->Put({}, "flushed", "1").ok());
    EXPECT_TRUE((*db)->Flush().ok());
    EXPECT_TRUE((*db)->Put({}, "logged", "2").ok());
    return std::move(db).value();
  }

  // Name to content of every file.
  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    for (const auto& file : std::filesystem::recursive_directory_iterator(dir_)) {
      std::ostringstream content;
      if (file.is_regular_file()) content << std::ifstream(file.path(), std::ios::binary).rdbuf();
      files[file.path()] = content.str();
    }
    return files;
  }

  int Nokv(const Args& args) {
    std::ostringstream out;
    std::ostringstream err;
    const int code =
        RunProgram(NokvProgram(), args, {.out = out, .err = err, .inspect = InspectDirectory});
    printed_ = out.str() + err.str();
    return code;
  }

  std::string dir_;
  std::string printed_;
};

TEST_F(InspectDirectoryTest, ReadsBesideALiveWriterWithoutChangingAByte) {
  const std::unique_ptr<DB> db = OpenWithOneTable();
  const auto before = Files();
  const auto inspection = InspectDirectory(dir_);
  ASSERT_TRUE(inspection.ok()) << inspection.status();
  EXPECT_EQ(inspection->stats.entries, 2);
  ASSERT_EQ(inspection->manifest.levels.size(), 1U);
  EXPECT_EQ(inspection->manifest.levels[0].file_count, 1U);
  EXPECT_EQ(Nokv({"manifest", "--workdir", dir_}), kExitOk);
  EXPECT_NE(printed_.find("  - L0 files=1 "), std::string::npos) << printed_;
  EXPECT_EQ(Files(), before);
}

TEST_F(InspectDirectoryTest, FindsNothingInAnEmptyDirectoryAndLeavesItEmpty) {
  std::filesystem::create_directory(dir_);
  EXPECT_EQ(Nokv({"stats", "--workdir", dir_}), kExitNotFound);
  EXPECT_EQ(Nokv({"manifest", "--workdir", dir_}), kExitNotFound);
  EXPECT_TRUE(printed_.starts_with("error: manifest not found in " + dir_ + "\n")) << printed_;
  EXPECT_TRUE(Files().empty());
  EXPECT_EQ(Nokv({"stats", "--workdir", dir_ + "/none"}), kExitNotFound);
}

TEST_F(InspectDirectoryTest, SaysThatCurrentIsMissing) {
  OpenWithOneTable().reset();
  std::filesystem::remove(dir_ + "/CURRENT");
  EXPECT_EQ(Nokv({"stats", "--workdir", dir_}), kExitCorruption);
  EXPECT_TRUE(printed_.starts_with("error[E1102]: ")) << printed_;
  EXPECT_EQ(Nokv({"manifest", "--workdir", dir_}), kExitNotFound);
  EXPECT_TRUE(printed_.starts_with("error[E1102]: manifest not found in " + dir_ + "\n"));
}

TEST_F(InspectDirectoryTest, ReadsADirectoryOfEveryMode) {
  OpenWithOneTable().reset();
  std::ofstream(dir_ + "/MODE.json") << R"({"mode": "cluster"})";
  EXPECT_EQ(DB::Open({}, dir_).status().error_number(), 1101);
  EXPECT_EQ(Nokv({"stats", "--workdir", dir_}), kExitOk) << printed_;
}

}  // namespace
}  // namespace nokv::cli
