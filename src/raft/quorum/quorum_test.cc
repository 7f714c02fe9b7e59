#include "raft/quorum/quorum.h"

#include <gtest/gtest.h>

namespace nokv::raft {
namespace {

// The nodes whose bits are set.
IdSet Subset(uint32_t bits) {
  IdSet set;
  for (NodeId id = 1; bits != 0; id++, bits >>= 1) {
    if (bits & 1) set.Insert(id);
  }
  return set;
}

bool HoldsMajority(const IdSet& voters, uint32_t bits) {
  size_t held = 0;
  for (NodeId id : voters) held += bits >> (id - 1) & 1;
  return voters.empty() || held > voters.size() / 2;
}

Votes VotesOf(const IdSet& all, uint32_t granted, uint32_t answered) {
  Votes votes;
  for (NodeId id : all) {
    if (answered >> (id - 1) & 1) votes[id] = granted >> (id - 1) & 1;
  }
  return votes;
}

constexpr uint32_t kNodes = 5;
constexpr uint32_t kAll = 1U << kNodes;

// Every pair of configurations of up to five nodes, every set of nodes that acknowledged an index:
// it is committed exactly if the set holds a majority of both halves.
TEST(QuorumTest, CommitsWhatBothMajoritiesHave) {
  for (uint32_t incoming = 1; incoming < kAll; incoming++) {
    for (uint32_t outgoing = 0; outgoing < kAll; outgoing++) {
      const JointVoters voters{Subset(incoming), Subset(outgoing)};
      for (uint32_t holders = 0; holders < kAll; holders++) {
        const LogIndex committed =
            CommittedIndex(voters, [holders](NodeId id) -> std::optional<LogIndex> {
              if ((holders >> (id - 1) & 1) == 0) return std::nullopt;
              return 7;
            });
        const bool both =
            HoldsMajority(voters.incoming, holders) && HoldsMajority(voters.outgoing, holders);
        ASSERT_EQ(committed, both ? 7U : 0U) << ToString(voters) << " holders " << holders;
      }
    }
  }
}

// The step from a configuration into a joint one, and from there to the next, never lets two sets
// without a common node decide: for any two configurations and the joint one between them.
TEST(QuorumTest, SuccessiveConfigurationsShareANodeInEveryDecision) {
  for (uint32_t from = 1; from < kAll; from++) {
    for (uint32_t to = 1; to < kAll; to++) {
      const JointVoters joint{Subset(to), Subset(from)};
      for (uint32_t set = 0; set < kAll; set++) {
        const uint32_t rest = (kAll - 1) & ~set;
        const bool decides_jointly =
            CountVotes(joint, VotesOf(joint.All(), set, kAll - 1)) == VoteResult::kWon;
        if (!decides_jointly) continue;
        ASSERT_NE(CountVotes(joint.outgoing, VotesOf(joint.outgoing, rest, kAll - 1)),
                  VoteResult::kWon);
        ASSERT_NE(CountVotes(joint.incoming, VotesOf(joint.incoming, rest, kAll - 1)),
                  VoteResult::kWon);
      }
    }
  }
}

TEST(QuorumTest, VotesArePendingWhileTheyCanStillDecide) {
  for (uint32_t bits = 1; bits < kAll; bits++) {
    const IdSet voters = Subset(bits);
    for (uint32_t answered = 0; answered < kAll; answered++) {
      for (uint32_t granted = answered;; granted = (granted - 1) & answered) {
        const VoteResult result = CountVotes(voters, VotesOf(voters, granted, answered));
        const bool won = HoldsMajority(voters, granted);
        const bool can_win = HoldsMajority(voters, granted | ~answered);
        ASSERT_EQ(result, won       ? VoteResult::kWon
                          : can_win ? VoteResult::kPending
                                    : VoteResult::kLost);
        if (granted == 0) break;
      }
    }
  }
}

TEST(QuorumTest, TheIndexOfAMajorityIsCommitted) {
  const std::map<NodeId, LogIndex> acked = {{1, 10}, {2, 12}, {3, 11}, {4, 3}};
  const auto lookup = [&](NodeId id) -> std::optional<LogIndex> {
    const auto found = acked.find(id);
    return found == acked.end() ? std::nullopt : std::optional(found->second);
  };
  EXPECT_EQ(CommittedIndex(IdSet{1, 2, 3}, lookup), 11U);
  EXPECT_EQ(CommittedIndex(IdSet{1, 2, 3, 4}, lookup), 10U);
  EXPECT_EQ(CommittedIndex(IdSet{1, 2, 3, 4, 5}, lookup), 10U);
  EXPECT_EQ(CommittedIndex(IdSet{4, 5}, lookup), 0U);
  EXPECT_EQ(CommittedIndex(IdSet{}, lookup), kNoLimit);
  EXPECT_EQ(CommittedIndex(JointVoters{{1, 2, 3}, {4}}, lookup), 3U);
}

}  // namespace
}  // namespace nokv::raft
