// The description of every command: well formed, consistent, and what derives from it.
#include "redis/commands/spec.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "redis/commands/doc.h"
#include "redis/commands/table.h"
#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

void ForEachSpec(const std::function<void(const CommandSpec&)>& visit) {
  const CommandTable table;
  for (const CommandSpec* spec : table.all()) {
    visit(*spec);
    for (const CommandSpec& sub : spec->subcommands) visit(sub);
  }
}

// A rendering of arguments that shows everything.
std::string Render(const std::vector<Argument>& arguments) {
  std::string out;
  for (const Argument& argument : arguments) {
    out += out.empty() ? "" : " ";
    out += argument.name + "/" + std::string(argument.type);
    if (argument.token.has_value()) out += " token=" + std::string(*argument.token);
    if (!argument.since.empty()) out += " since=" + std::string(argument.since);
    if (!argument.deprecated_since.empty()) {
      out += " deprecated=" + std::string(argument.deprecated_since);
    }
    if (argument.optional) out += " optional";
    if (argument.repeated) out += argument.repeated_with_token ? " repeated+token" : " repeated";
    if (argument.key_spec >= 0) out += " key" + std::to_string(argument.key_spec);
    if (!argument.arguments.empty()) out += " {" + Render(argument.arguments) + "}";
  }
  return out;
}

CommandSpec SpecOf(std::string_view doc) {
  return {"test", -1, nullptr, kReadOnlyFlag, 1, 2, 1, "generic", "1.0.0", doc};
}

std::string Keys(const CommandSpec& spec, std::string_view line) {
  std::vector<std::string> words;
  EXPECT_TRUE(SplitWords(line, &words));
  const std::vector<std::string_view> args(words.begin(), words.end());
  std::vector<KeyArgument> keys;
  if (!KeysOf(spec, args, &keys)) return "bad";
  std::string out;
  for (const KeyArgument& key : keys) {
    out += out.empty() ? "" : " ";
    out += std::string(args[key.index]);
    for (size_t i = 0; i < std::size(kKeyFlagNames); ++i) {
      if ((key.flags >> i & 1) != 0) out += "," + std::string(kKeyFlagNames[i]);
    }
  }
  return out;
}

TEST(SpecTest, EveryTextIsWellFormed) {
  ForEachSpec([](const CommandSpec& spec) {
    const auto doc = ParseDoc(spec);
    ASSERT_TRUE(doc.has_value()) << spec.name;
    EXPECT_NE(doc->summary, "") << spec.name;
    std::string_view lines = spec.doc;
    TakeUntil(&lines, '\n');
    while (!lines.empty()) {
      std::string_view line = TakeUntil(&lines, '\n');
      const std::string_view word = TakeUntil(&line, ':');
      const std::vector<std::string_view> known = {"keys", "acl",     "args",   "cost",
                                                   "tips", "history", "instead"};
      EXPECT_NE(std::find(known.begin(), known.end(), word), known.end()) << spec.name << word;
      EXPECT_NE(DocLine(spec.doc, word), "") << spec.name << ": " << word;
    }
  });
}

TEST(SpecTest, EveryKeySpecAndCategoryIsKnown) {
  ForEachSpec([](const CommandSpec& spec) {
    std::string_view line = DocLine(spec.doc, "keys");
    while (!line.empty()) {
      std::string_view part = TakeUntil(&line, ',');
      while (!part.empty()) {
        const std::string_view word = TakeUntil(&part, ' ');
        const bool position = word.empty() || (word[0] >= '0' && word[0] <= '9');
        EXPECT_TRUE(position || KeyFlagBit(word) != 0) << spec.name << ": " << word;
      }
    }
    for (const KeySpec& key : spec.keys) {
      EXPECT_NE(key.flags, 0) << spec.name;
      EXPECT_GT(key.begin, 0) << spec.name;
      EXPECT_GT(key.step, 0) << spec.name;
    }
    std::string_view more = DocLine(spec.doc, "acl");
    while (!more.empty()) {
      const std::string_view word = TakeUntil(&more, ' ');
      EXPECT_TRUE(word == "none" || CategoryBit(word) != 0) << spec.name << ": " << word;
    }
  });
}

TEST(SpecTest, ReadsTheGrammarOfArguments) {
  const CommandSpec spec = SpecOf(
      "Summary\n"
      "args: key other:key n:int [NX@2.0.0] [EX=seconds:int] mode(ASC|down=DOWN:token) "
      "pair(field value)+ [PREFIX=name++] ip:port~2.8.0 [one(ONLY)]");
  const auto doc = ParseDoc(spec);
  ASSERT_TRUE(doc.has_value());
  EXPECT_EQ(Render(doc->arguments),
            "key/key key0 other/key key0 n/integer nx/pure-token token=NX since=2.0.0 optional "
            "seconds/integer token=EX optional "
            "mode/oneof {asc/pure-token token=ASC DOWN/pure-token token=down} "
            "pair/block repeated {field/string value/string} "
            "name/string token=PREFIX optional repeated+token ip:port/string deprecated=2.8.0 "
            "one/block optional {only/pure-token token=ONLY}");
}

TEST(SpecTest, RefusesMalformedArguments) {
  for (const std::string_view args : {"a(b", "a(b|c d)", "[a", "a]", "=a", "a  b", "()", "X="}) {
    const std::string doc = "Summary\nargs: " + std::string(args);
    EXPECT_FALSE(ParseDoc(SpecOf(doc)).has_value()) << args;
  }
}

TEST(SpecTest, ReadsTheOtherLines) {
  const CommandSpec spec = SpecOf(
      "What it does\ncost: O(N)\ntips: a:b c\nhistory: 1.0.0 this; 2.0.0 that too\n"
      "instead: 3.0.0 OTHER with X");
  const auto doc = ParseDoc(spec);
  ASSERT_TRUE(doc.has_value());
  EXPECT_EQ(doc->summary, "What it does");
  EXPECT_EQ(doc->cost, "O(N)");
  EXPECT_EQ(doc->tips, (std::vector<std::string_view>{"a:b", "c"}));
  ASSERT_EQ(doc->history.size(), 2U);
  EXPECT_EQ(doc->history[1].first, "2.0.0");
  EXPECT_EQ(doc->history[1].second, "that too");
  EXPECT_EQ(doc->deprecated_since, "3.0.0");
  EXPECT_EQ(doc->replaced_by, "OTHER with X");
}

TEST(SpecTest, FindsKeysByPosition) {
  EXPECT_EQ(Keys(SpecOf("By range"), "test a b c"), "a,RO,access b,RO,access");
  EXPECT_EQ(Keys(SpecOf("Two\nkeys: 1 RW access delete, 2 OW update"), "test a b"),
            "a,RW,access,delete b,OW,update");
  EXPECT_EQ(Keys(SpecOf("All\nkeys: 1..-1/2 OW insert"), "test a 1 b 2"),
            "a,OW,insert b,OW,insert");
  EXPECT_EQ(Keys(SpecOf("But the last\nkeys: 1..-2 RO"), "test a b 0"), "a,RO b,RO");
}

TEST(SpecTest, FindsKeysThatAreCounted) {
  const CommandSpec spec = SpecOf("Script\nkeys: 2# RW access");
  EXPECT_EQ(Keys(spec, "test script 2 a b c"), "a,RW,access b,RW,access");
  EXPECT_EQ(Keys(spec, "test script 0 a"), "");
  EXPECT_EQ(Keys(spec, "test script 2 a"), "bad");
  EXPECT_EQ(Keys(spec, "test script -1 a"), "bad");
  EXPECT_EQ(Keys(spec, "test script x a"), "bad");
  EXPECT_EQ(Keys(spec, "test script 9223372036854775807 a"), "bad");
  EXPECT_EQ(Keys(spec, "test script"), "bad");
}

TEST(SpecTest, VariableFlagsFollowTheWords) {
  const CommandSpec spec = SpecOf("Set\nkeys: 1 RW access update variable_flags");
  EXPECT_EQ(Keys(spec, "set k v"), "k,OW,update");
  EXPECT_EQ(Keys(spec, "set k v nx GET"), "k,RW,access,update");
}

TEST(SpecTest, CategoriesFollowFromFlagsGroupAndText) {
  const auto names = [](const CommandSpec& spec) {
    std::string out;
    for (const std::string_view name : CategoriesOf(spec)) out += std::string(name) + " ";
    return out;
  };
  EXPECT_EQ(names(SpecOf("Plain")), "keyspace read slow ");
  EXPECT_EQ(names(SpecOf("Other\nacl: hash dangerous")), "read hash slow dangerous ");
  EXPECT_EQ(names(SpecOf("None\nacl: none")), "read slow ");
  constexpr CommandSpec kAdmin = {"a",      1,       nullptr, kAdminFlag | kFastFlag, 0, 0, 0,
                                  "server", "1.0.0", ""};
  EXPECT_EQ(names(kAdmin), "admin fast dangerous ");
}

// Every number of words that a command does not accept gets Redis's error and leaves the
// connection open.
TEST(SpecTest, EveryBadArityIsRefused) {
  TestGateway gateway;
  TestClient client(gateway);
  ForEachSpec([&](const CommandSpec& spec) {
    std::vector<std::string> words;
    std::string_view rest = spec.name;
    while (!rest.empty()) words.emplace_back(TakeUntil(&rest, '|'));
    const std::string why =
        "wrong number of arguments for '" + std::string(spec.name) + "' command";
    const std::string error =
        (spec.name == "exec" ? "-EXECABORT Transaction discarded because of: " : "-ERR ") + why +
        "\r\n";
    const size_t named = words.size();
    for (; words.size() <= named + 8; words.emplace_back("1")) {
      // Further words of a container name a subcommand.
      if (!spec.subcommands.empty() && words.size() > named) break;
      if (spec.AcceptsArity(words.size())) continue;
      EXPECT_EQ(client.Send(EncodeRequest(words)), error) << words.size() << " words";
    }
  });
  EXPECT_EQ(client.Run("PING"), "+PONG");
}

TEST(SpecTest, EveryBadArityWithinMultiSpoilsTheTransaction) {
  TestGateway gateway;
  TestClient client(gateway);
  ForEachSpec([&](const CommandSpec& spec) {
    if (spec.name == "exec") return;
    std::vector<std::string> words;
    std::string_view rest = spec.name;
    while (!rest.empty()) words.emplace_back(TakeUntil(&rest, '|'));
    if (spec.AcceptsArity(words.size())) {
      if (spec.arity < 0 || !spec.subcommands.empty()) return;  // there is no bad one
      words.emplace_back("1");
    }
    client.Run("MULTI");
    EXPECT_EQ(client.Send(EncodeRequest(words)).substr(0, 5), "-ERR ") << spec.name;
    EXPECT_EQ(client.Run("EXEC"), "-EXECABORT Transaction discarded because of previous errors.")
        << spec.name;
  });
}

}  // namespace
}  // namespace nokv::redis
