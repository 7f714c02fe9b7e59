// client-output-buffer-limit: its text, and when a client must go.
#include "redis/output_limits.h"

#include <gtest/gtest.h>

namespace nokv::redis {
namespace {

std::string Set(std::string_view text) {
  OutputLimits limits;
  limits.classes[0] = {0, 0, 0};
  const std::string_view error = ParseOutputLimits(text, &limits);
  return error.empty() ? FormatOutputLimits(limits) : std::string(error);
}

TEST(OutputLimitsTest, ReadsAndShowsThemAsRedisDoes) {
  const std::string arity = "Wrong number of arguments in buffer limit configuration.";
  const std::string numbers =
      "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
  EXPECT_EQ(Set(""), "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60");
  EXPECT_EQ(Set("normal 1 2 3 PubSub 4kb 5k 06"),
            "normal 1 2 3 slave 268435456 67108864 60 pubsub 4096 5000 6");
  EXPECT_EQ(Set("replica 10mb 2b 3"), "normal 0 0 0 slave 10485760 2 3 pubsub 33554432 8388608 60");
  EXPECT_EQ(Set("normal"), arity);
  EXPECT_EQ(Set("pubsub  1mb  2mb 3"), arity);
  EXPECT_EQ(Set("pubsub 1mb 2mb 3 "), arity);
  EXPECT_EQ(Set(" pubsub 1 2 3"), arity);
  EXPECT_EQ(Set(std::string(1 << 20, ' ')), arity);
  EXPECT_EQ(Set("foo 1 2 3"), "Invalid client class specified in buffer limit configuration.");
  EXPECT_EQ(Set("pubsub 1x 2 3"), numbers);
  EXPECT_EQ(Set("pubsub -1 2 3"), numbers);
  EXPECT_EQ(Set("pubsub 1mb 2mb -3"), numbers);
  EXPECT_EQ(Set("pubsub 1mb 2mb 99999999999"), numbers);
  EXPECT_EQ(Set("pubsub 20000000000gb 1 1"), numbers);
}

TEST(OutputLimitsTest, ChangesNothingWhenAnyPartIsRefused) {
  OutputLimits limits;
  const std::string before = FormatOutputLimits(limits);
  EXPECT_NE(ParseOutputLimits("normal 1 2 3 pubsub x 2 3", &limits), "");
  EXPECT_EQ(FormatOutputLimits(limits), before);
}

TEST(OutputWatchTest, HardLimitIsTheEndAtOnce) {
  OutputWatch watch;
  const OutputLimit limit{100, 0, 0};
  EXPECT_FALSE(watch.Exceeds(limit, 100, 0));
  EXPECT_TRUE(watch.Exceeds(limit, 101, 0));
}

TEST(OutputWatchTest, SoftLimitIsTheEndWhenItLasts) {
  OutputWatch watch;
  const OutputLimit limit{0, 100, 2};
  EXPECT_FALSE(watch.Exceeds(limit, 101, 1000));
  EXPECT_FALSE(watch.Exceeds(limit, 101, 3000));
  EXPECT_TRUE(watch.Exceeds(limit, 101, 3001));
  EXPECT_FALSE(watch.Exceeds(limit, 100, 4000)) << "it caught up";
  EXPECT_FALSE(watch.Exceeds(limit, 101, 5000));
  EXPECT_FALSE(watch.Exceeds(limit, 101, 7000));
}

TEST(OutputWatchTest, ZeroIsNoLimit) {
  OutputWatch watch;
  EXPECT_FALSE(watch.Exceeds({0, 0, 0}, UINT64_MAX, UINT64_MAX));
}

}  // namespace
}  // namespace nokv::redis
