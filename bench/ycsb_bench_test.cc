#include "bench/ycsb_bench.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "bench/workload/ycsb.h"

namespace nokv::bench {
namespace {

class YcsbBenchTest : public ::testing::Test {
 protected:
  Result<std::vector<Row>> Measure(const YcsbFlags& flags) {
    return MeasureYcsb(flags, environment_);
  }

  static YcsbFlags Small() {
    YcsbFlags flags;
    flags.trial.records = 500;
    flags.trial.ops = 1000;
    flags.trial.value_bytes = 100;
    flags.trial.threads = 3;
    flags.trial.directory = ::testing::TempDir();
    return flags;
  }

  std::ostringstream out_, err_;
  const cli::Environment environment_{out_, err_, nullptr};
};

// Peers run those that between them need all that an adaptor does.
TEST_F(YcsbBenchTest, EveryEngineThatIsBuiltRunsTheWorkloads) {
  for (const std::string& engine : BuiltEngines()) {
    if (engine == "log") continue;
    for (const Mix& mix : Mixes()) {
      if (engine != "nokv" && mix.name != "A" && mix.name != "E") continue;
      YcsbFlags flags = Small();
      flags.trial.engine = engine;
      flags.workload = mix.name;
      const auto rows = Measure(flags);
      ASSERT_TRUE(rows.ok()) << engine << " " << mix.name << ": " << rows.status();
      ASSERT_EQ(rows->size(), 2U);
      const Row& row = rows->front();
      const auto count = [&](OpKind kind) {
        return row.report.result.by_kind[static_cast<size_t>(kind)].count();
      };
      EXPECT_EQ(row.workload, mix.name);
      EXPECT_EQ(row.report.result.ops, 1000U);
      EXPECT_NEAR(static_cast<double>(count(OpKind::kUpdate)), 10.0 * mix.update, 80);
      EXPECT_NEAR(static_cast<double>(count(OpKind::kScan)), 10.0 * mix.scan, 80);
      EXPECT_EQ(row.live_records, 500 + count(OpKind::kInsert));
      EXPECT_EQ(rows->at(1).workload, "load");
      EXPECT_EQ(rows->at(1).report.result.puts, 500U);
    }
  }
}

TEST_F(YcsbBenchTest, RowsHaveTheFieldsThatAreDocumented) {
  const auto rows = Measure(Small());
  ASSERT_TRUE(rows.ok()) << rows.status();
  PrintRows(*rows, /*json=*/true, out_);
  const auto json = nlohmann::json::parse(out_.str());
  ASSERT_EQ(json.size(), 2U);
  for (const char* field :
       {"ops_per_sec", "load_ops_per_sec", "reopen_ms", "mean_us", "p50_us", "p95_us", "p99_us",
        "p999_us", "max_us", "cpu_us_per_op", "process_bytes_written", "bytes_written_per_byte_put",
        "space_bytes", "space_per_live_byte", "peak_anonymous_bytes", "foreign_cores",
        "distinct_keys", "expected_distinct_keys"}) {
    ASSERT_TRUE(json[0].contains(field)) << field;
    EXPECT_TRUE(json[0][field].is_number()) << field;
  }
  EXPECT_EQ(json[0]["workload"], "A");
  EXPECT_EQ(json[0]["engine"], "nokv");
  EXPECT_EQ(json[0]["engine_version"], "0.1.0");
  EXPECT_EQ(json[0]["memtable_bytes"], 64 << 20);
  EXPECT_EQ(json[0]["cache_bytes"], 256 << 20);
  EXPECT_GT(json[0]["ops_per_sec"], 0);
  EXPECT_GT(json[0]["peak_anonymous_bytes"], 0);
  EXPECT_GT(json[0]["operations"]["read"]["p999_us"], 0);
  EXPECT_EQ(json[0]["load_ops_per_sec"], json[1]["ops_per_sec"]);
  EXPECT_TRUE(json[1]["load_ops_per_sec"].is_null());
  EXPECT_EQ(json[1]["workload"], "load");
}

TEST_F(YcsbBenchTest, SyncedRunsHaveARowOfTheBareLog) {
  YcsbFlags flags = Small();
  flags.trial.sync = true;
  flags.trial.records = flags.trial.ops = 100;
  const auto rows = Measure(flags);
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 3U);
  EXPECT_EQ(rows->at(2).flags.engine, "log");
  EXPECT_EQ(rows->at(2).report.result.puts, 100U);
}

TEST_F(YcsbBenchTest, OperationsBeforeTheMeasuredOnesAreNotCounted) {
  YcsbFlags flags = Small();
  flags.warm_ops = 300;
  flags.workload = "D";
  const auto rows = Measure(flags);
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(rows->front().report.result.ops, 1000U);
}

TEST_F(YcsbBenchTest, MeasuredOperationsDoNotRepeatThoseBeforeThem) {
  YcsbFlags flags = Small();
  flags.trial.records = 20'000;
  flags.warm_ops = 1000;
  flags.workload = "C";
  flags.distribution = "uniform";
  const auto rows = Measure(flags);
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_GT(rows->front().distinct, 1500U) << "of 2000 draws";
}

TEST_F(YcsbBenchTest, TheDistributionMayBeAnother) {
  YcsbFlags flags = Small();
  flags.distribution = "uniform";
  flags.workload = "C";
  const auto rows = Measure(flags);
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_EQ(rows->front().distribution, "uniform");
  EXPECT_NEAR(*rows->front().expected_distinct, 500 * (1 - std::exp(-2)), 1);
}

TEST_F(YcsbBenchTest, AnEngineThatIsNotBuiltIsRefusedWithItsPackage) {
  const std::vector<std::string> built = BuiltEngines();
  for (const std::string& engine : EngineNames()) {
    if (std::find(built.begin(), built.end(), engine) != built.end()) continue;
    YcsbFlags flags = Small();
    flags.trial.engine = engine;
    const auto rows = Measure(flags);
    ASSERT_FALSE(rows.ok());
    EXPECT_EQ(rows.status().code(), StatusCode::kUnimplemented);
    EXPECT_NE(rows.status().hint().find("-dev"), std::string_view::npos);
  }
  EXPECT_EQ(OpenEngine("nosql", {}).status().code(), StatusCode::kInvalidArgument);
}

TEST(DistinctTest, AHotSetThatIsTooSmallIsFoundOut) {
  EXPECT_TRUE(DistinctIsPlausible(100'000, 100'500));
  EXPECT_FALSE(DistinctIsPlausible(17'000, 100'000));
  EXPECT_FALSE(DistinctIsPlausible(110'000, 100'000));
}

}  // namespace
}  // namespace nokv::bench
