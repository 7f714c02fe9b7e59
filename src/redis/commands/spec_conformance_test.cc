// Our commands against Redis's own descriptions of them (NOKV_CONFORMANCE_DIR/redis/
// commands-7.0.json), where that file is present.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "redis/commands/common.h"
#include "redis/commands/doc.h"
#include "redis/commands/table.h"

namespace nokv::redis {
namespace {

using nlohmann::json;

// Commands that are newer than 7.0 and wanted, because clients of today send them first.
const std::set<std::string_view> kNewer = {"client|no-touch", "client|setinfo"};

std::string Lower(const json& text) {
  return LowerCase(text.get<std::string>());
}

// The words of a list, in lower case and in order, without those of `ignored`.
std::string Sorted(const json& entry, const char* field, const std::set<std::string>& ignored) {
  std::set<std::string> words;
  for (const json& word : entry.value(field, json::array())) words.insert(Lower(word));
  std::string out;
  for (const std::string& word : words) {
    if (!ignored.contains(word)) out += word + " ";
  }
  return out;
}

std::string Names(std::span<const std::string_view> names, uint32_t set) {
  std::set<std::string> chosen;
  for (size_t i = 0; i < names.size(); ++i) {
    if ((set >> i & 1) != 0) chosen.insert(LowerCase(names[i]));
  }
  std::string out;
  for (const std::string& name : chosen) out += name + " ";
  return out;
}

// Those of flags, and those that Redis derives from them, as in its ACL.
std::string WantedCategories(const json& entry) {
  std::set<std::string> wanted;
  for (const json& word : entry.value("acl_categories", json::array())) wanted.insert(Lower(word));
  std::set<std::string> flags;
  for (const json& flag : entry.value("command_flags", json::array())) flags.insert(Lower(flag));
  const bool script = wanted.contains("scripting");
  if (flags.contains("write")) wanted.insert("write");
  if (flags.contains("readonly") && !script) wanted.insert("read");
  if (flags.contains("admin")) wanted.insert({"admin", "dangerous"});
  if (flags.contains("pubsub")) wanted.insert("pubsub");
  if (flags.contains("blocking")) wanted.insert("blocking");
  wanted.insert(flags.contains("fast") ? "fast" : "slow");
  std::string out;
  for (const std::string& word : wanted) out += word + " ";
  return out;
}

std::string WantedKeys(const json& entry) {
  std::string out;
  for (const json& spec : entry.value("key_specs", json::array())) {
    out += Sorted(spec, "flags", {});
    out += spec["begin_search"].dump() + spec["find_keys"].dump() + "\n";
  }
  return out;
}

std::string OurKeys(const CommandSpec& spec) {
  std::string out;
  for (const KeySpec& key : spec.keys) {
    const json begin = {{"index", {{"pos", key.begin}}}};
    const json find =
        key.counted ? json{{"keynum", {{"keynumidx", 0}, {"firstkey", 1}, {"step", key.step}}}}
                    : json{{"range", {{"lastkey", key.last}, {"step", key.step}, {"limit", 0}}}};
    out += Names(kKeyFlagNames, key.flags) + begin.dump() + find.dump() + "\n";
  }
  return out;
}

std::string WantedArguments(const json& arguments) {
  std::string out;
  for (const json& argument : arguments) {
    const std::string type = argument["type"];
    out += LowerCase(argument["name"].get<std::string>()) + ":" + type;
    std::string token = argument.value("token", type == "pure-token" ? argument["name"] : "");
    std::transform(token.begin(), token.end(), token.begin(), ::toupper);
    out += "=" + token + "@" + argument.value("since", "") + "~" +
           argument.value("deprecated_since", "");
    if (argument.value("optional", false)) out += "?";
    if (argument.value("multiple", false)) out += "+";
    if (argument.value("multiple_token", false)) out += "+";
    if (type == "key") out += "#" + std::to_string(argument.value("key_spec_index", -1));
    out += "(" + WantedArguments(argument.value("arguments", json::array())) + ") ";
  }
  return out;
}

std::string OurArguments(const std::vector<Argument>& arguments) {
  std::string out;
  for (const Argument& argument : arguments) {
    out += argument.name + ":" + std::string(argument.type);
    out += "=" + std::string(argument.token.value_or("")) + "@" + std::string(argument.since) +
           "~" + std::string(argument.deprecated_since);
    if (argument.optional) out += "?";
    if (argument.repeated) out += "+";
    if (argument.repeated_with_token) out += "+";
    if (argument.key_spec >= 0) out += "#" + std::to_string(argument.key_spec);
    out += "(" + OurArguments(argument.arguments) + ") ";
  }
  return out;
}

void Compare(const CommandSpec& spec, const json& entry) {
  SCOPED_TRACE(spec.name);
  const auto doc = ParseDoc(spec);
  ASSERT_TRUE(doc.has_value());
  EXPECT_EQ(spec.arity, entry["arity"].get<int>());
  EXPECT_EQ(spec.group, entry["group"].get<std::string>());
  EXPECT_EQ(spec.since, entry["since"].get<std::string>());
  // Sentinels are another program, and some flags have no name in replies of Redis; whether keys
  // move shows in the key specs.
  EXPECT_EQ(Names(kCommandFlagNames, spec.flags & ~uint32_t{kMovableKeysFlag}),
            Sorted(entry, "command_flags",
                   {"sentinel", "only_sentinel", "touches_arbitrary_keys", "may_replicate",
                    "protected"}));
  EXPECT_EQ(Names(kCategoryNames, spec.categories), WantedCategories(entry));
  EXPECT_EQ(OurKeys(spec), WantedKeys(entry));
  std::string tips;
  for (const std::string_view tip :
       std::set<std::string_view>{doc->tips.begin(), doc->tips.end()}) {
    tips += std::string(tip) + " ";
  }
  EXPECT_EQ(tips, Sorted(entry, "command_tips", {}));
  EXPECT_EQ(OurArguments(doc->arguments), WantedArguments(entry.value("arguments", json::array())));
  EXPECT_EQ(doc->deprecated_since, entry.value("deprecated_since", ""));
  ASSERT_EQ(doc->history.size(), entry.value("history", json::array()).size());
  for (size_t i = 0; i < doc->history.size(); ++i) {
    EXPECT_EQ(doc->history[i].first, entry["history"][i][0].get<std::string>());
  }
  // The first, last and step of COMMAND INFO are what the key specs come to.
  int first = 0;
  int last = 0;
  int step = 0;
  for (const KeySpec& key : spec.keys) {
    if (key.counted) continue;
    first = first == 0 ? key.begin : std::min(first, key.begin);
    last = key.last < 0 ? key.last : key.begin + key.last;
    step = key.step;
  }
  EXPECT_EQ(std::vector({spec.first_key, spec.last_key, spec.key_step}),
            std::vector({first, last, step}));
}

TEST(SpecConformanceTest, CommandsAreDescribedAsRedisDescribesThem) {
  const char* directory = std::getenv("NOKV_CONFORMANCE_DIR");
  if (directory == nullptr) GTEST_SKIP() << "NOKV_CONFORMANCE_DIR is not set";
  std::ifstream file(std::string(directory) + "/redis/commands-7.0.json");
  if (!file) GTEST_SKIP() << "no redis/commands-7.0.json in " << directory;
  std::map<std::string, json> wanted;
  const json files = json::parse(file);
  for (const auto& [name, commands] : files.items()) {
    for (const auto& [command, entry] : commands.items()) {
      const std::string container =
          entry.contains("container") ? Lower(entry["container"]) + "|" : "";
      wanted[container + LowerCase(command)] = entry;
    }
  }
  size_t compared = 0;
  const CommandTable table;
  for (const CommandSpec* command : table.all()) {
    std::vector<const CommandSpec*> specs = {command};
    for (const CommandSpec& sub : command->subcommands) specs.push_back(&sub);
    for (const CommandSpec* spec : specs) {
      if (kNewer.contains(spec->name)) continue;
      const auto found = wanted.find(std::string(spec->name));
      ASSERT_NE(found, wanted.end()) << "Redis 7.0 has no " << spec->name;
      Compare(*spec, found->second);
      ++compared;
    }
  }
  std::printf("%zu commands and subcommands compared, of %zu of Redis 7.0\n", compared,
              wanted.size());
}

}  // namespace
}  // namespace nokv::redis
