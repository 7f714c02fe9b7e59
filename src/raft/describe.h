// Texts for people: messages, entries and states, as logs and data-driven tests print them.
//
// Thread safety: free functions.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "raft/raw_node.h"
#include "raft/types.h"

namespace nokv::raft {

// "StateLeader", "MsgApp", "EntryNormal".
std::string ToString(Role role);
std::string ToString(MessageType type);
std::string ToString(EntryType type);

// "1" in hex, "AppendThread", "None".
std::string DescribeNode(NodeId id);
// `1/3 EntryNormal "data"`: term and index first; `1/4 EntryConfChangeV2 v2 r1`.
std::string Describe(const Entry& entry);
// One line per entry.
std::string Describe(std::span<const Entry> entries);
// "Voters:[1 2] VotersOutgoing:[] Learners:[] LearnersNext:[] AutoLeave:false".
std::string Describe(const ConfState& state);
// "Index:11 Term:1 ConfState:…".
std::string Describe(const Snapshot& snapshot);
// "Term:1 Vote:1 Commit:4".
std::string Describe(const HardState& state);
// "1->2 MsgApp Term:1 Log:1/3 Commit:3 Entries:[…]". Several entries, a snapshot and responses go
// on lines of their own; the last line has no end.
std::string Describe(const Message& message);
// All that is in it, by lines; "<empty Ready>" if nothing is.
std::string Describe(const Ready& ready);

}  // namespace nokv::raft
