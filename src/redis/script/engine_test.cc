#include "redis/script/engine.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "redis/script/sha1.h"
#include "redis/test_gateway.h"

namespace nokv::redis {
namespace {

// Answers with what the test has put down, and writes down what it was asked.
class FakeHost final : public ScriptHost {
 public:
  void Call(std::span<const std::string_view> args, int /*protocol*/, std::string* reply) override {
    std::string words;
    for (const std::string_view word : args)
      words += (words.empty() ? "" : " ") + std::string(word);
    calls.push_back(words);
    *reply += answer;
  }
  std::optional<bool> MayCall(std::span<const std::string_view> args) override {
    if (args[0] == "nosuch") return std::nullopt;
    return args[0] != "secret";
  }
  void Log(ScriptLogLevel level, std::string_view text) override {
    log += std::to_string(static_cast<int>(level)) + ":" + std::string(text) + "\n";
  }

  std::string answer = "+OK\r\n";
  std::vector<std::string> calls;
  std::string log;
};

class ScriptEngineTest : public testing::Test {
 protected:
  static constexpr size_t kMemory = size_t{16} << 20;

  std::unique_ptr<ScriptRun> Start(std::string_view body, ScriptCall call = {}) {
    const auto function = engine_.Compile(body);
    if (!function.ok()) {
      ADD_FAILURE() << function.status();
      return nullptr;
    }
    if (call.sha.empty()) call.sha = "sha";
    auto run = engine_.Start(*function, limits_, std::move(call));
    engine_.Release(*function);
    EXPECT_TRUE(run.ok()) << run.status();
    return std::move(*run);
  }
  // The rendered reply of a script that runs to its end.
  std::string Run(std::string_view body, ScriptCall call = {}) {
    const auto run = Start(body, std::move(call));
    last_ = run->Resume(host_, false, 0);
    std::string_view reply = run->reply();
    std::string rendered = RenderReply(&reply);
    EXPECT_EQ(reply, "");
    return rendered;
  }

  TestClock clock_;
  ScriptLimits limits_;
  ScriptEngine engine_{clock_, kMemory, "7.2.0"};
  FakeHost host_;
  ScriptRun::Outcome last_ = ScriptRun::Outcome::kYielded;
};

TEST_F(ScriptEngineTest, GivesKeysAndArguments) {
  ScriptCall call;
  const std::vector<std::string_view> keys = {"a", "b"};
  const std::vector<std::string_view> arguments = {"c"};
  call.keys = keys;
  call.arguments = arguments;
  EXPECT_EQ(Run("return {KEYS[1], KEYS[2], ARGV[1], #KEYS, #ARGV}", call),
            R"(["a", "b", "c", :2, :1])");
}

TEST_F(ScriptEngineTest, CallsCommandsWithNumbersAsRedisWritesThem) {
  EXPECT_EQ(Run("return redis.call('set', 'k', 1.5, 3, 1e15, 0.1)"), "+OK");
  EXPECT_EQ(host_.calls.at(0), "set k 1.5 3 1000000000000000 0.10000000000000001");
}

TEST_F(ScriptEngineTest, YieldsBetweenSlicesAndGoesOn) {
  const auto run = Start("local n = 0 for i = 1, 100000 do n = n + i end return n");
  int slices = 0;
  while (run->Resume(host_, true, 0) == ScriptRun::Outcome::kYielded) ++slices;
  EXPECT_GT(slices, 50);
  EXPECT_EQ(run->reply(), ":5000050000\r\n");
}

TEST_F(ScriptEngineTest, YieldsInsideFunctionsButNotWhereLuaCannot) {
  const auto slices = [&](std::string_view body) {
    const auto run = Start(body);
    int count = 0;
    while (run->Resume(host_, true, 0) == ScriptRun::Outcome::kYielded) ++count;
    EXPECT_EQ(run->reply(), ":7\r\n") << body;
    return count;
  };
  const std::string loop = "for i = 1, 100000 do end ";
  EXPECT_GT(slices("local function f() " + loop + "return 7 end local x = f() return x"), 50);
  EXPECT_EQ(slices("local _, x = pcall(function() " + loop + "return 7 end) return x"), 0);
  EXPECT_EQ(slices("local t = setmetatable({}, {__index = function() " + loop +
                   "return 7 end}) return t.x"),
            0);
  EXPECT_EQ(slices("local x for i in function(_, i) if not i then " + loop +
                   "return 7 end end do x = i end return x"),
            0);
  EXPECT_EQ(slices("local f = coroutine.wrap(function() " + loop + "return 7 end) return f()"), 0);
  EXPECT_EQ(slices("local x = 0 table.sort({2, 1}, function(a, b) " + loop +
                   "x = 7 return a < b end) return x"),
            0);
}

TEST_F(ScriptEngineTest, RunsThatInterleaveSeeTheirOwnKeys) {
  const std::string_view keys[] = {"one", "two"};
  ScriptCall one;
  one.keys = std::span(keys).first(1);
  ScriptCall two;
  two.keys = std::span(keys).last(1);
  const std::string body = "for i = 1, 10000 do end return KEYS[1]";
  const auto first = Start(body, one);
  const auto second = Start(body, two);
  bool first_runs = true;
  bool second_runs = true;
  while (first_runs || second_runs) {
    if (first_runs) first_runs = first->Resume(host_, true, 0) == ScriptRun::Outcome::kYielded;
    if (second_runs) second_runs = second->Resume(host_, true, 0) == ScriptRun::Outcome::kYielded;
  }
  EXPECT_EQ(first->reply(), "$3\r\none\r\n");
  EXPECT_EQ(second->reply(), "$3\r\ntwo\r\n");
}

TEST_F(ScriptEngineTest, AStoppedRunEndsWhateverItCatches) {
  for (const std::string_view body :
       {"while true do end", "while true do pcall(function() while true do end end) end",
        "while true do local co = coroutine.create(function() while true do end end) "
        "coroutine.resume(co) end"}) {
    const auto run = Start(body);
    // Where it cannot be left, its time ends it instead.
    limits_.run_ms = 0;
    if (body == "while true do end") {
      EXPECT_EQ(run->Resume(host_, true, 0), ScriptRun::Outcome::kYielded);
    }
    run->Stop("ERR killed");
    EXPECT_EQ(run->Resume(host_, true, 0), ScriptRun::Outcome::kStopped);
    EXPECT_EQ(run->reply(), "-ERR killed script: sha, on @user_script:1.\r\n");
  }
}

TEST_F(ScriptEngineTest, StopsAtTheLimitsOfTimeAndInstructions) {
  limits_.instructions = 1'000'000;
  EXPECT_EQ(Run("while true do pcall(function() while true do end end) end"),
            "-ERR Script stopped: it ran more instructions than script-step-limit allows "
            "(1000000), nothing of it was applied script: sha, on @user_script:1.");
  EXPECT_EQ(last_, ScriptRun::Outcome::kStopped);
  limits_.run_ms = 0;
  EXPECT_EQ(Run("while true do end"),
            "-ERR Script stopped: it ran for longer than script-time-limit allows (0 ms), nothing "
            "of it was applied script: sha, on @user_script:1.");
}

TEST_F(ScriptEngineTest, StopsAtTheLimitOfMemoryAndIsIntactAfterwards) {
  for (const std::string_view body :
       {"local t = {} while true do t[#t + 1] = {} end",
        "local s = 'x' while true do s = s .. s end",
        "local t = {} for i = 1, 1e9 do t[i] = string.rep('x', 1000) .. i end",
        "return table.concat({string.rep('x', 12000000), string.rep('y', 12000000)})"}) {
    EXPECT_EQ(Run(body),
              "-ERR Script stopped: it needs more memory than script-memory-limit allows "
              "(16777216 bytes), nothing of it was applied script: sha, on @user_script:1.")
        << body;
    EXPECT_EQ(last_, ScriptRun::Outcome::kStopped);
    engine_.CleanUp();
    EXPECT_LT(engine_.used_bytes(), kMemory / 2);
  }
  EXPECT_EQ(Run("return 1"), ":1");
}

TEST_F(ScriptEngineTest, BombsAreErrors) {
  const auto fails = [&](const std::string& body) {
    EXPECT_EQ(Run(body).substr(0, 4), "-ERR") << body;
  };
  fails("return string.rep('x', 2^40)");
  fails("return string.find('x', string.rep('x?', 1e5))");
  fails("local function f() return f() + 1 end return f()");
  fails("local t = {} t[1] = t return t");
  fails("local t = {} t[1] = t return cjson.encode(t)");
  fails("local t = {1} for i = 1, 40 do t = {t, t} end return cjson.encode(t)");
  fails("cjson.encode_sparse_array(true, 0) return cjson.encode({[2^30] = 1})");
  fails(
      "local t = {1} for i = 1, 14 do local n = {} for j = 1, 100 do n[j] = t end t = n end "
      "return cmsgpack.pack(t)");
  fails("return unpack({}, -2147483648, 2147483647)");
  fails("return unpack({}, 1, 1e9)");
  fails("return cmsgpack.unpack('\\221\\255\\255\\255\\255')");
  fails("return struct.pack('c2000000000', 'x')");
  fails("error({})");
  EXPECT_EQ(Run("return string.rep('', 1e12)"), R"("")");
  EXPECT_EQ(Run("return bit.tohex(-1, -2147483648)"), R"("FFFFFFFF")");
}

TEST_F(ScriptEngineTest, TheReplyIsLimited) {
  limits_.reply_bytes = 1000;
  EXPECT_EQ(Run("local t = {1} for i = 1, 30 do t = {t, t} end return t").substr(0, 37),
            "-ERR reply of the script is larger th");
  EXPECT_EQ(last_, ScriptRun::Outcome::kRaised);
}

TEST_F(ScriptEngineTest, ScriptsLeaveNothingForEachOther) {
  EXPECT_EQ(Run("rawset(string, 'format', 1)").substr(0, 42),
            "-ERR Attempt to modify a readonly table sc");
  Run("table.insert(string, 'x') table.insert(redis, 'x')");
  EXPECT_EQ(Run("return {#string, #redis}"), "[:0, :0]");
  EXPECT_EQ(Run("getmetatable('').__index = nil").substr(0, 4), "-ERR");
  EXPECT_EQ(Run("return ('x'):rep(3)"), R"("xxx")");
  EXPECT_EQ(Run("collectgarbage('stop') return 1"), ":1");
}

TEST_F(ScriptEngineTest, ReportsWhereAScriptFailed) {
  EXPECT_EQ(Run("\n\nerror('boom')"), "-ERR user_script:3: boom script: sha, on @user_script:3.");
  host_.answer = "-WRONGTYPE of it\r\n";
  EXPECT_EQ(Run("\nredis.call('x')"), "-WRONGTYPE of it script: sha, on @user_script:2.");
  EXPECT_EQ(last_, ScriptRun::Outcome::kRaised);
  EXPECT_EQ(Run("return redis.pcall('x').err"), R"("WRONGTYPE of it")");
}

TEST_F(ScriptEngineTest, LogsAndChecksPermissions) {
  Run("redis.log(redis.LOG_WARNING, 'a', 1, {}, 'b')");
  EXPECT_EQ(host_.log, "3:a 1 b\n");
  EXPECT_EQ(Run("return {redis.acl_check_cmd('get', 'x'), redis.acl_check_cmd('secret')}"),
            "[:1, (nil)]");
}

TEST(Sha1Test, MatchesPublishedDigests) {
  const auto hex = [](std::string_view bytes) {
    const Sha1Text text = Sha1(bytes);
    return std::string(text.data(), text.size());
  };
  EXPECT_EQ(hex(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  EXPECT_EQ(hex(std::string(1'000'000, 'a')), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

}  // namespace
}  // namespace nokv::redis
