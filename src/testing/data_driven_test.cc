#include "testing/data_driven.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "testing/temp_dir.h"

namespace nokv::datadriven {
namespace {

std::string Describe(const DataCase& data) {
  if (data.command == "echo") return data.input;
  if (data.command == "silent") return "";
  std::string text;
  for (const DataArg& arg : data.args) {
    text += arg.key;
    for (const std::string& value : arg.values) text += " [" + value + "]";
    text += "\n";
  }
  return text;
}

class DataDrivenTest : public testing::Test {
 protected:
  std::string Write(const std::string& text) {
    std::ofstream(Path()) << text;
    return Path();
  }
  std::string Path() const { return dir_.path() + "/cases.txt"; }
  std::string Read() const {
    std::ifstream in(Path());
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  std::string ErrorOf(const std::string& text) {
    const auto result = RunDataFile(Write(text), false, Describe);
    const std::string message(result.status().message());
    return message.substr(message.find("cases.txt"));
  }

  const TempDir dir_;
};

TEST_F(DataDrivenTest, EveryFormOfCaseIsUnderstood) {
  EXPECT_EQ(Check(NOKV_SOURCE_DIR "/src/testing/testdata/example.txt", Describe), "");
}

TEST_F(DataDrivenTest, RewritingWhatIsRightChangesNothing) {
  std::filesystem::copy(NOKV_SOURCE_DIR "/src/testing/testdata/example.txt", Path());
  const std::string before = Read();
  EXPECT_TRUE(RunDataFile(Path(), true, Describe)->empty());
  EXPECT_EQ(Read(), before);
}

TEST_F(DataDrivenTest, MismatchesAreReportedWithTheirPosition) {
  Write("echo\nx\n----\nx\n\n# comment\necho\ny\n----\nz\n");
  const auto mismatches = RunDataFile(Path(), false, Describe);
  ASSERT_TRUE(mismatches.ok()) << mismatches.status();
  ASSERT_EQ(mismatches->size(), 1U);
  EXPECT_EQ(mismatches->front().position, Path() + ":7");
  EXPECT_EQ(mismatches->front().expected, "z\n");
  EXPECT_EQ(mismatches->front().actual, "y\n");
}

TEST_F(DataDrivenTest, RewriteReplacesOutputsAndKeepsTheRest) {
  Write("# head\necho\na\n\nb\n----\nold\n\nsilent\n----\nold\n\necho\n----x\n----\n# tail\n");
  EXPECT_TRUE(RunDataFile(Path(), true, Describe)->empty());
  EXPECT_EQ(Read(),
            "# head\necho\na\n\nb\n----\n----\na\n\nb\n----\n----\n\nsilent\n----\n\n"
            "echo\n----x\n----\n----\n----x\n----\n----\n");
  EXPECT_TRUE(RunDataFile(Path(), false, Describe)->empty());
}

TEST_F(DataDrivenTest, ArgumentsAreFoundByKey) {
  std::string found;
  Write("run a=(1,2) b\n----\n");
  ASSERT_TRUE(RunDataFile(Path(), false, [&](const DataCase& data) {
                found = data.Value("a") + data.Value("b", "none") + data.Value("c", "no");
                EXPECT_TRUE(data.Has("b"));
                EXPECT_FALSE(data.Has("c"));
                return "";
              }).ok());
  EXPECT_EQ(found, "1noneno");
}

TEST_F(DataDrivenTest, BrokenFilesAreRefusedWithTheLine) {
  EXPECT_EQ(ErrorOf("\necho\nx\n"),
            "cases.txt:3: the command at " + Path() + ":2 has no ---- after it");
  EXPECT_EQ(ErrorOf("echo a=(b\n----\n"), "cases.txt:1: a parenthesis has no partner");
  EXPECT_EQ(ErrorOf("----\nx\n"), "cases.txt:1: output without a command");
  EXPECT_EQ(ErrorOf("echo\n----\n----\nx\n"),
            "cases.txt:4: the output of " + Path() + ":1 does not end in ---- twice");
  EXPECT_TRUE(RunDataFile(dir_.path() + "/none.txt", false, Describe).status().IsNotFound());
}

}  // namespace
}  // namespace nokv::datadriven
