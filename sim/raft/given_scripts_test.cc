// The scripts of etcd's raft (NOKV_CONFORMANCE_DIR/etcd-raft), where that folder is present.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "sim/raft/conformance.h"

namespace nokv::sim {
namespace {

TEST(ConformanceTest, RaftScriptsHold) {
  const char* directory = std::getenv("NOKV_CONFORMANCE_DIR");
  if (directory == nullptr) GTEST_SKIP() << "NOKV_CONFORMANCE_DIR is not set";
  const std::string scripts = std::string(directory) + "/etcd-raft";
  if (!std::filesystem::is_directory(scripts)) GTEST_SKIP() << "no folder " << scripts;
  const auto result = RunScripts(scripts, std::cout);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->failed, 0U);
  EXPECT_GT(result->passed, 0U);
}

}  // namespace
}  // namespace nokv::sim
