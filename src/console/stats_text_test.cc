#include "console/stats_text.h"

#include <gtest/gtest.h>

#include <string>

namespace nokv::console {
namespace {

TEST(StatsTextTest, NamesAValueOfAnUnknownType) {
  const Status status = StatsText(R"({"entries": "many"})").status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("entries"), std::string::npos);
  EXPECT_FALSE(StatsText(R"({"lsm": {"levels": [{"level": []}]}})").ok());
  EXPECT_FALSE(StatsText("[]").ok());
}

}  // namespace
}  // namespace nokv::console
