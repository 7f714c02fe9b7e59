#include "cli/log_sink.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace nokv::cli {
namespace {

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

TEST(LogSinkTest, WritesOneLinePerEventFromTheChosenLevelUp) {
  const std::string path = testing::TempDir() + "/log_sink_test.log";
  std::remove(path.c_str());
  auto log = OpenLog({.level = base::LogLevel::kWarning, .file = path});
  ASSERT_TRUE(log.ok()) << log.status();
  (*log)->Info("not this one");
  (*log)->Warning("disk {almost} full");
  (*log)->Error("first\nsecond");
  const std::string text = ReadAll(path);
  EXPECT_EQ(text.find("not this one"), std::string::npos);
  EXPECT_NE(text.find("Z warning: disk {almost} full\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Z error: first\\x0asecond\n"), std::string::npos) << text;
}

TEST(LogSinkTest, NamesAFileThatCannotBeOpened) {
  auto log = OpenLog({.file = "/proc/nokv/no.log"});
  ASSERT_FALSE(log.ok());
  EXPECT_EQ(log.status().code(), StatusCode::kUnavailable);
  EXPECT_NE(log.status().message().find("/proc/nokv/no.log"), std::string::npos);
}

TEST(LogSinkTest, EscapesControlBytesOnly) {
  EXPECT_EQ(EscapeLogMessage("a\tb\x7fz\xc3\xa4"), "a\\x09b\\x7fz\xc3\xa4");
}

}  // namespace
}  // namespace nokv::cli
