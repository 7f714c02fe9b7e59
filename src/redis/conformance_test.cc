// The cases of resp-compatibility (NOKV_CONFORMANCE_DIR/redis/cts.json), where that file is
// present.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "redis/commands/table.h"
#include "redis/number.h"
#include "redis/resp/request_parser.h"
#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

using nlohmann::json;

// What escapes such as \x00 stand for.
std::string Unescape(const std::string& text) {
  std::vector<std::string> words;
  EXPECT_TRUE(SplitWords("\"" + text + "\"", &words)) << text;
  return words.empty() ? "" : words[0];
}

std::vector<std::string> Words(const json& test, const json& command) {
  if (command.is_array()) return command.get<std::vector<std::string>>();
  std::vector<std::string> words;
  if (test.value("command_binary", false)) {
    std::istringstream stream(command.get<std::string>());
    for (std::string word; stream >> word;) words.push_back(Unescape(word));
  } else {
    EXPECT_TRUE(SplitWords(command.get<std::string>(), &words));
  }
  return words;
}

// One RESP2 reply. Simple strings, bulk strings and errors are all strings to the cases.
json ReadReply(std::string_view* bytes) {
  const size_t end = bytes->find("\r\n");
  if (end == std::string_view::npos) return "(incomplete)";
  const char type = bytes->front();
  const std::string text(bytes->substr(1, end - 1));
  bytes->remove_prefix(end + 2);
  if (type == ':') return std::stoll(text);
  if (type == '+' || type == '-') return text;
  const int64_t count = std::stoll(text);
  if (count < 0) return nullptr;
  if (type == '$') {
    json bulk = std::string(bytes->substr(0, static_cast<size_t>(count)));
    bytes->remove_prefix(static_cast<size_t>(count) + 2);
    return bulk;
  }
  json array = json::array();
  for (int64_t i = 0; i < count; ++i) array.push_back(ReadReply(bytes));
  return array;
}

struct Tolerance {
  bool any_order;
  bool floats;
};

bool Matches(json got, json wanted, const Tolerance& tolerance) {
  if (wanted.is_array() && got.is_array() && got.size() == wanted.size()) {
    if (tolerance.any_order) {
      std::sort(got.begin(), got.end());
      std::sort(wanted.begin(), wanted.end());
    }
    for (size_t i = 0; i < got.size(); ++i) {
      if (!Matches(got[i], wanted[i], tolerance)) return false;
    }
    return true;
  }
  if (got == wanted) return true;
  if (!tolerance.floats || !got.is_string() || !wanted.is_string()) return false;
  const auto a = ParseLongDouble(got.get<std::string>());
  const auto b = ParseLongDouble(wanted.get<std::string>());
  return a.has_value() && b.has_value() && std::fabs(*a - *b) < 1e-4L;
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
    if (test.value("skipped", false)) continue;
    TestGateway gateway;
    TestClient client(gateway);
    bool known = true;
    for (const json& command : test["command"]) {
      known &= IsKnown(gateway.gateway().commands(), Words(test, command));
    }
    if (!known) continue;
    ++run;
    const Tolerance tolerance = {test.value("sort_result", false),
                                 test.value("float_result", false)};
    for (size_t i = 0; i < test["command"].size(); ++i) {
      const std::string reply = client.Send(EncodeRequest(Words(test, test["command"][i])));
      std::string_view rest = reply;
      const json got = ReadReply(&rest);
      EXPECT_TRUE(Matches(got, test["result"][i], tolerance))
          << test["name"] << ": " << test["command"][i] << ": " << got.dump();
    }
  }
  std::printf("%d of %zu cases run, the others need commands that are not there\n", run,
              cases.size());
  EXPECT_GE(run, 68);
}

}  // namespace
}  // namespace nokv::redis
