#include "metaroot/machine.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "base/framed.h"
#include "metaroot/machine_test_util.h"
#include "testing/data_driven.h"

namespace nokv::metaroot {
namespace {

std::string Lines(const datadriven::DataCase& c, Machine* machine) {
  if (c.command == "new") *machine = Machine();
  Command command;
  std::istringstream lines(c.input);
  for (std::string line; std::getline(lines, line);) command.events.push_back(ParseEvent(line));
  if (c.Has("revision")) command.expected_revision = std::stoull(c.Value("revision"));
  if (c.Has("layout")) command.expected_layout_epoch = std::stoull(c.Value("layout"));
  std::string text;
  if (!command.events.empty()) {
    const std::string before = machine->Snapshot();
    const Outcome outcome = machine->Apply(EncodeCommand(command));
    text += outcome.status.ok() ? std::to_string(outcome.applied) + " applied\n"
                                : outcome.status.ToString() + "\n";
    if (!outcome.status.ok() && machine->Snapshot() != before) text += "but it changed\n";
  }
  if (const Status status = CheckState(machine->state()); !status.ok()) {
    text += status.ToString() + "\n";
  }
  return c.command == "events" ? text : text + FormatState(machine->state());
}

TEST(MachineTest, DoesWhatItsScriptSays) {
  Machine machine;
  EXPECT_EQ(datadriven::Check(std::string(NOKV_SOURCE_DIR) + "/src/metaroot/testdata/machine.txt",
                              [&](const datadriven::DataCase& c) { return Lines(c, &machine); }),
            "");
}

std::string CommandOf(const std::vector<std::string>& lines) {
  Command command;
  for (const std::string& line : lines) command.events.push_back(ParseEvent(line));
  return EncodeCommand(command);
}

Machine Sample() {
  Machine machine;
  const std::vector<std::string> lines = {
      "cluster 7",
      "store 1 a:1",
      "store 2 b:1",
      "layout 1[,m)1.1@1:11,2:12 2[m,)1.1@1:21,2:22",
      "lease c1 1000",
      "window ids 1 23 100",
      "plan split 1[,m)1.1@1:11,2:12 -> 1[,c)2.1@1:11,2:12 30[c,m)2.1@1:31,2:32",
      "plan peer_change 2[m,)1.1@1:21,2:22 -> 2[m,)1.2@1:21",
      "move peer:2:remove:2:22 cancelled nobody wants it"};
  EXPECT_TRUE(machine.Apply(CommandOf(lines)).status.ok());
  return machine;
}

TEST(MachineTest, ASnapshotIsTheWholeMachine) {
  Machine machine = Sample();
  Result<Machine> restored = Machine::Restore(machine.Snapshot(), "snapshot");
  ASSERT_TRUE(restored.ok()) << restored.status();
  EXPECT_EQ(restored->state(), machine.state());
  EXPECT_EQ(restored->tail(), machine.tail());
  EXPECT_EQ(HashOf(restored->state()), HashOf(machine.state()));
  // And goes on like it.
  const std::string next = CommandOf({"move split:1:63 finished", "end 1"});
  EXPECT_TRUE(machine.Apply(next).status.ok());
  EXPECT_TRUE(restored->Apply(next).status.ok());
  EXPECT_EQ(restored->Snapshot(), machine.Snapshot());
}

TEST(MachineTest, ADamagedSnapshotIsRefused) {
  const std::string bytes = Sample().Snapshot();
  for (size_t i = 0; i < bytes.size(); i++) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
    EXPECT_FALSE(Machine::Restore(damaged, "snapshot").ok()) << i;
    EXPECT_FALSE(Machine::Restore(bytes.substr(0, i), "snapshot").ok()) << i;
  }
  std::string newer = bytes;
  newer[8] = 9;
  EXPECT_EQ(Machine::Restore(newer, "snapshot").status().error_number(), 1305);
}

// A frame that is whole may still hold a state that no events have made.
TEST(MachineTest, ASnapshotWithAGapInItsLayoutIsRefused) {
  State state = Sample().state();
  state.transitions.clear();
  state.regions.begin()->second.region.range.end = "k";
  std::string body;
  EncodeState(state, &body);
  body += '\0';  // no tail
  const Status status =
      Machine::Restore(base::EncodeFramed("nokvroot", 1, body), "snapshot").status();
  EXPECT_TRUE(status.IsCorruption());
  EXPECT_NE(status.message().find("does not begin where"), std::string::npos) << status;
}

TEST(MachineTest, CommandsThatCannotBeReadChangeNothing) {
  Machine machine = Sample();
  const std::string before = machine.Snapshot();
  const std::string good = CommandOf({"store 3 c:1", "end 1"});
  for (size_t length = 0; length < good.size(); length++) {
    EXPECT_EQ(machine.Apply(good.substr(0, length)).status.code(), StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(machine.Apply(good + "x").status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(machine.Apply(EncodeCommand({})).status.code(), StatusCode::kInvalidArgument);
  const Command many = {.events = std::vector<Event>(kMaxCommandEvents + 1, LeaseEnded{1})};
  EXPECT_EQ(machine.Apply(EncodeCommand(many)).status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(machine.Snapshot(), before);
}

TEST(MachineTest, TheTailSaysWhenItIsTooShort) {
  Machine machine = Sample();
  const uint64_t revision = machine.state().revision;
  auto events = machine.EventsAfter(revision - 2);
  ASSERT_TRUE(events.ok() && events->has_value());
  ASSERT_EQ((*events)->size(), 2U);
  EXPECT_EQ((**events)[0].revision, revision - 1);
  EXPECT_EQ((*machine.EventsAfter(revision))->size(), 0U);
  EXPECT_EQ(machine.EventsAfter(revision + 1).status().code(), StatusCode::kInvalidArgument);
  for (size_t i = 0; i < kMaxTailEvents; i++) {
    ASSERT_TRUE(machine.Apply(CommandOf({"lease c1 1000"})).status.ok());
  }
  EXPECT_EQ(machine.tail().size(), kMaxTailEvents);
  EXPECT_TRUE(machine.EventsAfter(revision)->has_value());
  EXPECT_FALSE(machine.EventsAfter(revision - 1)->has_value());
}

}  // namespace
}  // namespace nokv::metaroot
