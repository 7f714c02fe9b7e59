#include "sim/raft/quorum_script.h"

#include <map>
#include <vector>

#include "base/macros.h"
#include "raft/quorum/quorum.h"
#include "sim/raft/script_group.h"

namespace nokv::sim {
namespace {

using raft::IdSet;
using raft::JointVoters;
using raft::LogIndex;
using raft::NodeId;

struct Input {
  std::vector<NodeId> ids;  // of both halves, in the order of their first appearance
  JointVoters voters;
  bool joint = false;
  std::vector<LogIndex> values;  // 0: no information
};

Status ReadHalf(const datadriven::DataArg& arg, IdSet* half, Input* input) {
  for (const std::string& value : arg.values) {
    if (value == "zero") continue;
    ASSIGN_OR_RETURN(const uint64_t id, ParseNumber(value));
    if (!input->voters.Contains(id)) input->ids.push_back(id);
    half->Insert(id);
  }
  return Status::Ok();
}

Status ReadValue(const std::string& key, const std::string& value, Input* input) {
  LogIndex number = 0;
  if (key == "idx" && value != "_") {
    ASSIGN_OR_RETURN(number, ParseNumber(value));
    if (number == 0) return Status::InvalidArgument("cannot use 0 as idx");
  } else if (key == "votes" && value != "_") {
    if (value != "y" && value != "n") return Status::InvalidArgument("unknown vote: " + value);
    number = value == "y" ? 2 : 1;
  }
  input->values.push_back(number);
  return Status::Ok();
}

Result<Input> ReadInput(const datadriven::DataCase& d) {
  Input input;
  for (const datadriven::DataArg& arg : d.args) {
    if (arg.key == "cfg") {
      RETURN_IF_ERROR(ReadHalf(arg, &input.voters.incoming, &input));
    } else if (arg.key == "cfgj") {
      input.joint = input.joint || !arg.values.empty();
      RETURN_IF_ERROR(ReadHalf(arg, &input.voters.outgoing, &input));
    } else if (arg.key == "idx" || arg.key == "votes") {
      for (const std::string& value : arg.values) {
        RETURN_IF_ERROR(ReadValue(arg.key, value, &input));
      }
    } else {
      return Status::InvalidArgument("unknown arg " + arg.key);
    }
  }
  return input;
}

std::string MismatchedInput(const Input& input) {
  std::string text = "error: mismatched input (explicit or _) for voters map[";
  for (NodeId id : input.voters.All()) {
    text += (text.back() == '[' ? "" : " ") + std::to_string(id) + ":{}";
  }
  text += "]: [";
  for (LogIndex value : input.values) {
    text += (text.back() == '[' ? "" : " ") + std::to_string(value);
  }
  return text + "]";
}

std::string IndexText(LogIndex index) {
  return index == raft::kNoLimit ? "∞" : std::to_string(index);
}

// The definition, tried out: the largest acknowledged index that more than half reached.
LogIndex CommittedByTrial(const IdSet& voters, const std::map<NodeId, LogIndex>& acked) {
  if (voters.empty()) return raft::kNoLimit;
  LogIndex best = 0;
  for (const auto& [candidate_id, candidate] : acked) {
    size_t reached = 0;
    for (NodeId id : voters) {
      const auto found = acked.find(id);
      if (found != acked.end() && found->second >= candidate) reached++;
    }
    if (reached > voters.size() / 2) best = std::max(best, candidate);
  }
  return best;
}

std::string RunCommitted(const Input& input, const std::map<NodeId, LogIndex>& values) {
  const auto acked = [&](NodeId id) -> std::optional<LogIndex> {
    const auto found = values.find(id);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
  std::string text = DescribeAcked(input.voters.All(), acked);
  std::vector<std::pair<LogIndex, std::string>> others;
  LogIndex index = 0;
  if (input.joint) {
    index = CommittedIndex(input.voters, acked);
    others = {{CommittedIndex(JointVoters{input.voters.outgoing, input.voters.incoming}, acked),
               "via symmetry"}};
  } else {
    const IdSet& voters = input.voters.incoming;
    index = CommittedIndex(voters, acked);
    others = {{CommittedByTrial(voters, values), "via alternative computation"},
              {CommittedIndex(JointVoters{voters, {}}, acked), "via zero-joint quorum"},
              {CommittedIndex(JointVoters{voters, voters}, acked), "via self-joint quorum"}};
    for (NodeId id : voters) {
      // What is below the result already does not matter more when it is lower still.
      const LogIndex own = acked(id).value_or(0);
      if (own == 0 || own >= index) continue;
      for (const LogIndex lower : {own - 1, LogIndex{0}}) {
        const auto lowered = [&](NodeId other) { return other == id ? lower : acked(other); };
        others.emplace_back(CommittedIndex(voters, lowered), "overlaying " + std::to_string(id));
      }
    }
  }
  for (const auto& [other, how] : others) {
    if (other != index) text += IndexText(other) + " <-- " + how + "\n";
  }
  return text + IndexText(index) + "\n";
}

std::string RunVote(const Input& input, const std::map<NodeId, LogIndex>& values) {
  raft::Votes votes;
  for (const auto& [id, value] : values) votes[id] = value == 2;
  const raft::VoteResult result = CountVotes(input.voters, votes);
  std::string text;
  const raft::VoteResult exchanged =
      CountVotes(JointVoters{input.voters.outgoing, input.voters.incoming}, votes);
  if (exchanged != result) text += ToString(exchanged) + " <-- via symmetry\n";
  return text + ToString(result) + "\n";
}

}  // namespace

std::string RunQuorumDirective(const datadriven::DataCase& directive) {
  const Result<Input> input = ReadInput(directive);
  if (!input.ok()) return std::string(input.status().message());
  if (input->ids.size() != input->values.size()) return MismatchedInput(*input);
  std::map<NodeId, LogIndex> values;
  for (size_t i = 0; i < input->ids.size(); i++) {
    if (input->values[i] != 0) values[input->ids[i]] = input->values[i];
  }
  if (directive.command == "committed") return RunCommitted(*input, values);
  if (directive.command == "vote") return RunVote(*input, values);
  return "unknown command: " + directive.command;
}

}  // namespace nokv::sim
