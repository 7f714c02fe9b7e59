// What the engine has the allocator do, with one that only takes notes.
#include <gtest/gtest.h>

#include <atomic>
#include <string_view>

#include "engine/engine_test_util.h"

namespace {
std::atomic<int> purges{0};
}  // namespace

// In place of jemalloc's.
extern "C" int mallctl(const char* name, void* /*old_value*/, size_t* /*old_size*/,
                       void* /*new_value*/, size_t /*new_size*/) {
  if (std::string_view(name) == "arena.4096.purge") purges++;
  return 0;
}

namespace nokv::engine {
namespace {

TEST(FreedMemoryTest, GoesBackToTheSystemOnceWithEachFlush) {
  EngineHarness harness;
  harness.Open();
  const int before = purges;
  for (int flush = 1; flush <= 3; flush++) {
    harness.Put("key", "value");
    ASSERT_TRUE(harness.db->Flush().ok());
    EXPECT_EQ(purges, before + flush);
  }
}

}  // namespace
}  // namespace nokv::engine
