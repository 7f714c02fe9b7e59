#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "cli/nokv_commands.h"
#include "vfs/memory_fs.h"

namespace nokv::cli {
namespace {

constexpr const char* kConfig = R"({
  "coordinator": {"addr": "127.0.0.1:2379", "docker_addr": "coordinator:2379"},
  "store_work_dir_template": "./cluster/store-{id}",
  "stores": [
    {"store_id": 1, "addr": "127.0.0.1:20170", "docker_addr": "one:20160"},
    {"store_id": 2, "addr": "127.0.0.1:20171", "listen_addr": "0.0.0.0:20171"}
  ],
  "regions": [
    {"id": 1, "end_key": "a b", "epoch": {"version": 1, "conf_version": 2}, "leader_store_id": 2,
     "peers": [{"store_id": 1, "peer_id": 101}, {"store_id": 2, "peer_id": 201}]},
    {"id": 2, "start_key": "hex:612062", "peers": [{"store_id": 1, "peer_id": 102}]}
  ]
})";

class ClusterConfigCommandsTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(vfs::WriteFileAtomically(*fs_, "c.json", kConfig).ok()); }

  // What is printed, errors behind it, and the exit code unless it is 0.
  std::string Run(const Command& program, const Args& args) {
    std::ostringstream out;
    std::ostringstream err;
    const int code = RunProgram(
        program, args,
        {.out = out,
         .err = err,
         .inspect = [](const std::string&) { return Result<Inspection>(Status::NotFound("")); },
         .fs = *fs_});
    return out.str() + err.str() + (code == 0 ? "" : "exit code " + std::to_string(code) + "\n");
  }
  std::string Config(const Args& args) { return Run(NokvConfigProgram(), args); }

  std::unique_ptr<vfs::MemoryFileSystem> fs_ = vfs::NewMemoryFileSystem();
};

TEST_F(ClusterConfigCommandsTest, PrintsALineForEachStoreAndRegion) {
  EXPECT_EQ(Config({"stores", "--config", "c.json"}),
            "1 127.0.0.1:20170 127.0.0.1:20170 one:20160 one:20160 ./cluster/store-1 "
            "./cluster/store-1\n"
            "2 0.0.0.0:20171 127.0.0.1:20171 0.0.0.0:20171 127.0.0.1:20171 ./cluster/store-2 "
            "./cluster/store-2\n");
  EXPECT_EQ(Config({"regions", "--config", "c.json"}),
            "1 - hex:612062 1 2 1:101,2:201 2\n"
            "2 hex:612062 - 0 0 1:102 0\n");
}

TEST_F(ClusterConfigCommandsTest, PrintsJson) {
  const std::string stores = Config({"stores", "--config", "c.json", "--format", "json"});
  EXPECT_NE(stores.find("\"store_id\": 2"), std::string::npos) << stores;
  EXPECT_NE(stores.find("\"docker_addr\": \"one:20160\""), std::string::npos) << stores;
  const std::string regions = Config({"regions", "--config", "c.json", "--format", "json"});
  EXPECT_NE(regions.find("\"end_key\": \"hex:612062\""), std::string::npos) << regions;
  EXPECT_NE(regions.find("\"peer_id\": 201"), std::string::npos) << regions;
}

TEST_F(ClusterConfigCommandsTest, PrintsTheAddressOfAScope) {
  EXPECT_EQ(Config({"coordinator", "--config", "c.json"}), "127.0.0.1:2379\n");
  EXPECT_EQ(Config({"coordinator", "--config", "c.json", "--scope", "local"}), "127.0.0.1:2379\n");
  EXPECT_EQ(Config({"coordinator", "--config", "c.json", "--scope", "docker"}),
            "coordinator:2379\n");
  const std::string none = Config({"coordinator", "--config", "c.json", "--field", "workdir"});
  EXPECT_TRUE(none.starts_with("error: c.json: the coordinator has no workdir")) << none;
  EXPECT_TRUE(none.ends_with("exit code 3\n")) << none;
  EXPECT_TRUE(Config({"stores", "--format", "xml"}).ends_with("exit code 2\n"));
}

TEST_F(ClusterConfigCommandsTest, TheOlderNameOfTimestampsPointsToTheCoordinator) {
  EXPECT_EQ(Config({"tso", "--config", "c.json", "-q"}), "127.0.0.1:2379\n");
  EXPECT_NE(Config({"tso", "--config", "c.json"}).find("note: "), std::string::npos);
}

TEST_F(ClusterConfigCommandsTest, ValidateShowsEveryMistake) {
  EXPECT_EQ(Config({"validate", "--config", "c.json"}),
            "c.json: no mistakes; 2 stores, 2 regions\n");
  ASSERT_TRUE(vfs::WriteFileAtomically(*fs_, "bad.json", R"({"stores": [{"id": 1}]})").ok());
  const std::string bad = Config({"validate", "--config", "bad.json"});
  EXPECT_TRUE(
      bad.starts_with("error[E2203]: 3 mistakes in bad.json\n"
                      "  bad.json:1:13: a store has no \"store_id\", or 0\n"))
      << bad;
  EXPECT_TRUE(bad.ends_with("exit code 1\n")) << bad;
}

TEST_F(ClusterConfigCommandsTest, RegionsShowsWhatCatalogWrote) {
  EXPECT_EQ(Config({"catalog", "--workdir", "s", "--region-id", "1", "--end-key", "hex:6d",
                    "--peer", "1:101", "--peer", "2:201"}),
            "s: region 1 [\"\", \"m\"), 2 peers, is in the catalog\n");
  EXPECT_EQ(Config({"manifest", "-q", "--workdir", "s", "--region-id", "2", "--start-key", "m",
                    "--peer", "1:102", "--epoch-version", "3", "--state", "tombstone"}),
            "");
  EXPECT_EQ(Run(NokvProgram(), {"regions", "--workdir", "s"}),
            "Regions:\n"
            "  - id=1 state=running epoch={ver:1 conf:2} range=[\"\",\"m\") "
            "peers=[{store:1 peer:101} {store:2 peer:201}]\n"
            "  - id=2 state=tombstone epoch={ver:3 conf:1} range=[\"m\",\"\") "
            "peers=[{store:1 peer:102}]\n");
  const std::string json = Run(NokvProgram(), {"regions", "--workdir", "s", "-o", "jsonl"});
  EXPECT_TRUE(json.starts_with(R"({"regions":[{"id":1,"state":"running","start_key":{"utf8":""},)"))
      << json;
  EXPECT_TRUE(Run(NokvProgram(), {"regions", "--workdir", "t"}).ends_with("exit code 3\n"));
}

TEST_F(ClusterConfigCommandsTest, CatalogRefusesWhatDoesNotFit) {
  const Args first = {"catalog",   "-q", "--workdir", "s",     "--region-id",     "1",
                      "--end-key", "m",  "--peer",    "1:101", "--epoch-version", "2"};
  EXPECT_EQ(Config(first), "");
  EXPECT_EQ(Config(first), "") << "again";
  const auto refused = [this](const Args& args, const std::string& text, int code) {
    Args all = {"catalog", "--workdir", "s"};
    all.insert(all.end(), args.begin(), args.end());
    const std::string output = Config(all);
    EXPECT_NE(output.find(text), std::string::npos) << output;
    EXPECT_TRUE(output.ends_with("exit code " + std::to_string(code) + "\n")) << output;
  };
  refused({"--region-id", "2", "--start-key", "k", "--peer", "1:102"}, "overlaps region 1", 5);
  refused({"--region-id", "1", "--peer", "1:101"}, "later epoch", 5);
  refused({"--region-id", "3", "--peer", "1-103"}, "is not STORE:PEER", 2);
  refused({"--region-id", "3", "--peer", "1:103", "--peer", "1:104"}, "two peers on store 1", 2);
  refused({"--region-id", "3", "--start-key", "hex:1", "--peer", "1:103"}, "--start-key must", 2);
  const auto lock = fs_->LockExclusive("s/LOCK", "pid 7");
  ASSERT_TRUE(lock.ok());
  refused({"--region-id", "3", "--start-key", "m", "--peer", "1:103"}, "error[E1203]", 4);
}

}  // namespace
}  // namespace nokv::cli
