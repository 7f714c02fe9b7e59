#include "config/cluster_config.h"

#include <gtest/gtest.h>

#include <string>

#include "testing/data_driven.h"
#include "vfs/memory_fs.h"

namespace nokv::config {
namespace {

std::string Text(const Problem& problem) {
  return std::to_string(problem.at.line) + ":" + std::to_string(problem.at.column) + " " +
         problem.what + "\n";
}

std::string Answer(const datadriven::DataCase& c) {
  const ParsedClusterConfig parsed = ParseClusterConfig(c.input);
  std::string text;
  for (const Problem& problem : parsed.problems) text += Text(problem);
  if (c.command == "validate") {
    for (const Problem& problem : Validate(parsed.config)) text += Text(problem);
    return text.empty() ? "fine\n" : text;
  }
  for (const Scope scope : {Scope::kHost, Scope::kDocker}) {
    for (const StoreConfig& store : parsed.config.stores) {
      text += std::to_string(store.id) + " " + AddrOf(store, scope) + " " +
              ListenAddrOf(store, scope) + " " + WorkDirOf(parsed.config, store, scope) + "\n";
    }
  }
  for (const RegionConfig& region : parsed.config.regions) {
    text += topology::NameOf(region.region.id) + " " + topology::ToString(region.region.range) +
            " leader " + std::to_string(region.leader_store) + "\n";
  }
  return text;
}

TEST(ClusterConfigTest, ReadsWhatIsWrittenAndFindsAllThatIsWrong) {
  EXPECT_EQ(datadriven::Check(
                std::string(NOKV_SOURCE_DIR) + "/src/config/testdata/cluster_config.txt", Answer),
            "");
}

TEST(ClusterConfigTest, KeysReadBackAsTheyArePrinted) {
  for (const std::string key : {"", "m", "user:1", "-", "hex:6d", "a b", "\xff\x01", "é"}) {
    EXPECT_EQ(ParseKey(FormatKey(key)), key);
  }
  EXPECT_EQ(FormatKey("m"), "m");
  EXPECT_EQ(FormatKey("a b"), "hex:612062");
  EXPECT_EQ(ParseKey("hex:0G"), std::nullopt);
  EXPECT_EQ(ParseKey("hex:012"), std::nullopt);
}

TEST(ClusterConfigTest, LocalIsAnotherNameForHost) {
  EXPECT_EQ(ParseScope("host"), Scope::kHost);
  EXPECT_EQ(ParseScope("local"), Scope::kHost);
  EXPECT_EQ(ParseScope("docker"), Scope::kDocker);
  EXPECT_EQ(ParseScope("Docker"), std::nullopt);
}

TEST(ClusterConfigTest, AFileWithMistakesIsRefusedWithAllOfThem) {
  const auto disk = vfs::NewMemoryFileSystem();
  vfs::FileSystem& fs = *disk;
  ASSERT_TRUE(
      vfs::WriteFileAtomically(fs, "c.json", "{\n \"stors\": [],\n \"max_retries\": -1\n}").ok());
  const Status status = LoadFile(fs, "c.json").status();
  EXPECT_EQ(status.error_number(), 2203);
  EXPECT_EQ(status.message(),
            "2 mistakes in c.json\n"
            "  c.json:2:2: the description: unknown field \"stors\"; did you mean stores?\n"
            "  c.json:3:17: the description: \"max_retries\" must be a whole number from 0 to "
            "2^64 - 1, not -1");
  EXPECT_TRUE(LoadFile(fs, "nosuch.json").status().IsNotFound());
}

}  // namespace
}  // namespace nokv::config
