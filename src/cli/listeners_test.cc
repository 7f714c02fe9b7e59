#include "cli/listeners.h"

#include <gtest/gtest.h>

namespace nokv::cli {
namespace {

TEST(ListenersTest, ThreadsPollOnlyWhereAProcessorIsLeft) {
  ListenFlags flags;
  flags.busy_poll_us = 70;
  flags.io_threads = runtime::ProcessorCount();
  EXPECT_EQ(PollMicros(flags), 0U);
  flags.io_threads = runtime::ProcessorCount() - 1;
  EXPECT_EQ(PollMicros(flags), 70U);
}

}  // namespace
}  // namespace nokv::cli
