#include "config/settings_file.h"

#include <gtest/gtest.h>

#include <string>

#include "testing/data_driven.h"

namespace nokv::config {
namespace {

std::string Text(const Place& at) {
  return std::to_string(at.line) + ":" + std::to_string(at.column);
}

std::string Parsed(const datadriven::DataCase& c) {
  constexpr const char* kKinds[] = {"text", "number", "switch"};
  const SettingsFile file = ParseSettings(c.input);
  std::string text;
  for (const Setting& setting : file.settings) {
    text += Text(setting.name_at) + " " + setting.name + " " + Text(setting.value_at) + " " +
            kKinds[static_cast<int>(setting.kind)] + " [" + setting.text + "]\n";
  }
  for (const Problem& problem : file.problems) {
    text += "problem " + Text(problem.at) + " " + problem.what + "\n";
  }
  return text;
}

TEST(SettingsFileTest, SaysWhatIsWrittenAndWhere) {
  EXPECT_EQ(datadriven::Check(
                std::string(NOKV_SOURCE_DIR) + "/src/config/testdata/settings_file.txt", Parsed),
            "");
}

// What cannot be written into a text file of cases.
std::string FirstProblem(const std::string& text) {
  const SettingsFile file = ParseSettings(text);
  return file.problems.empty() ? "" : Text(file.problems[0].at) + " " + file.problems[0].what;
}

TEST(SettingsFileTest, BytesThatAreNotTextAreRefused) {
  EXPECT_EQ(FirstProblem(""),
            "1:1 is not JSON: syntax error while parsing value - unexpected end "
            "of input; expected '[', '{', or a literal");
  EXPECT_NE(FirstProblem("{\"a\": \"\xff\"}").find("ill-formed UTF-8"), std::string::npos);
  EXPECT_NE(FirstProblem(std::string("{\"a\": \"\0\"}", 9)).find("U+0000"), std::string::npos);
  EXPECT_EQ(FirstProblem("\xef\xbb\xbf{\"a\": \"1\"}"), "") << "a byte order mark is none";
}

TEST(SettingsFileTest, NestingCostsNothing) {
  const std::string deep(100'000, '[');
  EXPECT_EQ(FirstProblem("{\"a\": " + deep),
            "1:2 \"a\" is a list, not text, a number, true or "
            "false");
  EXPECT_EQ(ParseSettings("{\"a\": " + deep).problems.size(), 2U);
}

}  // namespace
}  // namespace nokv::config
