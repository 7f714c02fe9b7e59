#include "coordinator/client_root.h"

#include <gtest/gtest.h>
#include <nokv/meta/v1/root.pb.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "metaroot/wire/wire.h"
#include "rpc/in_process.h"
#include "rpc/unary.h"
#include "runtime/sim_runtime.h"

namespace nokv::coordinator {
namespace {

TEST(ClientRootTest, WhoAsksAgainWhileItEndsIsToldThatItIsOver) {
  const auto runtime = runtime::NewSimRuntime(1);
  rpc::InProcessNetwork network(*runtime);
  auto root = std::make_unique<ClientRoot>(
      *runtime, ClientRootOptions{.members = {{1, "nobody"}}}, [&](const std::string& address) {
        return network.NewChannel("here", address,
                                  [](const std::function<void()>& task) { task(); });
      });
  int over = 0;
  root->Confirm([&, borrowed = root.get()](const Result<uint64_t>& first) {
    EXPECT_EQ(first.status().code(), StatusCode::kCancelled);
    over++;
    borrowed->Confirm([&](const Result<uint64_t>& second) {
      EXPECT_EQ(second.status().code(), StatusCode::kCancelled);
      over++;
    });
  });
  // Nobody answers, and it pauses before it asks again.
  runtime->Advance(10'000);
  EXPECT_EQ(over, 0);
  root.reset();
  EXPECT_EQ(over, 2);
}

TEST(ClientRootTest, AMemberThatThereIsNoTimeToAskIsOutOfReachAndAskedAgain) {
  const auto runtime = runtime::NewSimRuntime(1);
  rpc::InProcessNetwork network(*runtime);
  const ClientRoot root(*runtime, ClientRootOptions{.members = {{1, "nobody"}}, .poll_ms = 0},
                        [&](const std::string& address) {
                          return network.NewChannel(
                              "here", address, [](const std::function<void()>& task) { task(); });
                        });
  for (int i = 0; i < 3; i++) runtime->RunOne();
  ASSERT_EQ(root.Members().size(), 1U);
  EXPECT_FALSE(root.Members()[0].reachable);
  EXPECT_EQ(root.Members()[0].problem, "no time was left to ask a node of the metadata root");
}

TEST(ClientRootTest, AMemberThatAnswersFollowsOnceItNamesTheLeaderThatMostName) {
  const auto runtime = runtime::NewSimRuntime(1);
  rpc::InProcessNetwork network(*runtime);
  std::array<uint64_t, 4> named = {0, 2, 2, 0};  // by each, as the leader; the third has just begun
  std::vector<std::unique_ptr<rpc::Server>> servers;
  std::vector<metaroot::RootMember> members;
  for (const uint64_t node : {1, 2, 3}) {
    rpc::Service service{.name = std::string(metaroot::kServiceName),
                         .methods = {},
                         .executor = [](const std::function<void()>& task) { task(); }};
    service.methods.push_back(
        rpc::UnaryMethod("Status", [&, node](const std::string&, const rpc::Answer& answer) {
          meta::v1::StatusResponse response;
          response.set_node_id(node);
          response.set_leader_node_id(named[node]);
          answer(response.SerializeAsString());
        }));
    members.push_back({node, "root-" + std::to_string(node)});
    servers.push_back(*network.Listen(members.back().address, {std::move(service)}));
  }
  const ClientRoot root(*runtime, ClientRootOptions{.members = members},
                        [&](const std::string& address) {
                          return network.NewChannel(
                              "here", address, [](const std::function<void()>& task) { task(); });
                        });
  const auto seen = [&] {
    std::string text;
    for (const RootMember& member : root.Members()) {
      text += member.leader ? 'L' : !member.reachable ? '-' : member.follows ? 'f' : '?';
    }
    return text;
  };
  EXPECT_EQ(seen(), "---");
  runtime->Advance(2'000'000);
  EXPECT_EQ(seen(), "fL?");
  named[3] = 2;
  runtime->Advance(2'000'000);
  EXPECT_EQ(seen(), "fLf");
  // Two are cut off; they do not know of a leader, and what they knew does not count.
  named[1] = named[3] = 0;
  runtime->Advance(2'000'000);
  EXPECT_EQ(seen(), "?L?");
}

}  // namespace
}  // namespace nokv::coordinator
