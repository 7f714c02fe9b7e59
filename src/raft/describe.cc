#include "raft/describe.h"

#include <cinttypes>
#include <cstdio>

#include "raft/conf_change.h"

namespace nokv::raft {
namespace {

// Quoted as Go's %q quotes bytes that are text.
std::string Quote(std::string_view bytes) {
  std::string text = "\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text += {'\\', c};
    } else if (c == '\n') {
      text += "\\n";
    } else if (c == '\t') {
      text += "\\t";
    } else if (c == '\r') {
      text += "\\r";
    } else if (byte < 0x20 || byte == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof(escaped), "\\x%02x", byte);
      text += escaped;
    } else {
      text += c;
    }
  }
  return text + "\"";
}

std::string Bracketed(const std::vector<NodeId>& ids) {
  std::string text = "[";
  for (NodeId id : ids) {
    if (text.size() > 1) text += ' ';
    text += std::to_string(id);
  }
  return text + "]";
}

std::string Number(std::string_view name, uint64_t value) {
  return std::string(name) + std::to_string(value);
}

std::string DescribeEntries(const std::vector<Entry>& entries, const std::string& indent) {
  if (entries.empty()) return "";
  if (entries.size() == 1) return " Entries:[" + Describe(entries[0]) + "]";
  std::string text = " Entries:[";
  for (const Entry& entry : entries) text += "\n" + indent + "  " + Describe(entry);
  return text + "\n" + indent + "]";
}

std::string DescribeIndented(const Message& m, const std::string& indent) {
  std::string text = indent + DescribeNode(m.from) + "->" + DescribeNode(m.to) + " " +
                     ToString(m.type) + Number(" Term:", m.term) + Number(" Log:", m.log_term) +
                     Number("/", m.index);
  if (m.reject) text += Number(" Rejected (Hint: ", m.reject_hint) + ")";
  if (m.commit != 0) text += Number(" Commit:", m.commit);
  if (m.vote != kNoNode) text += Number(" Vote:", m.vote);
  text += DescribeEntries(m.entries, indent);
  if (m.snapshot != nullptr && !m.snapshot->empty()) {
    text += "\n" + indent + "  Snapshot: " + Describe(*m.snapshot);
  }
  if (!m.responses.empty()) {
    text += " Responses:[";
    for (const Message& response : m.responses) {
      text += "\n" + DescribeIndented(response, indent + "  ");
    }
    text += "\n" + indent + "]";
  }
  return text;
}

}  // namespace

std::string ToString(Role role) {
  static constexpr const char* kNames[] = {"StateFollower", "StateCandidate", "StateLeader",
                                           "StatePreCandidate"};
  return kNames[static_cast<size_t>(role)];
}

std::string ToString(EntryType type) {
  static constexpr const char* kNames[] = {"EntryNormal", "EntryConfChange", "EntryConfChangeV2"};
  return kNames[static_cast<size_t>(type)];
}

std::string ToString(MessageType type) {
  static constexpr const char* kNames[] = {"MsgHup",
                                           "MsgProp",
                                           "MsgApp",
                                           "MsgAppResp",
                                           "MsgVote",
                                           "MsgVoteResp",
                                           "MsgSnap",
                                           "MsgHeartbeat",
                                           "MsgHeartbeatResp",
                                           "MsgUnreachable",
                                           "MsgSnapStatus",
                                           "MsgTransferLeader",
                                           "MsgTimeoutNow",
                                           "MsgReadIndex",
                                           "MsgReadIndexResp",
                                           "MsgPreVote",
                                           "MsgPreVoteResp",
                                           "MsgStorageAppend",
                                           "MsgStorageAppendResp",
                                           "MsgStorageApply",
                                           "MsgStorageApplyResp",
                                           "MsgForgetLeader"};
  return kNames[static_cast<size_t>(type)];
}

std::string DescribeNode(NodeId id) {
  if (id == kNoNode) return "None";
  if (id == kAppendThread) return "AppendThread";
  if (id == kApplyThread) return "ApplyThread";
  char text[20];
  std::snprintf(text, sizeof(text), "%" PRIx64, id);
  return text;
}

std::string Describe(const Entry& entry) {
  std::string what = Quote(entry.data.view());
  if (entry.IsConfChange()) {
    const Result<ConfChange> change = DecodeConfChange(entry);
    what = change.ok() ? ToString(change->steps) : change.status().ToString();
  }
  return std::to_string(entry.term) + "/" + std::to_string(entry.index) + " " +
         ToString(entry.type) + (what.empty() ? "" : " " + what);
}

std::string Describe(std::span<const Entry> entries) {
  std::string text;
  for (const Entry& entry : entries) text += Describe(entry) + "\n";
  return text;
}

std::string Describe(const ConfState& state) {
  return "Voters:" + Bracketed(state.voters) +
         " VotersOutgoing:" + Bracketed(state.voters_outgoing) +
         " Learners:" + Bracketed(state.learners) +
         " LearnersNext:" + Bracketed(state.learners_next) +
         " AutoLeave:" + (state.auto_leave ? "true" : "false");
}

std::string Describe(const Snapshot& snapshot) {
  return Number("Index:", snapshot.index) + Number(" Term:", snapshot.term) +
         " ConfState:" + Describe(snapshot.conf_state);
}

std::string Describe(const HardState& state) {
  return Number("Term:", state.term) + (state.vote == kNoNode ? "" : Number(" Vote:", state.vote)) +
         Number(" Commit:", state.commit);
}

std::string Describe(const Message& message) {
  return DescribeIndented(message, "");
}

std::string Describe(const Ready& ready) {
  std::string text;
  if (ready.soft_state) {
    text += Number("Lead:", ready.soft_state->lead) + " State:" + ToString(ready.soft_state->role) +
            "\n";
  }
  if (!ready.hard_state.empty()) text += "HardState " + Describe(ready.hard_state) + "\n";
  if (!ready.read_states.empty()) {
    text += "ReadStates";
    for (const ReadState& read : ready.read_states) {
      text += Number(" ", read.index) + ":" + Quote(read.context);
    }
    text += "\n";
  }
  if (const auto entries = EntriesToStore(ready); !entries.empty()) {
    text += "Entries:\n" + Describe(entries);
  }
  if (ready.snapshot != nullptr) text += "Snapshot " + Describe(*ready.snapshot) + "\n";
  if (const auto entries = EntriesToApply(ready); !entries.empty()) {
    text += "CommittedEntries:\n" + Describe(entries);
  }
  if (!ready.messages.empty()) text += "Messages:\n";
  for (const Message& message : ready.messages) text += Describe(message) + "\n";
  if (text.empty()) return "<empty Ready>";
  return std::string("Ready MustSync=") + (ready.must_sync ? "true" : "false") + ":\n" + text;
}

}  // namespace nokv::raft
