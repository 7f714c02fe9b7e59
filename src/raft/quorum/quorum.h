// Quorums: what a set of voters, or two sets at once, has agreed on.
//
// The empty set agrees to everything, so a joint configuration whose outgoing half is empty decides
// as its incoming half alone.
//
// Thread safety: values and pure functions.
#pragma once

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "raft/types.h"

namespace nokv::raft {

// A small set of nodes, in ascending order.
class IdSet {
 public:
  IdSet() = default;
  IdSet(std::initializer_list<NodeId> ids) {
    for (NodeId id : ids) Insert(id);
  }

  void Insert(NodeId id) {
    const auto at = std::lower_bound(ids_.begin(), ids_.end(), id);
    if (at == ids_.end() || *at != id) ids_.insert(at, id);
  }
  void Erase(NodeId id) { std::erase(ids_, id); }
  void Clear() { ids_.clear(); }
  bool Contains(NodeId id) const { return std::binary_search(ids_.begin(), ids_.end(), id); }
  bool empty() const { return ids_.empty(); }
  size_t size() const { return ids_.size(); }
  auto begin() const { return ids_.begin(); }
  auto end() const { return ids_.end(); }
  const std::vector<NodeId>& ids() const { return ids_; }
  bool operator==(const IdSet&) const = default;

 private:
  std::vector<NodeId> ids_;
};

// The voters of a configuration. While `outgoing` is not empty, each decision needs a majority of
// both halves.
struct JointVoters {
  IdSet incoming;
  IdSet outgoing;

  bool joint() const { return !outgoing.empty(); }
  bool Contains(NodeId id) const { return incoming.Contains(id) || outgoing.Contains(id); }
  IdSet All() const;
};

// The last index a voter has acknowledged; empty if it never reported.
using AckedIndex = std::function<std::optional<LogIndex>(NodeId)>;

// The largest index that a majority (of both halves) has acknowledged; kNoLimit without voters.
LogIndex CommittedIndex(const IdSet& voters, const AckedIndex& acked);
LogIndex CommittedIndex(const JointVoters& voters, const AckedIndex& acked);

enum class VoteResult : uint8_t { kPending, kLost, kWon };
using Votes = std::map<NodeId, bool>;

// kPending while the votes that are missing could still decide either way.
VoteResult CountVotes(const IdSet& voters, const Votes& votes);
VoteResult CountVotes(const JointVoters& voters, const Votes& votes);

// "VoteWon".
std::string ToString(VoteResult result);
// "(1 2 3)", ids in hex; "(1 2)&&(1 3)" for a joint configuration.
std::string ToString(const IdSet& voters);
std::string ToString(const JointVoters& voters);
// A picture of who acknowledged how much, one line per voter.
std::string DescribeAcked(const IdSet& voters, const AckedIndex& acked);

}  // namespace nokv::raft
