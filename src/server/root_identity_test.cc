// What nodes of a metadata root say of themselves, and whom they listen to.
#include "server/root_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "runtime/sim_runtime.h"
#include "vfs/memory_fs.h"

namespace nokv::server {
namespace {

using testing::HasSubstr;

// Three nodes with a directory each.
class RootIdentityTest : public testing::Test {
 protected:
  struct Node {
    std::unique_ptr<vfs::MemoryFileSystem> disk = vfs::NewMemoryFileSystem();
    std::shared_ptr<RootIdentity> identity;
    Status lost;
  };

  RootIdentityTest() : runtime_(runtime::NewSimRuntime(1)) {
    for (uint64_t id = 1; id <= 3; id++) Open(id, 100 + id);
  }

  // On what is on its disk; a new node if nothing is.
  void Open(uint64_t id, uint64_t incarnation, bool is_new = true) {
    Node& node = nodes_[id];
    node.lost = Status::Ok();
    RootIdentityOptions options = {
        .workdir = "/root", .node = id, .others = {1, 2, 3}, .incarnation = incarnation};
    options.others.erase(id);
    ASSERT_TRUE(node.disk->CreateDirs("/root").ok());
    auto opened = RootIdentity::Open(options, *node.disk, *runtime_, base::NullLogger(),
                                     [&node](const Status& why) { node.lost = why; });
    ASSERT_TRUE(opened.ok()) << opened.status();
    node.identity = *std::move(opened);
    if (is_new) node.identity->SetNew();
  }
  void LoseDisk(uint64_t id, uint64_t incarnation) {
    nodes_[id].disk = vfs::NewMemoryFileSystem();
    Open(id, incarnation);
  }
  RootIdentity& At(uint64_t id) { return *nodes_[id].identity; }
  // A stream from one to the other is begun: what each says of the other, first that at `to`.
  std::pair<Status, Status> Greet(uint64_t from, uint64_t to) {
    const std::string hello = At(from).Greeting();
    const Status there = At(to).Greeted(from, hello);
    const Status here = At(from).Greeted(to, At(to).Greeting());
    runtime_->Advance(1'000);
    return {there, here};
  }
  bool Meet(uint64_t one, uint64_t two) {
    // What is to be remembered first is remembered after that.
    Greet(one, two);
    Greet(two, one);
    const auto [there, here] = Greet(one, two);
    return there.ok() && here.ok();
  }

  std::unique_ptr<runtime::SimRuntime> runtime_;
  std::map<uint64_t, Node> nodes_;
};

TEST_F(RootIdentityTest, ALineSaysWhoANodeIs) {
  const Known known = {.incarnation = 17, .cluster = 4711, .nodes = {{2, 99}, {3, 100}}};
  EXPECT_EQ(EncodeKnown(known), "incarnation 17 cluster 4711 nodes 2=99 3=100");
  EXPECT_EQ(*DecodeKnown(EncodeKnown(known)), known);
  for (const char* bad :
       {"", "incarnation", "incarnation 0 cluster 1 nodes", "incarnation 1 cluster nodes",
        "incarnation 1 cluster x nodes", "incarnation 1 cluster 1 nodes 2", "nodes 1 cluster 1 a b",
        "incarnation 1 cluster 1 nodes 2=", "incarnation 1 cluster 1 nodes =3",
        "incarnation 99999999999999999999 cluster 1 nodes"}) {
    EXPECT_EQ(DecodeKnown(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

TEST_F(RootIdentityTest, WhoIsNotYetRememberedDurablyIsNotListenedTo) {
  EXPECT_EQ(At(2).Greeted(1, At(1).Greeting()).code(), StatusCode::kUnavailable);
  EXPECT_THAT(At(2).Greeting(), HasSubstr("nodes")) << "and is not said to be remembered";
  EXPECT_THAT(At(2).Greeting(), Not(HasSubstr("1=101")));
  runtime_->Advance(1'000);
  EXPECT_TRUE(At(2).Greeted(1, At(1).Greeting()).ok());
  EXPECT_THAT(At(2).Greeting(), HasSubstr("1=101"));
  Open(2, 999, false);
  EXPECT_THAT(At(2).Greeting(), HasSubstr("incarnation 102 cluster 0 nodes 1=101"));
}

TEST_F(RootIdentityTest, ThatANodeWasNotRememberedIsNoProblemOnceItIs) {
  ASSERT_FALSE(At(2).Greeted(1, At(1).Greeting()).ok());
  EXPECT_EQ(At(2).problem().message(), "this node is about to remember node 1");
  runtime_->Advance(1'000);
  EXPECT_TRUE(At(2).problem().ok()) << At(2).problem();
}

TEST_F(RootIdentityTest, TwoNewNodesFoundAClusterWithoutTheThird) {
  EXPECT_TRUE(Meet(1, 2));
}

TEST_F(RootIdentityTest, NodesOfTwoClustersRefuseEachOther) {
  ASSERT_TRUE(At(1).SetCluster(7).ok());
  ASSERT_TRUE(At(2).SetCluster(8).ok());
  const auto [there, here] = Greet(1, 2);
  EXPECT_EQ(there.error_number(), 2305);
  EXPECT_EQ(there.message(), "node 1 is of cluster 7, and this node of cluster 8");
  EXPECT_EQ(here.message(), "node 2 is of cluster 8, and this node of cluster 7");
  EXPECT_EQ(At(1).problem().error_number(), 2305);
  EXPECT_TRUE(nodes_[1].lost.ok()) << "who is right is not known";
}

TEST_F(RootIdentityTest, ARaftLogOfAnotherClusterIsRefused) {
  ASSERT_TRUE(At(1).SetCluster(7).ok());
  runtime_->Advance(1'000);
  Open(1, 999, false);
  EXPECT_TRUE(At(1).SetCluster(7).ok());
  EXPECT_EQ(At(1).SetCluster(8).error_number(), 2305);
}

TEST_F(RootIdentityTest, WhoHasLostItsDirectoryIsFoundOutByWhomItTookPartWith) {
  ASSERT_TRUE(Meet(1, 2));
  ASSERT_TRUE(At(1).SetCluster(7).ok());
  LoseDisk(2, 202);
  const auto [there, here] = Greet(2, 1);
  EXPECT_EQ(there.error_number(), 2306);
  EXPECT_THAT(there.message(), HasSubstr("node 2 has another directory than it had"));
  EXPECT_EQ(here.error_number(), 2306);
  EXPECT_THAT(nodes_[2].lost.message(), HasSubstr("node 1 knows this node, 2, by another"));
  EXPECT_TRUE(nodes_[1].lost.ok());
  // It does not listen to anybody either, also to those that do not know it.
  EXPECT_EQ(At(2).Greeted(3, At(3).Greeting()).error_number(), 2306);
}

TEST_F(RootIdentityTest, WhoIsNewToAClusterTakesPartWhenAllOthersKnowIt) {
  ASSERT_TRUE(Meet(1, 2));
  ASSERT_TRUE(At(1).SetCluster(7).ok());
  ASSERT_TRUE(At(2).SetCluster(7).ok());
  EXPECT_FALSE(Meet(3, 1));
  EXPECT_EQ(At(3).problem().message(),
            "this node is new to the cluster of node 1 and waits until node 2 knows it, too");
  EXPECT_FALSE(Meet(3, 1)) << "whatever one says again";
  EXPECT_TRUE(Meet(3, 2));
  EXPECT_TRUE(Meet(3, 1));
  EXPECT_TRUE(At(3).problem().ok());
}

// Node 3 founds the cluster with node 1, while node 2 is away and hears nothing of it.
TEST_F(RootIdentityTest, WhoHasLostItsDirectoryTakesNoPartWithWhoeverDoesNotKnowItEither) {
  ASSERT_TRUE(Meet(1, 3));
  ASSERT_TRUE(At(1).SetCluster(7).ok());
  ASSERT_TRUE(At(2).SetCluster(7).ok());
  LoseDisk(3, 303);
  EXPECT_FALSE(Meet(2, 3)) << "node 1 is to be asked first";
  EXPECT_TRUE(nodes_[3].lost.ok());
  Greet(3, 1);
  EXPECT_EQ(nodes_[3].lost.error_number(), 2306);
}

TEST_F(RootIdentityTest, WhomOneKnowsTheOthersHearOf) {
  ASSERT_TRUE(Meet(1, 2));
  ASSERT_TRUE(Meet(1, 3));
  ASSERT_TRUE(Meet(1, 2));
  EXPECT_THAT(At(2).Greeting(), HasSubstr("1=101 3=103"));
}

TEST_F(RootIdentityTest, AfterARestartANodeThatTookPartGoesOn) {
  ASSERT_TRUE(Meet(1, 2));
  ASSERT_TRUE(Meet(1, 3));
  ASSERT_TRUE(At(1).SetCluster(7).ok());
  // It has not heard of the cluster yet, but has voted.
  Open(3, 999, false);
  EXPECT_TRUE(Meet(3, 1)) << "without node 2";
}

TEST_F(RootIdentityTest, DamageIsRefused) {
  ASSERT_TRUE(
      vfs::WriteFileAtomically(*nodes_[1].disk, "/root/IDENTITY", "incarnation 1 cluster 1\n")
          .ok());
  const auto opened = RootIdentity::Open({.workdir = "/root", .node = 1, .others = {2, 3}},
                                         *nodes_[1].disk, *runtime_, base::NullLogger(), nullptr);
  EXPECT_EQ(opened.status().code(), StatusCode::kDataLoss);
  EXPECT_THAT(opened.status().message(), HasSubstr("IDENTITY"));
}

}  // namespace
}  // namespace nokv::server
