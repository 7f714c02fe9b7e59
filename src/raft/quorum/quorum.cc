#include "raft/quorum/quorum.h"

#include <cinttypes>
#include <cstdio>

namespace nokv::raft {
namespace {

std::string Hex(uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof(text), "%" PRIx64, value);
  return text;
}

}  // namespace

IdSet JointVoters::All() const {
  IdSet all = incoming;
  for (NodeId id : outgoing) all.Insert(id);
  return all;
}

LogIndex CommittedIndex(const IdSet& voters, const AckedIndex& acked) {
  if (voters.empty()) return kNoLimit;
  // Groups of up to this many voters need no memory from the heap.
  constexpr size_t kFew = 9;
  LogIndex few[kFew];
  std::vector<LogIndex> many(voters.size() > kFew ? voters.size() : 0);
  LogIndex* indexes = many.empty() ? few : many.data();
  size_t count = 0;
  for (NodeId id : voters) indexes[count++] = acked(id).value_or(0);
  // Ascending, n/2 + 1 voters are at or above this position.
  LogIndex* position = indexes + (count - (count / 2 + 1));
  std::nth_element(indexes, position, indexes + count);
  return *position;
}

LogIndex CommittedIndex(const JointVoters& voters, const AckedIndex& acked) {
  return std::min(CommittedIndex(voters.incoming, acked), CommittedIndex(voters.outgoing, acked));
}

VoteResult CountVotes(const IdSet& voters, const Votes& votes) {
  if (voters.empty()) return VoteResult::kWon;
  size_t granted = 0;
  size_t missing = 0;
  for (NodeId id : voters) {
    const auto vote = votes.find(id);
    if (vote == votes.end()) {
      missing++;
    } else if (vote->second) {
      granted++;
    }
  }
  const size_t majority = voters.size() / 2 + 1;
  if (granted >= majority) return VoteResult::kWon;
  return granted + missing >= majority ? VoteResult::kPending : VoteResult::kLost;
}

VoteResult CountVotes(const JointVoters& voters, const Votes& votes) {
  const VoteResult incoming = CountVotes(voters.incoming, votes);
  const VoteResult outgoing = CountVotes(voters.outgoing, votes);
  if (incoming == outgoing) return incoming;
  const bool lost = incoming == VoteResult::kLost || outgoing == VoteResult::kLost;
  return lost ? VoteResult::kLost : VoteResult::kPending;
}

std::string ToString(VoteResult result) {
  switch (result) {
    case VoteResult::kPending:
      return "VotePending";
    case VoteResult::kLost:
      return "VoteLost";
    case VoteResult::kWon:
      return "VoteWon";
  }
  return "unknown";
}

std::string ToString(const IdSet& voters) {
  std::string text = "(";
  for (NodeId id : voters) {
    if (text.size() > 1) text += ' ';
    text += Hex(id);
  }
  return text + ")";
}

std::string ToString(const JointVoters& voters) {
  const std::string incoming = ToString(voters.incoming);
  return voters.joint() ? incoming + "&&" + ToString(voters.outgoing) : incoming;
}

std::string DescribeAcked(const IdSet& voters, const AckedIndex& acked) {
  if (voters.empty()) return "<empty majority quorum>";
  const size_t count = voters.size();
  std::vector<std::pair<LogIndex, NodeId>> ranked;
  for (NodeId id : voters) ranked.emplace_back(acked(id).value_or(0), id);
  std::sort(ranked.begin(), ranked.end());
  // The i-th smallest index gets a bar of length i, equal indexes get equal bars.
  std::map<NodeId, size_t> bars;
  for (size_t i = 1; i < count; i++) {
    const bool rose = ranked[i - 1].first < ranked[i].first;
    bars[ranked[i].second] = rose ? i : bars[ranked[i - 1].second];
  }
  std::string text = std::string(count, ' ') + "    idx\n";
  for (NodeId id : voters) {
    const auto index = acked(id);
    const size_t bar = bars[id];
    text += index ? std::string(bar, 'x') + ">" + std::string(count - bar, ' ')
                  : "?" + std::string(count, ' ');
    char line[64];
    std::snprintf(line, sizeof(line), " %5" PRIu64 "    (id=%" PRIx64 ")\n", index.value_or(0), id);
    text += line;
  }
  return text;
}

}  // namespace nokv::raft
