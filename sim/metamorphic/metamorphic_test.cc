#include "sim/metamorphic/metamorphic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace nokv::sim {
namespace {

using ::testing::HasSubstr;

TEST(MetamorphicTest, OptionsMakeNoDifferenceToAnyAnswer) {
  uint64_t answers = 0;
  for (uint64_t seed = 1; seed <= 12; seed++) {
    const MetamorphicReport report = RunMetamorphic({.seed = seed});
    EXPECT_EQ(report.difference, "");
    answers += report.answers;
  }
  EXPECT_GT(answers, 10'000U);
}

TEST(MetamorphicTest, AListHasEveryKindOfOperationAndTwoPlaysOfItAreOne) {
  std::set<std::string> kinds;
  for (uint64_t seed = 1; seed <= 5; seed++) {
    const auto answers = AnswersUnder({.seed = seed}, 3);
    EXPECT_EQ(answers, AnswersUnder({.seed = seed}, 3));
    EXPECT_NE(answers, AnswersUnder({.seed = seed + 1}, 3));
    for (const std::string& answer : answers) {
      kinds.insert(answer.substr(0, answer.find_first_of(" :")));
      EXPECT_THAT(answer, testing::Not(HasSubstr("corruption")));
    }
  }
  for (const char* kind : {"put", "delete", "batch", "get", "scan", "walk", "read", "commit",
                           "flush", "compact", "collect", "ingest", "checkpoint", "close", "all"}) {
    EXPECT_TRUE(kinds.contains(kind)) << kind;
  }
}

}  // namespace
}  // namespace nokv::sim
