#include "cli/progress.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

namespace nokv::cli {
namespace {

class ManualClock final : public base::Clock {
 public:
  uint64_t MonotonicMicros() override { return now_us; }
  uint64_t WallMillis() override { return 0; }
  uint64_t now_us = 5'000'000;
};

class ProgressTest : public testing::Test {
 protected:
  // One update every tenth of a second, for three seconds.
  std::string Run() {
    std::ostringstream out;
    std::ostringstream err;
    Environment environment{.out = out, .err = err, .inspect = nullptr};
    environment.err_is_terminal = terminal_;
    environment.progress = mode_;
    environment.verbosity = verbosity_;
    {
      Progress progress(environment, clock_, "crash", "cuts");
      for (uint64_t tenth = 1; tenth <= 30; tenth++) {
        clock_.now_us += 100'000;
        progress.Update(tenth * 10, 600);
      }
    }
    EXPECT_EQ(out.str(), "");
    return err.str();
  }

  ManualClock clock_;
  bool terminal_ = true;
  ProgressMode mode_ = ProgressMode::kAuto;
  Verbosity verbosity_ = Verbosity::kNormal;
};

TEST_F(ProgressTest, RewritesOneLineWithRateAndTimeLeftAndRemovesIt) {
  const std::string text = Run();
  EXPECT_TRUE(text.starts_with("\rcrash  16%  100/600 cuts  100/s  5 s left\x1b[K\r")) << text;
  EXPECT_NE(text.find("\rcrash  50%  300/600 cuts  100/s  3 s left\x1b[K"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\r\x1b[K"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '%'), 11);  // five times a second, after the first
}

TEST_F(ProgressTest, PrintsEventsWhenAsked) {
  mode_ = ProgressMode::kJson;
  terminal_ = false;
  EXPECT_EQ(Run(),
            "{\"event\":\"progress\",\"what\":\"crash\",\"unit\":\"cuts\",\"done\":100,"
            "\"total\":600,\"per_second\":100,\"seconds_left\":5}\n"
            "{\"event\":\"progress\",\"what\":\"crash\",\"unit\":\"cuts\",\"done\":200,"
            "\"total\":600,\"per_second\":100,\"seconds_left\":4}\n"
            "{\"event\":\"progress\",\"what\":\"crash\",\"unit\":\"cuts\",\"done\":300,"
            "\"total\":600,\"per_second\":100,\"seconds_left\":3}\n"
            "{\"event\":\"finished\",\"what\":\"crash\",\"unit\":\"cuts\",\"done\":300,"
            "\"total\":600,\"per_second\":100,\"seconds_left\":0}\n");
}

TEST_F(ProgressTest, IsSilentWithoutATerminalAndWhenTold) {
  terminal_ = false;
  EXPECT_EQ(Run(), "");
  terminal_ = true;
  mode_ = ProgressMode::kNever;
  EXPECT_EQ(Run(), "");
  mode_ = ProgressMode::kJson;
  verbosity_ = Verbosity::kQuiet;
  EXPECT_EQ(Run(), "");
}

TEST_F(ProgressTest, IsSilentForShortWork) {
  std::ostringstream err;
  Environment environment{.out = err, .err = err, .inspect = nullptr};
  environment.err_is_terminal = true;
  {
    Progress progress(environment, clock_, "crash", "cuts");
    clock_.now_us += 900'000;
    progress.Update(1, 2);
  }
  EXPECT_EQ(err.str(), "");
}

}  // namespace
}  // namespace nokv::cli
