#include "metrics/metrics.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "metrics/registry.h"
#include "metrics/sampled_histogram.h"

namespace nokv::metrics {
namespace {

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

TEST(HistogramTest, EveryValueFallsIntoTheBucketThatCoversIt) {
  for (int bit = 0; bit < 64; bit++) {
    for (const uint64_t offset : {uint64_t{0}, uint64_t{1}, uint64_t{1} << bit >> 2}) {
      const uint64_t value = (uint64_t{1} << bit) + offset;
      const size_t bucket = Histogram::BucketOf(value);
      EXPECT_LE(value, Histogram::BucketUpperBound(bucket)) << value;
      if (bucket > 0) {
        EXPECT_GT(value, Histogram::BucketUpperBound(bucket - 1)) << value;
      }
    }
  }
  EXPECT_EQ(Histogram::BucketOf(0), 0U);
  EXPECT_EQ(Histogram::BucketUpperBound(Histogram::BucketOf(kMax)), kMax);
}

TEST(HistogramTest, PercentilesAreRightToOneSixteenth) {
  Histogram histogram;
  for (uint64_t value = 1; value <= 10'000; value++) histogram.Record(value);
  const HistogramSnapshot snapshot = histogram.Snapshot();
  EXPECT_EQ(snapshot.count(), 10'000U);
  EXPECT_EQ(snapshot.max(), 10'000U);
  EXPECT_DOUBLE_EQ(snapshot.mean(), 5000.5);
  for (const double percent : {1.0, 50.0, 90.0, 99.0, 99.9}) {
    const auto exact = static_cast<uint64_t>(percent * 100);
    EXPECT_GE(snapshot.Percentile(percent), exact);
    EXPECT_LE(snapshot.Percentile(percent), exact + exact / 16 + 1);
  }
  EXPECT_EQ(snapshot.Percentile(100), 10'000U);
}

TEST(HistogramTest, EmptyHistogramAnswersZero) {
  const HistogramSnapshot snapshot = Histogram().Snapshot();
  EXPECT_EQ(snapshot.Percentile(50), 0U);
  EXPECT_EQ(snapshot.mean(), 0);
}

TEST(HistogramTest, CountsUpToABoundThatIsIncluded) {
  Histogram histogram;
  for (const uint64_t value : {0, 1, 64, 65, 100}) histogram.Record(value);
  EXPECT_EQ(histogram.Snapshot().CountUpTo(1), 2U);
  EXPECT_EQ(histogram.Snapshot().CountUpTo(64), 3U);
  EXPECT_EQ(histogram.Snapshot().CountUpTo(1 << 20), 5U);
}

TEST(RegistryTest, ReturnsTheSameMetricForTheSameNameAndLabels) {
  Registry registry;
  Counter& reads = registry.GetCounter("nokv_x_ops_total", "Operations.", {{"op", "read"}});
  reads.Add(3);
  EXPECT_EQ(&reads, &registry.GetCounter("nokv_x_ops_total", "", {{"op", "read"}}));
  EXPECT_NE(&reads, &registry.GetCounter("nokv_x_ops_total", "", {{"op", "write"}}));
}

TEST(RegistryTest, RendersPrometheusTextSortedByName) {
  Registry registry;
  registry.GetGauge("nokv_x_queue_depth", "Waiting\nrequests.").Set(-2);
  registry.GetCounter("nokv_x_ops_total", "Operations.", {{"op", "a\"\\\n"}}).Add(7);
  registry.GetCounter("nokv_x_ops_total", "Operations.", {{"op", "b"}}).Add();
  TextWriter writer;
  registry.Write(writer);
  EXPECT_EQ(writer.text(),
            "# HELP nokv_x_ops_total Operations.\n"
            "# TYPE nokv_x_ops_total counter\n"
            "nokv_x_ops_total{op=\"a\\\"\\\\\\n\"} 7\n"
            "nokv_x_ops_total{op=\"b\"} 1\n"
            "# HELP nokv_x_queue_depth Waiting\\nrequests.\n"
            "# TYPE nokv_x_queue_depth gauge\n"
            "nokv_x_queue_depth -2\n");
}

TEST(RegistryTest, RendersHistogramsInTheUnitOfTheirName) {
  Registry registry;
  Histogram& latency = registry.GetHistogram("nokv_x_latency_seconds", "Latency.", 1e-6);
  latency.Record(16);
  latency.Record(17);
  latency.Record(2'000'000);
  TextWriter writer;
  registry.Write(writer);
  const std::string& text = writer.text();
  EXPECT_NE(text.find("# TYPE nokv_x_latency_seconds histogram\n"), std::string::npos);
  EXPECT_NE(text.find("nokv_x_latency_seconds_bucket{le=\"1.6e-05\"} 1\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("nokv_x_latency_seconds_bucket{le=\"6.4e-05\"} 2\n"), std::string::npos);
  EXPECT_NE(text.find("nokv_x_latency_seconds_bucket{le=\"+Inf\"} 3\n"
                      "nokv_x_latency_seconds_sum 2.000033\n"
                      "nokv_x_latency_seconds_count 3\n"),
            std::string::npos)
      << text;
}

TEST(RegistryDeathTest, StopsOnANameOfAnotherForm) {
  Registry registry;
  EXPECT_DEATH(registry.GetCounter("Requests", "x"), "metric name Requests");
  registry.GetCounter("nokv_x_total", "x");
  EXPECT_DEATH(registry.GetGauge("nokv_x_total", "x"), "another kind");
}

TEST(SampledHistogramTest, CountsAllAndTimesOneInSixteen) {
  SampledHistogram histogram;
  uint64_t timed = 0;
  for (int i = 0; i < 33; i++) {
    if (!histogram.Count()) continue;
    timed++;
    histogram.Record(100);
  }
  EXPECT_EQ(timed, 3U);
  EXPECT_EQ(histogram.count(), 33U);
  EXPECT_EQ(histogram.Snapshot().count(), 3U);
}

}  // namespace
}  // namespace nokv::metrics
