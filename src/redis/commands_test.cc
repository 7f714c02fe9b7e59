// Commands against the replies of redis-server, from text files.
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "redis/resp/request_parser.h"
#include "redis/test_gateway.h"
#include "testing/data_driven.h"

namespace nokv::redis {
namespace {

// After each command come its replies, and then what it made other clients receive, as in
// "@name: push [...]".
std::string RunCase(const datadriven::DataCase& data) {
  TestGateway gateway;
  std::map<std::string, TestClient> clients;  // by the name in "@name COMMAND"
  std::string out;
  std::istringstream lines(data.input);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("@advance ")) {
      gateway.clock().Advance(std::stoll(line.substr(9)));
      continue;
    }
    std::string name;
    if (line.starts_with('@')) {
      const size_t space = line.find(' ');
      name = line.substr(0, space);
      line.erase(0, space + 1);
    }
    TestClient& client = clients.try_emplace(name, gateway).first->second;
    std::vector<std::string> words;
    EXPECT_TRUE(SplitWords(line, &words)) << line;
    std::string received = client.SendAndWait(EncodeRequest(words));
    gateway.Poll();
    received += client.Received();
    for (const std::string& reply : RenderReplies(received)) out += reply + "\n";
    for (auto& [other, receiver] : clients) {
      for (const std::string& message : RenderReplies(receiver.Received())) {
        out += other + ": " + message + "\n";
      }
    }
  }
  return out;
}

class CommandsTest : public testing::TestWithParam<const char*> {};

TEST_P(CommandsTest, ReplyAsRedisDoes) {
  const std::string path =
      std::string(NOKV_SOURCE_DIR) + "/src/redis/testdata/" + GetParam() + ".txt";
  EXPECT_EQ(datadriven::Check(path, RunCase), "");
}

INSTANTIATE_TEST_SUITE_P(Files, CommandsTest,
                         testing::Values("acl", "strings", "keys", "expire", "connection", "config",
                                         "client", "key_events", "monitoring", "multi", "pubsub",
                                         "script"),
                         [](const auto& file) { return std::string(file.param); });

}  // namespace
}  // namespace nokv::redis
