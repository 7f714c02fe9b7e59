#include "console/stats_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>

#include "console/console_test_util.h"
#include "console/prometheus.h"
#include "console/stats_text.h"
#include "testing/data_driven.h"

namespace nokv::console {
namespace {

using Json = nlohmann::ordered_json;

const Json* Find(const Json& root, std::string_view path) {
  const Json* node = &root;
  while (!path.empty()) {
    const size_t dot = path.find('.');
    const auto child = node->find(std::string(path.substr(0, dot)));
    if (child == node->end()) return nullptr;
    node = child->is_array() ? &child->at(0) : &*child;
    path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
  }
  return node;
}

bool HasType(const Json& node, std::string_view type) {
  if (type == "integer") return node.is_number_integer();
  if (type == "number") return node.is_number_float();
  if (type == "boolean") return node.is_boolean();
  return type == "string" && node.is_string();
}

// Goal: no key of the interface goes or changes its type. Method: testdata/schema.txt lists them.
TEST(StatsJsonTest, HasEveryDocumentedKeyWithItsType) {
  const Json full = Json::parse(StatsToJson(FullStats(), FullGatewayStats()));
  const Json empty = Json::parse(StatsToJson({}, {}));
  const auto check = [&](const datadriven::DataCase& test) {
    const bool has = test.command == "has";
    std::string wrong;
    std::istringstream paths(test.input);
    for (std::string path; std::getline(paths, path);) {
      const Json* node = Find(has ? full : empty, path);
      const bool right =
          has ? node != nullptr && HasType(*node, test.Value("type")) : node == nullptr;
      if (!right) wrong += path + ": " + (node == nullptr ? "missing" : node->dump()) + "\n";
    }
    return wrong.empty() ? "yes" : wrong;
  };
  EXPECT_EQ(datadriven::Check(NOKV_SOURCE_DIR "/src/console/testdata/schema.txt", check), "");
}

// All forms of the statistics, as they are printed.
TEST(StatsFormsTest, AreTheOnesInTestdata) {
  const auto render = [](const datadriven::DataCase& test) -> std::string {
    const bool empty = test.Has("empty");
    const nokv::Stats stats = empty ? nokv::Stats() : FullStats();
    const GatewayStats gateway = empty ? GatewayStats() : FullGatewayStats();
    if (test.command == "json") return StatsToJson(stats, gateway);
    if (test.command == "manifest-json") return ManifestToJson(FullManifest());
    if (test.command == "manifest-text") return ManifestText(FullManifest());
    if (test.command == "prometheus") {
      metrics::TextWriter writer;
      WritePrometheus(writer, stats, &gateway);
      return writer.text();
    }
    const auto text = StatsText(test.Has("of") ? test.input : StatsToJson(stats, gateway));
    return text.ok() ? *text : text.status().ToString();
  };
  EXPECT_EQ(datadriven::Check(NOKV_SOURCE_DIR "/src/console/testdata/forms.txt", render), "");
}

TEST(StatsJsonTest, SurvivesBytesThatAreNotUtf8) {
  nokv::Stats stats;
  stats.background_error = "file \xff\xfe: gone";
  EXPECT_FALSE(Json::parse(StatsToJson(stats, {}))["background_error"].get<std::string>().empty());
}

TEST(ExtractSnapshotTest, AcceptsVarsAndBareSnapshots) {
  const std::string snapshot = StatsToJson(FullStats(), FullGatewayStats());
  auto from_vars = ExtractSnapshot(VarsToJson(FullStats(), FullGatewayStats(), {"nokv-redis"}));
  ASSERT_TRUE(from_vars.ok()) << from_vars.status();
  EXPECT_EQ(*from_vars, snapshot);
  auto from_bare = ExtractSnapshot(snapshot);
  ASSERT_TRUE(from_bare.ok()) << from_bare.status();
  EXPECT_EQ(*from_bare, snapshot);
}

TEST(ExtractSnapshotTest, RefusesWhatIsNeither) {
  for (const char* bad :
       {"", "<html>", "[1]", "7", "{}", R"({"NoKV.Stats": 3})", R"({"cmdline": ["x"]})"}) {
    EXPECT_EQ(ExtractSnapshot(bad).status().code(), StatusCode::kInvalidArgument) << bad;
  }
}

}  // namespace
}  // namespace nokv::console
