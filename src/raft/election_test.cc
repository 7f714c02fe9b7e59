// When members campaign, and who lets whom go ahead.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "raft/memory_storage.h"
#include "raft/raw_node.h"

namespace nokv::raft {
namespace {

constexpr int kElectionTicks = 6;

// Three members of one group; those that were made run, and the test carries what they send.
class ElectionTest : public testing::Test {
 protected:
  struct Member {
    MemoryStorage storage;
    std::unique_ptr<RawNode> node;
    std::vector<Message> sent;  // since it was looked at last
  };

  Member& Make(NodeId id, uint64_t seed = 1) {
    Member& member = members_[id];
    Snapshot snapshot;
    snapshot.index = 10;
    snapshot.term = 1;
    snapshot.conf_state.voters = {1, 2, 3};
    EXPECT_TRUE(member.storage.ApplySnapshot(std::make_shared<const Snapshot>(snapshot)).ok());
    member.storage.SetHardState({1, kNoNode, 10});
    Config config;
    config.id = id;
    config.storage = &member.storage;
    config.applied = 10;
    config.election_ticks = kElectionTicks;
    config.check_quorum = config.pre_vote = true;
    config.seed = seed;
    auto node = RawNode::Open(config);
    EXPECT_TRUE(node.ok()) << node.status();
    member.node = *std::move(node);
    return member;
  }
  static void Drain(Member* member) {
    while (member->node->HasReady()) {
      Ready ready = member->node->TakeReady();
      if (!ready.hard_state.empty()) member->storage.SetHardState(ready.hard_state);
      ASSERT_TRUE(member->storage.Append(ready.entries).ok());
      for (Message& message : ready.messages) member->sent.push_back(std::move(message));
      ASSERT_TRUE(member->node->Advance().ok());
    }
  }
  static std::vector<Message> Take(Member* member) {
    Drain(member);
    return std::exchange(member->sent, {});
  }
  static bool Asks(const std::vector<Message>& messages) {
    for (const Message& message : messages) {
      if (message.type == MessageType::kPreVote) return true;
    }
    return false;
  }
  static void Give(Member* member, const Message& message) {
    ASSERT_TRUE(member->node->Step(message).ok());
    Drain(member);
  }
  // Carries messages until there are none.
  void Exchange() {
    bool any = true;
    while (any) {
      any = false;
      for (auto& [id, member] : members_) {
        for (const Message& message : Take(&member)) {
          if (const auto to = members_.find(message.to); to != members_.end()) {
            any = true;
            Give(&to->second, message);
          }
        }
      }
    }
  }
  static Role RoleOf(const Member& member) { return member.node->GetBasicStatus().soft_state.role; }
  // How many ticks until it asks for pre-votes.
  static int TicksUntilItAsks(Member* member) {
    for (int ticks = 1; ticks <= 100; ticks++) {
      member->node->Tick();
      if (Asks(Take(member))) return ticks;
    }
    ADD_FAILURE() << "it never asks";
    return 0;
  }
  static Message PreVote(NodeId from, NodeId to) {
    return {.type = MessageType::kPreVote,
            .to = to,
            .from = from,
            .term = 2,
            .log_term = 1,
            .index = 10};
  }

  std::map<NodeId, Member> members_;
};

TEST_F(ElectionTest, WhoIsNotAnsweredAsksAgainSoonAndNotAtAFixedPace) {
  Member& member = Make(1);
  const int first = TicksUntilItAsks(&member);
  EXPECT_GE(first, kElectionTicks);
  EXPECT_LT(first, 2 * kElectionTicks);
  std::set<int> pauses;
  for (int i = 0; i < 50; i++) pauses.insert(TicksUntilItAsks(&member));
  EXPECT_GE(*pauses.begin(), 1);
  EXPECT_LE(*pauses.rbegin(), kElectionTicks / 2 + 1);
  EXPECT_GT(pauses.size(), 2U);
  EXPECT_EQ(member.node->GetBasicStatus().hard_state.term, 1U) << "that binds nobody";
}

TEST_F(ElectionTest, OfTwoThatAskAtOnceOneGoesAhead) {
  Member& one = Make(1);
  Member& two = Make(2);
  ASSERT_TRUE(one.node->Campaign().ok());
  ASSERT_TRUE(two.node->Campaign().ok());
  Exchange();
  EXPECT_EQ(RoleOf(two), Role::kLeader);
  EXPECT_EQ(RoleOf(one), Role::kFollower);
  EXPECT_EQ(two.node->GetBasicStatus().hard_state.term, 2U) << "no vote was split";
}

TEST_F(ElectionTest, OfTwoThatAskAtOnceTheOneWithTheLongerLogGoesAhead) {
  Member& one = Make(1);
  Member& two = Make(2);
  Entry entry;
  entry.term = 1;
  entry.index = 11;
  Give(&one, {.type = MessageType::kApp,
              .to = 1,
              .from = 3,
              .term = 1,
              .log_term = 1,
              .index = 10,
              .entries = {entry},
              .commit = 10});
  Take(&one);
  ASSERT_TRUE(one.node->Campaign().ok());
  ASSERT_TRUE(two.node->Campaign().ok());
  Exchange();
  EXPECT_EQ(RoleOf(one), Role::kLeader);
  EXPECT_EQ(RoleOf(two), Role::kFollower);
}

TEST_F(ElectionTest, WhoEncouragesAnotherLetsItGoAheadButOnce) {
  constexpr int kPause = (kElectionTicks + 1) / 2;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    Member& member = Make(1, seed);
    const int due = TicksUntilItAsks(&Make(2, seed));
    member.node->SetElectionTimeoutForTest(due);
    for (int i = 1; i < due; i++) member.node->Tick();
    // One tick before it would ask itself.
    Give(&member, PreVote(3, 1));
    EXPECT_EQ(Take(&member).back().type, MessageType::kPreVoteResp);
    member.node->Tick();
    EXPECT_FALSE(Asks(Take(&member))) << "seed " << seed;
    Give(&member, PreVote(3, 1));
    Take(&member);
    // Who asks may never win, so it is not let ahead for ever.
    EXPECT_EQ(TicksUntilItAsks(&member), kPause - 1) << "seed " << seed;
    members_.clear();
  }
}

TEST_F(ElectionTest, WhoWasEncouragedIsElected) {
  Member& one = Make(1);
  Member& two = Make(2);
  two.node->SetElectionTimeoutForTest(2 * kElectionTicks);
  for (int i = 0; i < 2 * kElectionTicks - 1; i++) two.node->Tick();
  ASSERT_TRUE(one.node->Campaign().ok());
  Exchange();
  EXPECT_EQ(RoleOf(one), Role::kLeader);
}

}  // namespace
}  // namespace nokv::raft
