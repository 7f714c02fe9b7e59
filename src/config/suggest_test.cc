#include "config/suggest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nokv::config {
namespace {

TEST(SuggestTest, FindsSwappedMissingAndWrongLettersOnly) {
  const std::vector<std::string> words = {"stats", "serve", "manifest"};
  EXPECT_EQ(Suggest("sttas", words), "stats");
  EXPECT_EQ(Suggest("serv", words), "serve");
  EXPECT_EQ(Suggest("manifesto", words), "manifest");
  EXPECT_EQ(Suggest("get", words), "");
  EXPECT_EQ(Suggest("", words), "");
  EXPECT_EQ(Suggest(std::string(100'000, 's'), words), "");
}

}  // namespace
}  // namespace nokv::config
