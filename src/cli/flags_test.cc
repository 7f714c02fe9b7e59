#include "cli/flags.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "cli/flag_values.h"

namespace nokv::cli {
namespace {

// One flag of each kind.
struct Options {
  std::string workdir, prefix, address = "127.0.0.1:6380", sync = "everysec", key, value;
  uint64_t limit = 10, timeout_ms = 10'000, cache_bytes = 128 << 20;
  bool json = false, help = false;
};

void Define(FlagSet& flags, Options* options) {
  flags.Path("workdir", "DIR", &options->workdir, "the directory").Env();
  flags.Text("prefix", "KEY", &options->prefix, "where keys begin").MayBeEmpty();
  flags.Address("addr", &options->address, "where clients connect").Env();
  flags.Choice("sync", &options->sync, {"always", "everysec", "no"}, "when it is durable").Env();
  flags.Number("limit", "N", &options->limit, {1, 1000}, "how many").Short('n');
  flags.Duration("timeout", &options->timeout_ms, {1, 3'600'000}, "how long");
  flags.Size("cache", &options->cache_bytes, {1 << 20, uint64_t{1} << 40}, "memory");
  flags.Switch("json", &options->json, "as JSON");
  flags.Switch("help", &options->help, "print this").Short('h');
  flags.Argument("KEY", &options->key, "the key");
  flags.Argument("VALUE", &options->value, "the value");
}

// What Parse says: "" or message and hint.
std::string Parse(const Args& args, Options* options = nullptr,
                  const std::map<std::string, std::string>& variables = {}) {
  Options unused;
  FlagSet flags;
  Define(flags, options == nullptr ? &unused : options);
  const Status status = flags.Parse(args, [&](const std::string& name) {
    const auto it = variables.find(name);
    return it == variables.end() ? std::nullopt : std::optional<std::string>(it->second);
  });
  return std::string(status.message()) +
         (status.hint().empty() ? "" : "; " + std::string(status.hint()));
}

TEST(FlagSetTest, AcceptsEveryDocumentedForm) {
  for (const Args& args : {Args{"--dir", "x", "--json"}, Args{"--dir=x", "--json"},
                           Args{"-dir", "x", "-json"}, Args{"-json", "-dir=x"}}) {
    std::string dir;
    bool json = false;
    FlagSet flags;
    flags.Path("dir", "DIR", &dir, "");
    flags.Switch("json", &json, "");
    const Status status = flags.Parse(args, {});
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_EQ(dir, "x");
    EXPECT_TRUE(json);
  }
}

TEST(FlagSetTest, EndsFlagsAtTwoDashes) {
  std::string file;
  FlagSet flags;
  flags.Argument("FILE", &file, "");
  ASSERT_TRUE(flags.Parse({"--", "-dash"}, {}).ok());
  EXPECT_EQ(file, "-dash");
}

TEST(FlagSetTest, CountsAFlagThatMayComeSeveralTimes) {
  const auto count = [](const Args& args) {
    uint64_t times = 0;
    bool json = false;
    FlagSet flags;
    flags.Count("verbose", &times, 2, "").Short('v');
    flags.Switch("json", &json, "").Short('j');
    const Status status = flags.Parse(args, {});
    return status.ok() ? std::to_string(times) : std::string(status.message());
  };
  EXPECT_EQ(count({}), "0");
  EXPECT_EQ(count({"-v"}), "1");
  EXPECT_EQ(count({"-vv"}), "2");
  EXPECT_EQ(count({"--verbose", "-v"}), "2");
  EXPECT_EQ(count({"-vvv", "-v"}), "2");
  EXPECT_EQ(count({"-jj"}), R"(unknown flag "-jj")");
  EXPECT_EQ(count({"-v=2"}), R"(--verbose "2" is a value, and it takes none)");
}

TEST(FlagSetTest, AListHasEachValueThatIsGiven) {
  std::vector<std::string> peers;
  FlagSet flags;
  flags.List("peer", "ID=ADDR", &peers, "");
  ASSERT_TRUE(flags.Parse({"--peer", "1=a:1", "--peer=2=b:1"}, {}).ok());
  EXPECT_EQ(peers, (std::vector<std::string>{"1=a:1", "2=b:1"}));
}

struct BadInput {
  Args args;
  std::string complaint;
};

TEST(FlagSetTest, NamesTheFlagAndTheRangeOfEveryBadValue) {
  const std::string number = "is not a number from 1 to 1000";
  const std::string time = "is not a time from 1ms to 1h: a number and ms, s, m, h or d";
  const std::string size =
      "is not a size from 1MiB to 1TiB: a number and B, KiB, MiB, GiB, KB, MB or GB";
  const std::string address = "is not HOST:PORT, [IPV6]:PORT or :PORT with a port from 0 to 65535";
  const BadInput inputs[] = {
      {{"--wrokdir", "x"}, R"(unknown flag "--wrokdir"; did you mean --workdir?)"},
      {{"-wrokdir=x"}, R"(unknown flag "-wrokdir"; did you mean --workdir?)"},
      {{"--frobnicate"}, R"(unknown flag "--frobnicate")"},
      {{"-x"}, R"(unknown flag "-x")"},
      {{"--workdir", "a", "--workdir", "b"}, "--workdir is given twice"},
      {{"--json", "-json"}, "--json is given twice"},
      {{"--workdir"}, "--workdir needs a value: DIR"},
      {{"--workdir", "--json"}, "--workdir needs a value: DIR"},
      {{"--workdir", "--"}, "--workdir needs a value: DIR"},
      {{"-n"}, "--limit needs a value: N"},
      {{"--workdir", ""}, "--workdir is empty: it needs DIR"},
      {{"--workdir="}, "--workdir is empty: it needs DIR"},
      {{"--json="}, "--json is empty: it takes no value"},
      {{"--json=maybe"}, R"(--json "maybe" is not true or false)"},
      {{"--limit", "0"}, R"(--limit "0" )" + number},
      {{"--limit", "1001"}, R"(--limit "1001" )" + number},
      {{"--limit", "-1"}, R"(--limit "-1" )" + number},
      {{"--limit", "1e3"}, R"(--limit "1e3" )" + number},
      {{"--limit", "abc"}, R"(--limit "abc" )" + number},
      {{"--limit", " 5"}, R"(--limit " 5" )" + number},
      {{"--limit", "99999999999999999999"}, R"(--limit "99999999999999999999" )" + number},
      {{"--addr", "localhost"}, R"(--addr "localhost" )" + address},
      {{"--addr", "h:65536"}, R"(--addr "h:65536" )" + address},
      {{"--addr", "h:-1"}, R"(--addr "h:-1" )" + address},
      {{"--addr", "h:abc"}, R"(--addr "h:abc" )" + address},
      {{"--addr", "h:1e3"}, R"(--addr "h:1e3" )" + address},
      {{"--addr", "h:"}, R"(--addr "h:" )" + address},
      {{"--addr", "::1:80"}, R"(--addr "::1:80" )" + address},
      {{"--timeout", "10"}, R"(--timeout "10" )" + time + "; did you mean 10s?"},
      {{"--timeout", "-1s"}, R"(--timeout "-1s" )" + time},
      {{"--timeout", "1y"}, R"(--timeout "1y" )" + time},
      {{"--timeout", "0s"}, R"(--timeout "0s" )" + time},
      {{"--timeout", "61m"}, R"(--timeout "61m" )" + time},
      {{"--timeout", "99999999999999999d"}, R"(--timeout "99999999999999999d" )" + time},
      {{"--cache", "1GB "}, R"(--cache "1GB " )" + size},
      {{"--cache", "1.5 TiB"}, R"(--cache "1.5 TiB" )" + size},
      {{"--cache", "99999999999999999999"}, R"(--cache "99999999999999999999" )" + size},
      {{"--cache", "99999999999TiB"}, R"(--cache "99999999999TiB" )" + size},
      {{"--cache", "1KiB"}, R"(--cache "1KiB" )" + size},
      {{"--sync", "alwasy"},
       R"(--sync "alwasy" is not always, everysec or no; did you mean always?)"},
      {{"--sync", "sometimes"}, R"(--sync "sometimes" is not always, everysec or no)"},
      {{"a", "b", "c"}, R"(unexpected argument "c")"},
      {{"--sync", "\xff\n"}, R"(--sync "\xff\x0a" is not always, everysec or no)"},
  };
  for (const BadInput& input : inputs) EXPECT_EQ(Parse(input.args), input.complaint);
}

TEST(FlagSetTest, CutsWhatItQuotes) {
  const std::string complaint = Parse({"--sync", std::string(2'000'000, 'x')});
  EXPECT_LT(complaint.size(), 200U);
  EXPECT_LT(Parse({"--" + std::string(2'000'000, 'x')}).size(), 200U);
}

TEST(FlagSetTest, ReadsNumbersTimesSizesAndAddresses) {
  Options options;
  EXPECT_EQ(Parse({"-n", "7", "--timeout=250ms", "--cache", "64mib", "--addr", "[::1]:6380",
                   "--prefix=", "-", "--json=true"},
                  &options),
            "");
  EXPECT_EQ(options.limit, 7U);
  EXPECT_EQ(options.timeout_ms, 250U);
  EXPECT_EQ(options.cache_bytes, uint64_t{64} << 20);
  EXPECT_EQ(options.address, "[::1]:6380");
  EXPECT_EQ(options.key, "-");
  EXPECT_TRUE(options.json);
}

TEST(FlagSetTest, PrefersTheCommandLineToTheEnvironmentToTheDefault) {
  const std::map<std::string, std::string> variables = {
      {"NOKV_WORKDIR", "/env"}, {"NOKV_SYNC", "no"}, {"NOKV_ADDR", ""}, {"NOKV_LIMIT", "7"}};
  Options options;
  EXPECT_EQ(Parse({"--workdir", "/flag"}, &options, variables), "");
  EXPECT_EQ(options.workdir, "/flag");
  EXPECT_EQ(options.sync, "no");
  EXPECT_EQ(options.address, "127.0.0.1:6380");  // empty is unset
  EXPECT_EQ(options.limit, 10U);                 // not one that may come from there
  EXPECT_EQ(Parse({}, nullptr, {{"NOKV_SYNC", "maybe"}}),
            R"(NOKV_SYNC "maybe" is not always, everysec or no)");
}

TEST(FlagSetTest, AsksFilesForWhatCommandLineAndVariablesLeaveOut) {
  Options options;
  FlagSet flags;
  Define(flags, &options);
  std::vector<std::string> asked;
  const FileValues files = [&](const Flag& flag) -> Result<std::optional<FileValue>> {
    asked.push_back(flag.name);
    EXPECT_EQ(options.workdir, "/flag") << "the files may depend on flags";
    if (flag.name != "addr") return std::optional<FileValue>();
    return std::optional<FileValue>({":7000", "f:1:2"});
  };
  const Variables variables = [](const std::string& name) {
    return name == "NOKV_SYNC" ? std::optional<std::string>("no") : std::nullopt;
  };
  ASSERT_TRUE(flags.Parse({"--workdir", "/flag"}, variables, files).ok());
  EXPECT_EQ(asked, std::vector<std::string>{"addr"});  // those without a variable are not asked for
  EXPECT_EQ(options.address, ":7000");
  EXPECT_EQ(flags.GivenFor(flags.flags()[0])->source, "--workdir");
  EXPECT_EQ(flags.GivenFor(flags.flags()[2])->source, "f:1:2");
  EXPECT_EQ(flags.GivenFor(flags.flags()[3])->source, "NOKV_SYNC");
  EXPECT_EQ(flags.GivenFor(flags.flags()[4]), nullptr);
}

TEST(FlagSetTest, AFileThatCannotBeUsedEndsIt) {
  Options options;
  FlagSet flags;
  Define(flags, &options);
  EXPECT_EQ(flags
                .Parse({}, {},
                       [](const Flag&) -> Result<std::optional<FileValue>> {
                         return Status::InvalidArgument("broken").WithErrorNumber(2201);
                       })
                .error_number(),
            2201);
  FlagSet again;
  Define(again, &options);
  EXPECT_EQ(again
                .Parse({}, {},
                       [](const Flag&) -> Result<std::optional<FileValue>> {
                         return std::optional<FileValue>({"maybe", "f:1:2"});
                       })
                .message(),
            R"(f:1:2 "maybe" is not HOST:PORT, [IPV6]:PORT or :PORT with a port from 0 to 65535)");
}

TEST(FlagSetTest, AValueThatMayBeLeftOutStandsBehindTheEqualsSign) {
  const auto parse = [](const Args& args, uint64_t* ms, std::string* key) {
    FlagSet flags;
    flags.Duration("watch", ms, {1, 3'600'000}, "").Implied("2s");
    flags.Argument("KEY", key, "");
    return flags.Parse(args, {});
  };
  uint64_t ms = 0;
  std::string key;
  ASSERT_TRUE(parse({"--watch", "k"}, &ms, &key).ok());
  EXPECT_EQ(ms, 2000U);
  EXPECT_EQ(key, "k");
  ASSERT_TRUE(parse({"--watch=5s"}, &ms, &key).ok());
  EXPECT_EQ(ms, 5000U);
  EXPECT_EQ(parse({"k", "--watch", "5s"}, &ms, &key).hint(), "did you mean --watch=\"5s\"?");
  FlagSet flags;
  flags.Duration("watch", &ms, {1, 3'600'000}, "").Implied("2s");
  EXPECT_EQ(flags.FirstArgument({"--watch", "stats"}), 1U);
}

TEST(FlagSetTest, KnowsWhatOtherProgramsCallAFlag) {
  std::string workdir;
  FlagSet flags;
  flags.Path("workdir", "DIR", &workdir, "").Required().Also({"dir"});
  EXPECT_EQ(flags.Parse({"--dir", "x"}, {}).hint(), "did you mean --workdir DIR?");
  EXPECT_EQ(flags.Parse({"-dir=x"}, {}).hint(), "did you mean --workdir DIR?");
  EXPECT_EQ(flags.Parse({"data"}, {}).hint(), "did you mean --workdir \"data\"?");
}

TEST(FlagSetTest, AnAddressIsNoPath) {
  for (const char* text : {"http://127.0.0.1:9100", "redis://h", "127.0.0.1:6380", ":1"}) {
    std::string workdir;
    FlagSet flags;
    flags.Path("workdir", "DIR", &workdir, "").ForUrls("ask it with redis-cli");
    EXPECT_EQ(
        flags.Parse({"--workdir", text}, {}).message(),
        std::string("--workdir \"") + text + "\" is an address, not a path; ask it with redis-cli");
  }
  for (const char* text : {"./127.0.0.1:6380", "/data/a:1", "data", "."}) {
    std::string workdir;
    FlagSet flags;
    flags.Path("workdir", "DIR", &workdir, "");
    EXPECT_TRUE(flags.Parse({"--workdir", text}, {}).ok()) << text;
  }
}

TEST(FlagSetTest, SaysWhatIsRequired) {
  std::string workdir;
  FlagSet flags;
  flags.Path("workdir", "DIR", &workdir, "").Required().Env();
  EXPECT_EQ(flags.Parse({}, {}).message(), "--workdir is required");
  EXPECT_TRUE(flags.missing());
  FlagSet from_environment;
  from_environment.Path("workdir", "DIR", &workdir, "").Required().Env();
  EXPECT_TRUE(
      from_environment.Parse({}, [](const std::string&) { return std::string("/data"); }).ok());
  EXPECT_EQ(workdir, "/data");
}

TEST(FlagSetTest, TellsHelpFromTheValueOfAFlag) {
  Options options;
  FlagSet flags;
  Define(flags, &options);
  EXPECT_TRUE(flags.WantsHelp({"key", "-h"}));
  EXPECT_TRUE(flags.WantsHelp({"--unknown", "--help"}));
  EXPECT_TRUE(flags.WantsHelp({"--workdir", "-help"}));
  EXPECT_FALSE(flags.WantsHelp({"--", "-h"}));
  EXPECT_FALSE(flags.WantsHelp({"--prefix", "help"}));
}

TEST(FlagSetTest, FindsTheFirstArgumentBehindFlagsAndTheirValues) {
  Options options;
  FlagSet flags;
  Define(flags, &options);
  EXPECT_EQ(flags.FirstArgument({"--workdir", "x", "--json", "stats", "y"}), 3U);
  EXPECT_EQ(flags.FirstArgument({"--workdir=x", "-n", "5", "stats"}), 3U);
  EXPECT_EQ(flags.FirstArgument({"--json", "--", "stats"}), 3U);
}

TEST(FlagValuesTest, PrintWhatTheyRead) {
  for (const uint64_t ms : {1ULL, 999ULL, 10'000ULL, 90'000ULL, 3'600'000ULL, 86'400'000ULL}) {
    EXPECT_EQ(ParseDurationMs(DurationText(ms)), ms);
  }
  for (const uint64_t bytes : {1ULL, 1000ULL, 4096ULL, 128ULL << 20, 3ULL << 40}) {
    EXPECT_EQ(ParseSize(SizeText(bytes)), bytes);
  }
  EXPECT_EQ(DurationText(10'000), "10s");
  EXPECT_EQ(SizeText(64 << 20), "64MiB");
  EXPECT_EQ(ParseSize("2gb"), 2'000'000'000U);
}

}  // namespace
}  // namespace nokv::cli
