#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "cli/completion.h"
#include "cli/gen_docs.h"
#include "cli/nokv_commands.h"
#include "cli/version.h"

namespace nokv::cli {
namespace {

struct Outcome {
  int code;
  std::string out, err;
};

Outcome RunNokv(const Args& args, const Command& program = NokvProgram()) {
  std::ostringstream out;
  std::ostringstream err;
  const int code =
      RunProgram(program, args, {.out = out, .err = err, .inspect = [](const std::string&) {
                                   return Result<Inspection>(Status::NotFound("no such directory"));
                                 }});
  return {code, out.str(), err.str()};
}

TEST(ProgramTest, HelpInEveryFormGoesToStdoutAndBeginsWithExamples) {
  for (const Args& args : {Args{}, Args{"-h"}, Args{"--help"}, Args{"help"}}) {
    const Outcome outcome = RunNokv(args);
    EXPECT_EQ(outcome.code, kExitOk);
    EXPECT_TRUE(outcome.out.starts_with("nokv stats --workdir ./data")) << outcome.out;
    EXPECT_EQ(outcome.err, "");
  }
  for (const char* command : {"stats", "manifest", "vlog"}) {
    const std::string text = RunNokv({"help", command}).out;
    EXPECT_TRUE(text.starts_with(std::string("nokv ") + command + " --workdir")) << text;
    for (const char* flag : {"-h", "--help"}) {
      const Outcome outcome = RunNokv({command, "--json", flag});
      EXPECT_EQ(outcome.code, kExitOk);
      EXPECT_EQ(outcome.out, text);
    }
  }
}

TEST(ProgramTest, HelpListsEveryCommand) {
  const std::string text = RunNokv({}).out;
  for (const Command& command : NokvProgram().commands) {
    EXPECT_NE(text.find("\n  " + command.name + " "), std::string::npos) << command.name;
  }
}

TEST(ProgramTest, RefusesCommandsThatAreNotBuiltByName) {
  for (const char* name : {"execution", "migrate", "serve", "ccc-audit"}) {
    const Outcome outcome = RunNokv({name, "--workdir", "x"});
    EXPECT_EQ(outcome.code, kExitFailed) << name;
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(outcome.err.starts_with("error: nokv " + std::string(name) + " is not built yet\n"))
        << outcome.err;
  }
}

TEST(ProgramTest, SuggestsTheCommandThatWasMeant) {
  const Outcome outcome = RunNokv({"statz"});
  EXPECT_EQ(outcome.code, kExitUsage);
  EXPECT_EQ(outcome.err,
            "error: unknown command \"statz\"; did you mean stats?\nsee nokv --help\n");
  // A word that is only nearly one of another program.
  EXPECT_EQ(RunNokv({"lst"}).err,
            "error: unknown command \"lst\"; did you mean scan?\nsee nokv --help\n");
  EXPECT_EQ(RunNokv({"frobnicate"}).err,
            "error: unknown command \"frobnicate\"\nsee nokv --help\n");
  EXPECT_EQ(RunNokv({"help", "manifset"}).code, kExitUsage);
}

TEST(ProgramTest, SaysThatTheCommandIsMissing) {
  for (const Args& args : {Args{"--workdir", "x"}, Args{"-w", "x", "-v"}}) {
    EXPECT_EQ(RunNokv(args).err,
              "error: no command is given; nokv help lists what there is\nsee nokv --help\n");
  }
  EXPECT_EQ(RunNokv({"-w", "x", "--bogus"}).err, "error: unknown flag \"-w\"\nsee nokv --help\n");
}

TEST(ProgramTest, SuggestsTheFlagThatWasMeant) {
  EXPECT_EQ(RunNokv({"stats", "--wrokdir", "x"}).err,
            "error: unknown flag \"--wrokdir\"; did you mean --workdir?\nsee nokv stats --help\n");
  EXPECT_EQ(RunNokv({"manifest", "--colour=red", "--workdir=x"}).err,
            "error: unknown flag \"--colour\"; did you mean --color?\nsee nokv manifest --help\n");
  EXPECT_EQ(RunNokv({"manifest", "--paint=red", "--workdir=x"}).err,
            "error: unknown flag \"--paint\"\nsee nokv manifest --help\n");
  EXPECT_EQ(RunNokv({"--verbos"}).code, kExitUsage);
}

TEST(ProgramTest, TakesFlagsBeforeAndBehindTheCommand) {
  const std::string json = RunNokv({"version", "--json"}).out;
  EXPECT_EQ(RunNokv({"--json", "version"}).out, json);
  EXPECT_EQ(RunNokv({"--color", "never", "version", "--json"}).out, json);
  EXPECT_EQ(RunNokv({"--workdir", "version", "stats"}).err, RunNokv({"stats", "--workdir=x"}).err);
  EXPECT_EQ(RunNokv({"--json"}).code, kExitUsage);
  EXPECT_EQ(RunNokv({"-q"}).err,
            "error: no command is given; nokv help lists what there is\nsee nokv --help\n");
  EXPECT_EQ(RunNokv({"stats", "-qv", "--workdir=x"}).code, kExitUsage);
  EXPECT_EQ(RunNokv({"stats", "-q", "-v", "--workdir=x"}).err,
            "error: --quiet and --verbose contradict each other\nsee nokv stats --help\n");
}

// The one place that a flag is declared in must be enough for its help.
TEST(ProgramTest, HelpShowsEveryFlagWithDefaultAndVariable) {
  const std::string text = RunNokv({"help", "stats"}).out;
  for (const char* part : {"--workdir DIR ", "(or NOKV_WORKDIR)", "--expvar URL", "--json",
                           "--no-region-metrics", "-q, --quiet", "-v, --verbose", "-h, --help",
                           "--color auto|always|never", "(default auto; or NOKV_COLOR)",
                           "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80U) << line;
}

TEST(ProgramTest, RefusesStrayArgumentsAndMissingValues) {
  EXPECT_EQ(RunNokv({"stats", "x"}).err,
            "error: unexpected argument \"x\"\nsee nokv stats --help\n");
  EXPECT_EQ(RunNokv({"stats", "--workdir"}).code, kExitUsage);
  EXPECT_EQ(RunNokv({"version", "--json", "more"}).code, kExitUsage);
}

TEST(ProgramTest, PrintsItsVersion) {
  for (const Args& args : {Args{"version"}, Args{"--version"}}) {
    const Outcome outcome = RunNokv(args);
    EXPECT_EQ(outcome.code, kExitOk);
    EXPECT_TRUE(outcome.out.starts_with("nokv " + CurrentBuild().version + " (commit "))
        << outcome.out;
  }
  const std::string json = RunNokv({"version", "--json"}).out;
  for (const char* key : {"version", "commit", "compiler", "features", "formats"}) {
    EXPECT_NE(json.find("\"" + std::string(key) + "\": "), std::string::npos) << json;
  }
}

TEST(ProgramTest, PrintsErrorPages) {
  for (const char* number : {"E1203", "e1203"}) {
    const Outcome outcome = RunNokv({"help", number});
    EXPECT_EQ(outcome.code, kExitOk);
    EXPECT_TRUE(outcome.out.starts_with("E1203: another process has the database open\n"));
  }
  EXPECT_EQ(RunNokv({"help", "E9999"}).code, kExitNotFound);
  EXPECT_EQ(RunNokv({"help", "E1204"}).err,
            "error: no error has the number E1204\n  did you mean E1203? docs/errors.md lists them "
            "all\n");
}

TEST(ProgramTest, ColorsFollowTheFlagThenTheVariablesThenTheTerminal) {
  const auto colored = [](const Args& args, const std::map<std::string, std::string>& variables,
                          bool terminal) {
    bool in_color = false;
    const Command program{.name = "paint", .define = [&](FlagSet&) -> Action {
                            return [&](const Environment& environment) {
                              in_color = environment.out_in_color;
                              return kExitOk;
                            };
                          }};
    std::ostringstream out;
    Environment environment{.out = out, .err = out, .inspect = nullptr};
    environment.out_is_terminal = terminal;
    environment.variables = [&](const std::string& name) {
      const auto it = variables.find(name);
      return it == variables.end() ? std::nullopt : std::optional<std::string>(it->second);
    };
    EXPECT_EQ(RunProgram(program, args, environment), kExitOk) << out.str();
    return in_color;
  };
  EXPECT_TRUE(colored({}, {}, true));
  EXPECT_FALSE(colored({}, {}, false));
  EXPECT_FALSE(colored({}, {{"NO_COLOR", "1"}}, true));
  EXPECT_TRUE(colored({}, {{"NO_COLOR", ""}}, true));
  EXPECT_FALSE(colored({}, {{"TERM", "dumb"}}, true));
  EXPECT_TRUE(colored({}, {{"FORCE_COLOR", "1"}}, false));
  EXPECT_FALSE(colored({}, {{"FORCE_COLOR", "1"}, {"NO_COLOR", "1"}}, true));
  EXPECT_TRUE(colored({"--color", "always"}, {{"NO_COLOR", "1"}}, false));
  EXPECT_FALSE(colored({}, {{"NOKV_COLOR", "never"}, {"FORCE_COLOR", "1"}}, true));
}

TEST(ProgramTest, GivesLongTextsToThePagerAndResultsToNobody) {
  std::string paged;
  bool takes = true;
  const auto run = [&](const Args& args) {
    std::ostringstream out;
    Environment environment{.out = out, .err = out, .inspect = nullptr};
    environment.page = [&](const std::string& text) {
      paged += text.substr(0, text.find('\n'));
      return takes;
    };
    EXPECT_EQ(RunProgram(NokvProgram(), args, environment), kExitOk) << out.str();
    return out.str();
  };
  EXPECT_EQ(run({"stats", "--help"}), "");
  EXPECT_EQ(paged, "nokv stats --workdir ./data");
  takes = false;
  EXPECT_TRUE(run({"help", "stats"}).starts_with("nokv stats --workdir ./data\n"));
  paged.clear();
  EXPECT_NE(run({"version"}), "");
  EXPECT_EQ(paged, "");
}

TEST(ProgramTest, OneVMakesItTalkAndTwoShowTheEngine) {
  const auto heard = [](const Args& args) {
    Verbosity verbosity = Verbosity::kQuiet;
    bool engine = false;
    const Command program{.name = "talk", .define = [&](FlagSet&) -> Action {
                            return [&](const Environment& environment) {
                              verbosity = environment.verbosity;
                              engine = environment.engine_log != nullptr;
                              return kExitOk;
                            };
                          }};
    std::ostringstream out;
    EXPECT_EQ(RunProgram(program, args, {.out = out, .err = out, .inspect = nullptr}), kExitOk);
    return std::pair(verbosity, engine);
  };
  EXPECT_EQ(heard({}), std::pair(Verbosity::kNormal, false));
  EXPECT_EQ(heard({"-v"}), std::pair(Verbosity::kVerbose, false));
  EXPECT_EQ(heard({"-vv"}), std::pair(Verbosity::kDebug, true));
  EXPECT_EQ(heard({"--verbose", "-v", "-v"}), std::pair(Verbosity::kDebug, true));
}

// "fleet", below which "ship" is a command with one below it, "anchor" is not built, and "list"
// takes an argument.
Command Fleet(std::vector<std::string>* heard) {
  const auto says = [heard](const std::string& what) {
    return [heard, what](FlagSet& flags) -> Action {
      auto speed = std::make_shared<uint64_t>(0);
      flags.Number("speed", "N", speed.get(), {}, "how fast");
      return [heard, what, speed](const Environment&) {
        heard->push_back(what + " " + std::to_string(*speed));
        return kExitOk;
      };
    };
  };
  Command ship = {.name = "ship", .summary = "a ship", .examples = {{"fleet ship"}}};
  ship.define = says("ship");
  ship.commands = {{.name = "turn", .summary = "turns it", .define = says("turn")},
                   {.name = "anchor", .summary = "drops it"}};
  Command harbour = {.name = "harbour", .summary = "a harbour", .examples = {{"fleet harbour"}}};
  harbour.commands = {{.name = "close", .summary = "closes it", .define = says("close")}};
  return {.name = "fleet", .summary = "ships", .commands = {ship, harbour}};
}

TEST(NestedCommandTest, RunsTheOneThatIsNamed) {
  std::vector<std::string> heard;
  const Command fleet = Fleet(&heard);
  for (const Args& args :
       {Args{"ship"}, Args{"ship", "turn", "--speed", "3"}, Args{"ship", "--speed=3", "turn"},
        Args{"--speed", "3", "ship", "turn"}, Args{"harbour", "close"}}) {
    EXPECT_EQ(RunNokv(args, fleet).code, kExitOk);
  }
  EXPECT_EQ(heard, (std::vector<std::string>{"ship 0", "turn 3", "turn 3", "turn 3", "close 0"}));
}

TEST(NestedCommandTest, RefusesWhatIsNotThere) {
  std::vector<std::string> heard;
  const Command fleet = Fleet(&heard);
  EXPECT_EQ(RunNokv({"ship", "trun"}, fleet).err,
            "error: unknown command \"trun\"; did you mean turn?\nsee fleet ship --help\n");
  EXPECT_EQ(RunNokv({"ship", "anchor"}, fleet).err,
            "error: fleet ship anchor is not built yet\n  nothing was done; fleet help lists what "
            "there is\n");
  EXPECT_EQ(RunNokv({"harbour"}, fleet).err,
            "error: no command is given; fleet harbour --help lists what there is\nsee fleet "
            "harbour --help\n");
  EXPECT_EQ(RunNokv({"harbour", "--speed=1"}, fleet).code, kExitUsage);
  EXPECT_TRUE(heard.empty());
}

TEST(NestedCommandTest, HelpShowsWhatIsBelow) {
  std::vector<std::string> heard;
  const Command fleet = Fleet(&heard);
  const std::string text = RunNokv({"help", "ship"}, fleet).out;
  for (const char* part :
       {"Usage: fleet ship [flags]\n", "Commands:\n  turn         turns it\n",
        "Not built yet:\n  anchor       drops it\n", "More: fleet ship COMMAND --help, "}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << text;
  }
  EXPECT_NE(RunNokv({}, fleet).out.find("\n  harbour      a harbour\n"), std::string::npos);
  EXPECT_NE(RunNokv({"ship", "turn", "--help"}, fleet).out.find("Usage: fleet ship turn [flags]\n"),
            std::string::npos);
  EXPECT_NE(RunNokv({"help", "harbour"}, fleet).out.find("Usage: fleet harbour COMMAND [flags]\n"),
            std::string::npos);
}

TEST(NestedCommandTest, HasPagesAndCompletion) {
  std::vector<std::string> heard;
  const Command fleet = Fleet(&heard);
  const auto pages = ManualPages(fleet);
  ASSERT_TRUE(pages.contains("fleet-ship-turn.1"));
  EXPECT_FALSE(pages.contains("fleet-ship-anchor.1"));
  EXPECT_NE(pages.at("fleet-ship.1").find(".BR fleet\\-ship\\-turn (1)"), std::string::npos);
  EXPECT_NE(ReferencePage(fleet).find("\n## fleet harbour close\n"), std::string::npos);
  EXPECT_NE(CompletionScript(fleet, "bash").find("'ship turn') words='--speed "),
            std::string::npos);
}

TEST(FailTest, PrintsNumberHintAndWhereToReadOn) {
  std::ostringstream err;
  const Status status =
      Status::Corruption("000012.sst: bad block").WithHint("restore it").WithErrorNumber(1303);
  EXPECT_EQ(Fail(status, err), kExitCorruption);
  EXPECT_EQ(err.str(),
            "error[E1303]: 000012.sst: bad block\n  restore it\n  see nokv help E1303\n");
}

TEST(FailTest, MapsStatusCodesToExitCodes) {
  EXPECT_EQ(ExitCodeFor(Status::Ok()), 0);
  EXPECT_EQ(ExitCodeFor(Status::InvalidArgument("")), 1);
  EXPECT_EQ(ExitCodeFor(Status::NotFound("")), 3);
  EXPECT_EQ(ExitCodeFor(Status::Unavailable("")), 4);
  EXPECT_EQ(ExitCodeFor(Status::FailedPrecondition("")), 5);
  EXPECT_EQ(ExitCodeFor(Status::Corruption("")), 6);
  EXPECT_EQ(ExitCodeFor(Status::PermissionDenied("")), 7);
}

}  // namespace
}  // namespace nokv::cli
