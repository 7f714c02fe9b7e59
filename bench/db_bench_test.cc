#include "bench/db_bench.h"

#include <gtest/gtest.h>

#include <sstream>

#include "bench/workload/staples.h"

namespace nokv::bench {
namespace {

DbFlags Small() {
  DbFlags flags;
  flags.trial.records = 300;
  flags.trial.ops = 1000;
  flags.trial.value_bytes = 50;
  flags.trial.threads = 2;
  flags.trial.directory = ::testing::TempDir();
  return flags;
}

class DbBenchTest : public ::testing::Test {
 protected:
  std::ostringstream out_, err_;
  const cli::Environment environment_{out_, err_, nullptr};
};

TEST_F(DbBenchTest, EveryStapleDoesItsOperations) {
  const auto rows = MeasureDb(Small(), environment_);
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), Staples().size());
  for (const Row& row : *rows) {
    const PhaseResult& result = row.report.result;
    const bool whole = row.workload.starts_with("fill") || row.workload == "readseq";
    EXPECT_EQ(result.ops, whole ? 300U : 1000U) << row.workload;
    const bool puts = row.workload.starts_with("fill") || row.workload == "overwrite";
    EXPECT_EQ(result.puts, puts ? result.ops : 0U) << row.workload;
  }
}

TEST_F(DbBenchTest, ReadsAfterDeletesMayFindNothing) {
  DbFlags flags = Small();
  flags.benchmarks = "fillrandom,deleterandom,readrandom,seekrandom,readseq,fillseq,readrandom";
  const auto rows = MeasureDb(flags, environment_);
  ASSERT_TRUE(rows.ok()) << rows.status();
  // A thousand deletes of three hundred keys leave next to none.
  EXPECT_LT(rows->at(4).report.result.rows, 100U);
}

TEST(BenchmarksTest, NamesAreChecked) {
  EXPECT_EQ(ParseBenchmarks("fillseq,readrandom")->size(), 2U);
  EXPECT_EQ(ParseBenchmarks("all")->size(), Staples().size());
  EXPECT_EQ(ParseBenchmarks("fillseq,readrandon").status().message(),
            "no benchmark is called 'readrandon'");
  EXPECT_EQ(ParseBenchmarks("readrandom,fillseq").status().message(), "readrandom needs data");
  EXPECT_FALSE(ParseBenchmarks("").ok());
}

}  // namespace
}  // namespace nokv::bench
