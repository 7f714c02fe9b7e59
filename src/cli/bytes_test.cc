#include "cli/bytes.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "vfs/memory_fs.h"

namespace nokv::cli {
namespace {

Result<std::string> Parse(std::string_view text, const std::string& input = "") {
  const auto fs = vfs::NewMemoryFileSystem();
  std::istringstream in(input);
  return ParseBytes(text, &in, *fs, 1000);
}

TEST(BytesTest, ReadsEveryNotation) {
  EXPECT_EQ(*Parse("text with blanks"), "text with blanks");
  EXPECT_EQ(*Parse("hex:00fF41"), std::string("\0\xff\x41", 3));
  EXPECT_EQ(*Parse("hex:"), "");
  EXPECT_EQ(*Parse("b64:AP8="), std::string("\0\xff", 2));
  EXPECT_EQ(*Parse("-", "line\n"), "line\n");
  const auto fs = vfs::NewMemoryFileSystem();
  ASSERT_TRUE(vfs::WriteFileAtomically(*fs, "/file", "content").ok());
  EXPECT_EQ(*ParseBytes("@/file", nullptr, *fs, 1000), "content");
  EXPECT_TRUE(ParseBytes("@/none", nullptr, *fs, 1000).status().IsNotFound());
  EXPECT_FALSE(ParseBytes("@/file", nullptr, *fs, 3).ok());
}

TEST(BytesTest, RefusesDigitsThatAreNone) {
  for (const char* text :
       {"hex:0", "hex:0g", "hex: 00", "b64:AP8", "b64:AP9=", "b64:A===", "b64:====", "b64:AP-_"}) {
    EXPECT_EQ(Parse(text).status().code(), StatusCode::kInvalidArgument) << text;
  }
  EXPECT_FALSE(Parse("-", std::string(1001, 'x')).ok());
}

TEST(BytesTest, PrintsWhatReadsBackAsTheSameBytes) {
  const std::string all = [] {
    std::string bytes;
    for (int i = 0; i < 256; i++) bytes.push_back(static_cast<char>(i));
    return bytes;
  }();
  for (const std::string& bytes :
       {std::string("greeting"), std::string("a b"), std::string("grüße"), std::string(),
        std::string("-"), std::string("--workdir"), std::string("@file"), std::string("hex:00"),
        std::string("b64:"), std::string(" x"), std::string("x "), std::string("a  b"),
        std::string("a\tb"), std::string("a\nb"), std::string("\xff"), std::string("\xc2\x85"),
        std::string("\xed\xa0\x80"), all}) {
    const std::string printed = FormatBytes(bytes);
    EXPECT_EQ(*Parse(printed), bytes) << printed;
    EXPECT_FALSE(printed.starts_with("-") || printed.starts_with("@") || printed.empty());
    EXPECT_EQ(printed.find_first_of("\n\t\x85"), std::string::npos);
  }
  EXPECT_EQ(FormatBytes("grüße an alle"), "grüße an alle");
  EXPECT_EQ(FormatBytes("a  b"), "hex:61202062");
}

TEST(BytesTest, EncodesBase64) {
  for (const std::string& bytes : {std::string(), std::string("a"), std::string("ab"),
                                   std::string("abc"), std::string("\xff\0\xfe\x01", 4)}) {
    EXPECT_EQ(*Parse("b64:" + EncodeBase64(bytes)), bytes);
  }
  EXPECT_EQ(EncodeBase64("ab"), "YWI=");
}

}  // namespace
}  // namespace nokv::cli
