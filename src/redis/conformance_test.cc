// The cases of resp-compatibility (NOKV_CONFORMANCE_DIR/redis/cts.json), where that file is
// present.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "redis/commands/table.h"
#include "redis/number.h"
#include "redis/resp/request_parser.h"
#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

using nlohmann::json;

std::vector<std::string> Words(const json& command) {
  if (command.is_array()) return command.get<std::vector<std::string>>();
  std::vector<std::string> words;
  EXPECT_TRUE(SplitWords(command.get<std::string>(), &words));
  return words;
}

// In the form of RenderReply; simple strings and bulk strings are the same to these cases.
std::string Render(const json& value) {
  if (value.is_null()) return "(nil)";
  if (value.is_number_integer()) return ":" + std::to_string(value.get<int64_t>());
  if (value.is_string()) return "\"" + value.get<std::string>() + "\"";
  std::string out;
  for (const json& element : value) out += (out.empty() ? "" : ", ") + Render(element);
  return "[" + out + "]";
}

std::string Normalized(const std::string& reply) {
  return reply[0] == '+' ? "\"" + reply.substr(1) + "\"" : reply;
}

bool IsKnown(const CommandTable& table, const std::vector<std::string>& words) {
  const CommandSpec* spec = words.empty() ? nullptr : table.Find(words[0]);
  if (spec == nullptr) return false;
  return spec->subcommands.empty() || words.size() < 2 ||
         FindSubcommand(*spec, words[1]) != nullptr;
}

TEST(ConformanceTest, RepliesAsTheCompatibilityCasesWant) {
  const char* directory = std::getenv("NOKV_CONFORMANCE_DIR");
  if (directory == nullptr) GTEST_SKIP() << "NOKV_CONFORMANCE_DIR is not set";
  std::ifstream file(std::string(directory) + "/redis/cts.json");
  if (!file) GTEST_SKIP() << "no redis/cts.json in " << directory;
  const json cases = json::parse(file);
  int run = 0;
  for (const json& test : cases) {
    TestGateway gateway;
    TestClient client(gateway);
    bool known = true;
    for (const json& command : test["command"]) {
      known &= IsKnown(gateway.gateway().commands(), Words(command));
    }
    if (!known) continue;
    ++run;
    for (size_t i = 0; i < test["command"].size(); ++i) {
      const std::string reply = client.Send(EncodeRequest(Words(test["command"][i])));
      std::string_view rest = reply;
      EXPECT_EQ(Normalized(RenderReply(&rest)), Render(test["result"][i]))
          << test["name"] << ": " << test["command"][i];
    }
  }
  std::printf("%d of %zu cases run, the others need commands that are not there\n", run,
              cases.size());
  EXPECT_GE(run, 40);
}

}  // namespace
}  // namespace nokv::redis
