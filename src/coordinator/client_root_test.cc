#include "coordinator/client_root.h"

#include <gtest/gtest.h>

#include <memory>

#include "rpc/in_process.h"
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

}  // namespace
}  // namespace nokv::coordinator
