#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "cli/command.h"
#include "cli/nokv_commands.h"
#include "nokv/db.h"

namespace nokv::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

class DebugCommandTest : public testing::Test {
 protected:
  DebugCommandTest() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    dir_ = testing::TempDir() + "/nokv_debug_" + test->name();
    std::filesystem::remove_all(dir_);
    auto db = DB::Open({}, dir_);
    EXPECT_TRUE(db.ok()) << db.status();
    EXPECT_TRUE((*db)->Put({}, "flushed", "1").ok());
    EXPECT_TRUE((*db)->Flush().ok());
    EXPECT_TRUE((*db)->Put({}, "logged", "2").ok());
  }
  ~DebugCommandTest() override { std::filesystem::remove_all(dir_); }

  std::string FileWith(const std::string& suffix) const {
    for (const auto& file : std::filesystem::directory_iterator(dir_)) {
      if (file.path().string().ends_with(suffix)) return file.path();
    }
    return "";
  }

  int Nokv(Args args) {
    args.insert(args.end(), {"--workdir", dir_});
    std::ostringstream out;
    std::ostringstream err;
    const int code = RunProgram(NokvProgram(), args, {.out = out, .err = err, .inspect = {}});
    printed_ = out.str();
    errors_ = err.str();
    return code;
  }

  std::string dir_;
  std::string printed_;
  std::string errors_;
};

TEST_F(DebugCommandTest, VerifySaysOfEachFileThatItIsIntact) {
  EXPECT_EQ(Nokv({"debug", "verify"}), kExitOk);
  for (const char* file : {"CURRENT", "MANIFEST-", ".sst", ".wal"}) {
    EXPECT_THAT(printed_, HasSubstr(file));
  }
  EXPECT_THAT(printed_, Not(HasSubstr("damaged")));
  EXPECT_THAT(errors_, HasSubstr("0 damaged"));
}

TEST_F(DebugCommandTest, VerifyNamesADamagedTableAndTheWayOut) {
  std::fstream table(FileWith(".sst"), std::ios::in | std::ios::out | std::ios::binary);
  table.seekp(4);
  table.put('\x55');
  table.close();
  EXPECT_EQ(Nokv({"debug", "verify", "--json"}), kExitCorruption);
  EXPECT_THAT(printed_, HasSubstr(R"("verdict":"damaged")"));
  EXPECT_THAT(printed_, HasSubstr("backup"));
  EXPECT_THAT(errors_, HasSubstr("1 damaged"));
}

TEST_F(DebugCommandTest, DumpsShowWhatWasWritten) {
  EXPECT_EQ(Nokv({"debug", "wal", "-o", "csv"}), kExitOk) << errors_;
  EXPECT_THAT(printed_, HasSubstr("logged"));
  EXPECT_THAT(printed_, Not(HasSubstr("flushed"))) << "it is not replayed any more";
  EXPECT_EQ(Nokv({"debug", "manifest", "-o", "csv"}), kExitOk) << errors_;
  EXPECT_THAT(printed_, HasSubstr("add table"));
  const std::string name = std::filesystem::path(FileWith(".sst")).stem();
  EXPECT_EQ(Nokv({"debug", "sst", "--table", std::to_string(std::stoi(name)), "-o", "csv"}),
            kExitOk)
      << errors_;
  EXPECT_THAT(printed_, HasSubstr("put,1,flushed,1"));
  EXPECT_EQ(Nokv({"debug", "vlog"}), kExitOk) << errors_;
}

TEST_F(DebugCommandTest, LimitEndsADumpEarly) {
  EXPECT_EQ(Nokv({"debug", "manifest", "--limit", "2", "--no-header", "-o", "csv"}), kExitOk);
  EXPECT_EQ(std::count(printed_.begin(), printed_.end(), '\n'), 2);
}

TEST_F(DebugCommandTest, RefusesFlagsOfAnotherDump) {
  EXPECT_EQ(Nokv({"debug", "sst"}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("--table is missing"));
  EXPECT_EQ(Nokv({"debug", "wal", "--table", "3"}), kExitUsage);
  EXPECT_EQ(Nokv({"debug", "wal", "--columns", "file,fix"}), kExitUsage);
  EXPECT_THAT(errors_, HasSubstr("fix"));
}

}  // namespace
}  // namespace nokv::cli
