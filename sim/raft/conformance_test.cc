// The project's own scripts, and what a script file is.
#include "sim/raft/conformance.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "testing/temp_dir.h"

namespace nokv::sim {
namespace {

TEST(RaftScriptTest, OwnScriptsHold) {
  for (const char* name : {"async_writes", "election", "quorum", "replace_voter", "snapshot"}) {
    const std::string path = NOKV_SOURCE_DIR "/sim/raft/testdata/" + std::string(name) + ".txt";
    EXPECT_EQ(datadriven::Check(path, NewScript()), "");
  }
}

class RaftScriptFileTest : public testing::Test {
 protected:
  std::string Run(const std::string& text) {
    std::ofstream(dir_.path() + "/script.txt") << text;
    const auto difference = RunScript(dir_.path() + "/script.txt");
    return difference.ok() ? *difference : difference.status().ToString();
  }
  const TempDir dir_;
};

TEST_F(RaftScriptFileTest, TheFirstDifferenceEndsAFile) {
  const std::string report =
      Run("vote cfg=(1) votes=(y)\n----\nVoteLost\n\nvote x=(1)\n----\nno\n");
  EXPECT_EQ(report, dir_.path() + "/script.txt:1: vote\nexpected:\nVoteLost\nactual:\nVoteWon\n");
}

TEST_F(RaftScriptFileTest, LinesOfTheOtherLibrarysLogDoNotCount) {
  EXPECT_EQ(Run("log-level debug\n----\nINFO some words\n  WARN more\n"), "");
  EXPECT_EQ(Run("raft-state\n----\nINFO some words\n"), "");
  EXPECT_NE(Run("raft-state\n----\nINFORMATION\n"), "");
}

TEST_F(RaftScriptFileTest, BadDirectivesAreAnsweredWithText) {
  for (const char* bad :
       {"campaign 7", "campaign", "frobnicate", "propose 1", "deliver-msgs x", "log-level loud",
        "add-nodes 1 voters=(x)", "add-nodes 1 voters=(1)", "add-nodes 1 unknown=3",
        "set-randomized-election-timeout 1", "transfer-leadership from=1", "compact 1",
        "process-ready 3", "send-snapshot 1 2"}) {
    EXPECT_NE(Run(std::string(bad) + "\n----\nok\n"), "") << bad;
  }
}

}  // namespace
}  // namespace nokv::sim
