#include "raft/raw_node.h"

#include <gtest/gtest.h>

#include "raft/describe.h"
#include "raft/memory_storage.h"

namespace nokv::raft {
namespace {

// One member that is driven by hand: what it sends is kept, others are played by the test.
class RawNodeTest : public testing::Test {
 protected:
  void Start(std::vector<NodeId> voters) {
    Snapshot snapshot;
    snapshot.index = 10;
    snapshot.term = 1;
    snapshot.conf_state.voters = std::move(voters);
    ASSERT_TRUE(storage_.ApplySnapshot(std::make_shared<const Snapshot>(snapshot)).ok());
    storage_.SetHardState({1, kNoNode, 10});
    config_.id = 1;
    config_.storage = &storage_;
    config_.applied = 10;
    auto node = RawNode::Open(config_);
    ASSERT_TRUE(node.ok()) << node.status();
    node_ = std::move(node).value();
  }

  void Drain() {
    while (node_->HasReady()) {
      Ready ready = node_->TakeReady();
      if (!ready.hard_state.empty()) storage_.SetHardState(ready.hard_state);
      ASSERT_TRUE(storage_.Append(ready.entries).ok());
      for (Message& message : ready.messages) sent_.push_back(std::move(message));
      for (const Entry& entry : ready.committed_entries) applied_.push_back(entry);
      for (ReadState& read : ready.read_states) reads_.push_back(std::move(read));
      ASSERT_TRUE(node_->Advance().ok());
    }
  }
  Role role() { return node_->GetBasicStatus().soft_state.role; }
  Term term() { return node_->GetBasicStatus().hard_state.term; }
  LogIndex commit() { return node_->GetBasicStatus().hard_state.commit; }

  void BeElectedByNode2() {
    ASSERT_TRUE(node_->Campaign().ok());
    Drain();
    ASSERT_TRUE(
        node_->Step({.type = MessageType::kVoteResp, .to = 1, .from = 2, .term = term()}).ok());
    ASSERT_EQ(role(), Role::kLeader);
    Drain();
  }
  // With its first entry committed and node 2 replicating.
  void Lead() {
    BeElectedByNode2();
    Ack(2, 11);
    ASSERT_EQ(commit(), 11U);
    sent_.clear();
  }
  void Ack(NodeId from, LogIndex index) {
    ASSERT_TRUE(node_
                    ->Step({.type = MessageType::kAppResp,
                            .to = 1,
                            .from = from,
                            .term = term(),
                            .index = index})
                    .ok());
    Drain();
  }
  // An append of the leader `from`, behind the first ten entries.
  void Follow(NodeId from, Term term, std::vector<Entry> entries, LogIndex commit) {
    ASSERT_TRUE(node_
                    ->Step({.type = MessageType::kApp,
                            .to = 1,
                            .from = from,
                            .term = term,
                            .log_term = 1,
                            .index = 10,
                            .entries = std::move(entries),
                            .commit = commit})
                    .ok());
    Drain();
  }
  static Entry EntryOf(Term term, LogIndex index) {
    Entry entry;
    entry.term = term;
    entry.index = index;
    return entry;
  }
  std::vector<Message> Sent(MessageType type) {
    std::vector<Message> found;
    for (const Message& message : sent_) {
      if (message.type == type) found.push_back(message);
    }
    return found;
  }

  Config config_;
  MemoryStorage storage_;
  std::unique_ptr<RawNode> node_;
  std::vector<Message> sent_;
  std::vector<Entry> applied_;
  std::vector<ReadState> reads_;
};

TEST_F(RawNodeTest, AFollowerCommitsNoMoreThanTheLeaderHasShown) {
  Start({1, 2, 3});
  Follow(2, 2, {EntryOf(2, 11), EntryOf(2, 12)}, 10);
  // The leader of the next term has replaced the two, and this node does not know it yet.
  Follow(3, 3, {}, 12);
  EXPECT_EQ(commit(), 10U);
  Follow(3, 3, {EntryOf(3, 11)}, 12);
  EXPECT_EQ(commit(), 11U);
}

TEST_F(RawNodeTest, ALazyLeaderTellsCommitsWithItsNextMessage) {
  config_.lazy_commit = true;
  Start({1, 2, 3});
  Lead();
  ASSERT_TRUE(node_->Propose(Payload("a")).ok());
  Drain();
  sent_.clear();
  Ack(2, 12);
  ASSERT_EQ(commit(), 12U);
  Ack(3, 12);
  EXPECT_TRUE(sent_.empty()) << Describe(sent_[0]);
  node_->Tick();
  Drain();
  ASSERT_EQ(sent_.size(), 2U);
  EXPECT_EQ(sent_[0].commit, 12U);

  // Not so a change of the configuration, which the members have to apply.
  sent_.clear();
  ConfChange change;
  change.steps = {{ConfChangeType::kAddVoter, 4}};
  ASSERT_TRUE(node_->ProposeConfChange(change).ok());
  Drain();
  sent_.clear();
  Ack(2, 13);
  EXPECT_EQ(sent_.size(), 2U);
}

TEST_F(RawNodeTest, EntriesOfEarlierTermsAreNotCommittedByCounting) {
  Start({1, 2, 3});
  Follow(3, 2, {EntryOf(2, 11)}, 10);
  BeElectedByNode2();
  // A majority has it, and yet a leader of a later term may not have it, and replace it.
  Ack(2, 11);
  EXPECT_EQ(commit(), 10U);
  Ack(2, 12);
  EXPECT_EQ(commit(), 12U) << "it comes along with the first entry of this term";
}

TEST_F(RawNodeTest, AVoteIsSyncedAlsoIfTheTermStays) {
  Start({1, 2, 3});
  ASSERT_TRUE(node_
                  ->Step({.type = MessageType::kVote,
                          .to = 1,
                          .from = 2,
                          .term = 1,
                          .log_term = 1,
                          .index = 10})
                  .ok());
  const Ready ready = node_->TakeReady();
  EXPECT_EQ(ready.hard_state.term, 1U);
  EXPECT_EQ(ready.hard_state.vote, 2U);
  EXPECT_TRUE(ready.must_sync);
}

TEST_F(RawNodeTest, RefusesTooMuchThatIsNotCommitted) {
  config_.max_uncommitted_bytes = 100;
  Start({1, 2, 3});
  Lead();
  EXPECT_TRUE(node_->Propose(std::string(150, 'x')).ok()) << "the first may be larger";
  EXPECT_EQ(node_->Propose(std::string("y")).code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(node_->Propose(Payload()).ok()) << "empty entries take no room";
  Drain();
  Ack(2, 13);
  EXPECT_TRUE(node_->Propose(std::string("y")).ok());
}

TEST_F(RawNodeTest, AppendMessagesHoldAsManyEntriesAsFit) {
  config_.max_message_bytes = 70;
  config_.max_inflight_messages = 3;
  Start({1, 2, 3});
  Lead();
  for (int i = 0; i < 8; i++) ASSERT_TRUE(node_->Propose(std::string(20, 'x')).ok());
  Drain();
  sent_.clear();
  // Node 3 rejects the probe, then catches up from its hint in messages of limited size.
  ASSERT_TRUE(
      node_->Step({.type = MessageType::kAppResp, .to = 1, .from = 3, .term = term(), .index = 10})
          .ok());
  Drain();
  std::vector<size_t> sizes;
  for (const Message& message : Sent(MessageType::kApp)) {
    if (message.to == 3) sizes.push_back(message.entries.size());
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{3, 2, 2})) << "the window holds three messages";
}

TEST_F(RawNodeTest, InflightBytesStopTheFlow) {
  config_.max_message_bytes = 100;
  config_.max_inflight_bytes = 100;
  Start({1, 2, 3});
  Lead();
  for (int i = 0; i < 5; i++) ASSERT_TRUE(node_->Propose(std::string(60, 'x')).ok());
  Drain();
  size_t to_two = 0;
  for (const Message& message : Sent(MessageType::kApp)) to_two += message.to == 2 ? 1 : 0;
  EXPECT_EQ(to_two, 2U);
  EXPECT_TRUE(node_->FindProgress(2)->IsPaused());
  Ack(2, 13);
  EXPECT_EQ(node_->FindProgress(2)->next, 16U);
}

TEST_F(RawNodeTest, ReadsAreConfirmedByAQuorum) {
  Start({1, 2, 3});
  Lead();
  ASSERT_TRUE(node_->ReadIndex("a").ok());
  ASSERT_TRUE(node_->ReadIndex("b").ok());
  Drain();
  EXPECT_TRUE(reads_.empty());
  const std::vector<Message> beats = Sent(MessageType::kHeartbeat);
  ASSERT_EQ(beats.size(), 4U);
  ASSERT_TRUE(node_
                  ->Step({.type = MessageType::kHeartbeatResp,
                          .to = 1,
                          .from = 3,
                          .term = term(),
                          .context = beats.back().context})
                  .ok());
  Drain();
  ASSERT_EQ(reads_.size(), 2U) << "the newest round confirms the earlier reads";
  EXPECT_EQ(reads_[0].context, "a");
  EXPECT_EQ(reads_[1].index, 11U);
}

TEST_F(RawNodeTest, ReadsWaitForAnEntryOfTheTerm) {
  Start({1, 2, 3});
  ASSERT_TRUE(node_->Campaign().ok());
  Drain();
  ASSERT_TRUE(
      node_->Step({.type = MessageType::kVoteResp, .to = 1, .from = 2, .term = term()}).ok());
  Drain();
  sent_.clear();
  ASSERT_TRUE(node_->ReadIndex("a").ok());
  Drain();
  EXPECT_TRUE(Sent(MessageType::kHeartbeat).empty());
  Ack(2, 11);
  EXPECT_EQ(Sent(MessageType::kHeartbeat).size(), 2U);
}

TEST_F(RawNodeTest, ASingleVoterWaitsForAnEntryOfItsTermToo) {
  Start({1});
  ASSERT_TRUE(node_->Campaign().ok());
  Ready vote = node_->TakeReady();
  storage_.SetHardState(vote.hard_state);
  ASSERT_TRUE(node_->Advance().ok());
  ASSERT_EQ(role(), Role::kLeader);
  ASSERT_TRUE(node_->ReadIndex("a").ok());
  Drain();
  ASSERT_EQ(reads_.size(), 1U);
  EXPECT_EQ(reads_[0].index, 11U) << "the log could hold entries that were committed before";
}

TEST_F(RawNodeTest, PendingReadsAreBounded) {
  config_.max_pending_reads = 2;
  Start({1, 2, 3});
  Lead();
  EXPECT_TRUE(node_->ReadIndex("a").ok());
  EXPECT_TRUE(node_->ReadIndex("b").ok());
  EXPECT_EQ(node_->ReadIndex("c").code(), StatusCode::kResourceExhausted);
}

class LeaseTest : public RawNodeTest {
 protected:
  void SetUp() override {
    config_.read_mode = ReadMode::kLeaseBased;
    config_.check_quorum = true;
    Start({1, 2, 3});
  }
  void Ticks(int count) {
    for (int i = 0; i < count; i++) node_->Tick();
    Drain();
  }
  void LeadWithLease() {
    node_->SetElectionTimeoutForTest(1000);
    Ticks(config_.election_ticks);
    Lead();
    Ticks(1);
    AnswerHeartbeats(2);
    sent_.clear();
  }
  // `from` answers what it was sent so far.
  void AnswerHeartbeats(NodeId from) {
    for (const Message& beat : Sent(MessageType::kHeartbeat)) {
      if (beat.to != from) continue;
      ASSERT_TRUE(node_
                      ->Step({.type = MessageType::kHeartbeatResp,
                              .to = 1,
                              .from = from,
                              .term = term(),
                              .context = beat.context})
                      .ok());
    }
    Drain();
  }
  bool ReadsAtOnce() {
    const size_t before = reads_.size();
    EXPECT_TRUE(node_->ReadIndex("read").ok());
    Drain();
    return reads_.size() > before;
  }
  bool VotesFor(NodeId candidate, Term in_term, std::string context = "") {
    sent_.clear();
    EXPECT_TRUE(node_
                    ->Step({.type = MessageType::kVote,
                            .to = 1,
                            .from = candidate,
                            .term = in_term,
                            .log_term = 1,
                            .index = 20,
                            .context = std::move(context)})
                    .ok());
    Drain();
    const std::vector<Message> answers = Sent(MessageType::kVoteResp);
    return !answers.empty() && !answers[0].reject;
  }
};

TEST_F(LeaseTest, ReadsAskNobodyWhileTheLeaseLasts) {
  LeadWithLease();
  EXPECT_TRUE(ReadsAtOnce());
  EXPECT_TRUE(Sent(MessageType::kHeartbeat).empty());
}

TEST_F(LeaseTest, WithoutAnAnsweredHeartbeatThereIsNone) {
  node_->SetElectionTimeoutForTest(1000);
  Ticks(config_.election_ticks);
  Lead();
  EXPECT_FALSE(ReadsAtOnce());
  AnswerHeartbeats(3);
  EXPECT_EQ(reads_.size(), 1U) << "a quorum confirms the read instead";
}

TEST_F(LeaseTest, ItEndsBeforeFollowersCanElectAnother) {
  LeadWithLease();
  Ticks(config_.election_ticks / 2);
  EXPECT_TRUE(ReadsAtOnce());
  // Its promises hold for nearly twice as long as it goes without checking the quorum.
  Ticks(config_.election_ticks * 3 / 4 - config_.election_ticks / 2);
  EXPECT_EQ(role(), Role::kLeader);
  EXPECT_FALSE(ReadsAtOnce());
}

TEST_F(LeaseTest, ALateAnswerCountsFromWhenItWasAsked) {
  LeadWithLease();
  Ticks(1);
  const std::vector<Message> old = Sent(MessageType::kHeartbeat);
  Ticks(config_.election_ticks * 3 / 4);
  sent_ = old;
  AnswerHeartbeats(2);
  EXPECT_EQ(role(), Role::kLeader);
  EXPECT_FALSE(ReadsAtOnce());
}

TEST_F(LeaseTest, ATransferVoidsIt) {
  LeadWithLease();
  ASSERT_TRUE(node_->TransferLeader(2).ok());
  Drain();
  ASSERT_EQ(Sent(MessageType::kTimeoutNow).size(), 1U);
  Ticks(config_.election_ticks);  // given up, but the message may still be under way
  AnswerHeartbeats(2);
  EXPECT_EQ(role(), Role::kLeader);
  EXPECT_FALSE(ReadsAtOnce());
}

TEST_F(LeaseTest, AFollowerKeepsItsPromiseWhateverBecomesOfTheTerm) {
  Follow(2, 2, {}, 10);
  // An answer from somebody of a later term: the leader is forgotten, the promise to it is not.
  ASSERT_TRUE(node_->Step({.type = MessageType::kAppResp, .to = 1, .from = 3, .term = 5}).ok());
  ASSERT_EQ(term(), 5U);
  EXPECT_FALSE(VotesFor(3, 6));
  ASSERT_TRUE(node_->Campaign().ok());
  EXPECT_EQ(role(), Role::kFollower) << "nor does it vote for itself";
  node_->SetElectionTimeoutForTest(1000);
  Ticks(config_.election_ticks);
  EXPECT_TRUE(VotesFor(3, 6));
}

TEST_F(LeaseTest, ARestartDoesNotEndThePromise) {
  EXPECT_FALSE(VotesFor(3, 2));
  EXPECT_TRUE(VotesFor(3, 2, "CampaignTransfer")) << "the leader itself asked for this one";
}

TEST_F(LeaseTest, APromiseEnds) {
  node_->SetElectionTimeoutForTest(1000);
  Ticks(config_.election_ticks);
  EXPECT_TRUE(VotesFor(3, 2));
}

TEST_F(RawNodeTest, ATransferIsGivenUpAfterAnElectionTimeout) {
  Start({1, 2, 3});
  Lead();
  ASSERT_TRUE(node_->TransferLeader(3).ok());
  EXPECT_EQ(node_->Propose(std::string("x")).code(), StatusCode::kUnavailable);
  EXPECT_EQ(node_->GetBasicStatus().transferee, 3U);
  for (int i = 0; i < config_.election_ticks; i++) node_->Tick();
  EXPECT_EQ(node_->GetBasicStatus().transferee, kNoNode);
  EXPECT_TRUE(node_->Propose(std::string("x")).ok());
}

TEST_F(RawNodeTest, ATransferStartsTheElectionOfWhoHasEverything) {
  Start({1, 2, 3});
  Lead();
  ASSERT_TRUE(node_->TransferLeader(2).ok());
  Drain();
  ASSERT_EQ(Sent(MessageType::kTimeoutNow).size(), 1U);
  EXPECT_EQ(Sent(MessageType::kTimeoutNow)[0].to, 2U);
}

TEST_F(RawNodeTest, ALeaderWithoutAQuorumStepsDown) {
  config_.check_quorum = true;
  Start({1, 2, 3});
  Lead();
  for (int i = 0; i < 2 * config_.election_ticks; i++) node_->Tick();
  EXPECT_EQ(role(), Role::kFollower);
}

// Its leader's configuration may need its vote while in its own it is a learner still, whom a
// removed member brought to a later term: it asks for no votes that would tell the leader.
TEST_F(RawNodeTest, ALeaderOfAnEarlierTermIsToldTheLaterOne) {
  Start({1, 2, 3});
  ASSERT_TRUE(node_->Step({.type = MessageType::kVote, .to = 1, .from = 3, .term = 7}).ok());
  Drain();
  for (const MessageType type : {MessageType::kHeartbeat, MessageType::kApp}) {
    sent_.clear();
    ASSERT_TRUE(node_->Step({.type = type, .to = 1, .from = 2, .term = 5}).ok());
    Drain();
    ASSERT_EQ(Sent(MessageType::kAppResp).size(), 1U);
    EXPECT_EQ(Sent(MessageType::kAppResp)[0].to, 2U);
    EXPECT_EQ(Sent(MessageType::kAppResp)[0].term, 7U);
  }
}

TEST_F(RawNodeTest, FollowersForwardProposalsUnlessToldNotTo) {
  Start({1, 2, 3});
  EXPECT_EQ(node_->Propose(std::string("x")).code(), StatusCode::kUnavailable);
  ASSERT_TRUE(node_->Step({.type = MessageType::kHeartbeat, .to = 1, .from = 2, .term = 2}).ok());
  EXPECT_TRUE(node_->Propose(std::string("x")).ok());
  Drain();
  ASSERT_EQ(Sent(MessageType::kProp).size(), 1U);
  EXPECT_EQ(Sent(MessageType::kProp)[0].to, 2U);
}

TEST_F(RawNodeTest, ForwardingCanBeSwitchedOff) {
  config_.disable_proposal_forwarding = true;
  Start({1, 2, 3});
  ASSERT_TRUE(node_->Step({.type = MessageType::kHeartbeat, .to = 1, .from = 2, .term = 2}).ok());
  EXPECT_EQ(node_->Propose(std::string("x")).code(), StatusCode::kUnavailable);
}

TEST_F(RawNodeTest, MessagesThatCannotBeRightAreRefused) {
  Start({1, 2, 3});
  const auto code = [&](Message message) {
    message.to = 1;
    return node_->Step(std::move(message)).code();
  };
  const auto entry = [](Term term, LogIndex index) {
    Entry made;
    made.term = term;
    made.index = index;
    return made;
  };
  constexpr StatusCode kBad = StatusCode::kInvalidArgument;
  EXPECT_EQ(code({.type = MessageType::kHup, .from = 2}), kBad);
  EXPECT_EQ(code({.type = MessageType::kStorageAppendResp, .from = 2, .term = 1}), kBad);
  EXPECT_EQ(code({.type = MessageType::kApp, .from = kAppendThread, .term = 1}), kBad);
  EXPECT_EQ(code({.type = MessageType::kHeartbeat, .from = 2}), kBad) << "no term";
  EXPECT_EQ(code({.type = MessageType::kHeartbeat, .term = 2}), kBad) << "no sender";
  EXPECT_EQ(code({.type = MessageType::kSnap, .from = 2, .term = 2}), kBad);
  EXPECT_EQ(code({.type = MessageType::kProp, .from = 2}), kBad);
  EXPECT_EQ(code({.type = MessageType::kReadIndex, .from = 2}), kBad);
  EXPECT_EQ(code({.type = MessageType::kApp,
                  .from = 2,
                  .term = 2,
                  .log_term = 1,
                  .index = 10,
                  .entries = {entry(1, 12)}}),
            kBad);
  EXPECT_EQ(code({.type = MessageType::kApp,
                  .from = 2,
                  .term = 2,
                  .log_term = 1,
                  .index = 10,
                  .entries = {entry(3, 11)}}),
            kBad);
  EXPECT_EQ(code({.type = MessageType::kAppResp, .from = 9, .term = 2}), StatusCode::kNotFound);
  EXPECT_EQ(code({.type = MessageType::kHeartbeat, .from = 2, .term = 2, .commit = 99}),
            StatusCode::kDataLoss);
  EXPECT_EQ(storage_.LastIndex(), 10U);
}

TEST_F(RawNodeTest, ALeaderBelievesNoAckBeyondItsLog) {
  Start({1, 2, 3});
  Lead();
  Ack(2, 1'000'000);
  EXPECT_EQ(commit(), 11U);
  EXPECT_EQ(node_->FindProgress(2)->match, 11U);
}

TEST_F(RawNodeTest, WhatIsCommittedIsNotReplaced) {
  Start({1, 2, 3});
  Lead();
  Entry other;
  other.term = term();
  other.index = 11;
  const Message contradiction = {.type = MessageType::kApp,
                                 .to = 1,
                                 .from = 2,
                                 .term = term() + 1,
                                 .log_term = 1,
                                 .index = 10,
                                 .entries = {other}};
  ASSERT_TRUE(node_->Step(contradiction).ok())
      << "an old message is answered with the commit index";
  Drain();
  EXPECT_EQ(*storage_.TermAt(11), 2U);
  EXPECT_EQ(Sent(MessageType::kAppResp).back().index, 11U);
}

TEST_F(RawNodeTest, TheLastVoterLearnsFromARefusalThatItIsTheLast) {
  Start({1, 2});
  ConfChange removal;
  removal.steps = {{ConfChangeType::kRemove, 2}};
  Entry entry = EncodeConfChange(removal);
  entry.term = 1;
  entry.index = 11;
  ASSERT_TRUE(storage_.Append({entry}).ok());
  node_ = std::move(RawNode::Open(config_)).value();
  ASSERT_TRUE(node_->Campaign().ok());
  Drain();
  // Node 2 led when that was committed, and holds more that never will be.
  Message refusal = {.type = MessageType::kVoteResp,
                     .to = 1,
                     .from = 2,
                     .term = term(),
                     .log_term = 2,
                     .commit = 11,
                     .reject = true};
  ASSERT_TRUE(node_->Step(refusal).ok());
  EXPECT_EQ(commit(), 10U) << "this log holds another entry there";
  ASSERT_TRUE(node_->Campaign().ok());
  Drain();
  refusal.term = term();
  refusal.log_term = 1;
  ASSERT_TRUE(node_->Step(refusal).ok());
  Drain();
  EXPECT_EQ(commit(), 11U);
  EXPECT_EQ(role(), Role::kFollower);
  ASSERT_TRUE(node_->ApplyConfChange(removal).ok());
  ASSERT_TRUE(node_->Campaign().ok());
  Drain();
  EXPECT_EQ(role(), Role::kLeader);
}

TEST_F(RawNodeTest, ARequestForVotesWaitsUntilItsTermIsStored) {
  config_.async_storage_writes = true;
  Start({1, 2, 3});
  ASSERT_TRUE(node_->Campaign().ok());
  const Ready ready = node_->TakeReady();
  ASSERT_EQ(ready.messages.size(), 1U);
  EXPECT_EQ(ready.messages[0].type, MessageType::kStorageAppend);
  EXPECT_EQ(ready.messages[0].term, 2U);
  size_t requests = 0;
  for (const Message& response : ready.messages[0].responses) {
    requests += response.type == MessageType::kVote ? 1 : 0;
  }
  EXPECT_EQ(requests, 2U);
}

TEST_F(RawNodeTest, ARefusalOfAVoteTellsWhatIsCommitted) {
  Start({1, 2});
  const Message request = {.type = MessageType::kVote, .to = 1, .from = 2, .term = 2};
  ASSERT_TRUE(node_->Step(request).ok());
  Drain();
  ASSERT_EQ(Sent(MessageType::kVoteResp).size(), 1U);
  EXPECT_TRUE(Sent(MessageType::kVoteResp)[0].reject);
  EXPECT_EQ(Sent(MessageType::kVoteResp)[0].commit, 10U);
  EXPECT_EQ(Sent(MessageType::kVoteResp)[0].log_term, 1U);
}

TEST_F(RawNodeTest, ACandidateOfAnEarlierTermIsToldOfTheLaterOne) {
  Start({1, 2, 3});
  ASSERT_TRUE(node_->Campaign().ok());
  ASSERT_TRUE(node_->Campaign().ok());
  Drain();
  sent_.clear();
  ASSERT_TRUE(node_
                  ->Step({.type = MessageType::kVote,
                          .to = 1,
                          .from = 3,
                          .term = 2,
                          .log_term = 1,
                          .index = 20})
                  .ok());
  Drain();
  const std::vector<Message> answers = Sent(MessageType::kVoteResp);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_TRUE(answers[0].reject);
  EXPECT_EQ(answers[0].term, 3U) << "by which it campaigns in term 4 next";
}

TEST_F(RawNodeTest, ConfigsThatContradictThemselvesAreRefused) {
  Start({1});
  const auto refused = [&](auto change) {
    Config config = config_;
    change(&config);
    return RawNode::Open(config).status().code() == StatusCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](Config* c) { c->id = kNoNode; }));
  EXPECT_TRUE(refused([](Config* c) { c->id = kApplyThread; }));
  EXPECT_TRUE(refused([](Config* c) { c->election_ticks = c->heartbeat_ticks; }));
  EXPECT_TRUE(refused([](Config* c) { c->storage = nullptr; }));
  EXPECT_TRUE(refused([](Config* c) { c->max_inflight_messages = 0; }));
  EXPECT_TRUE(refused([](Config* c) { c->max_inflight_bytes = 1; }));
  EXPECT_TRUE(refused([](Config* c) { c->read_mode = ReadMode::kLeaseBased; }));
}

TEST_F(RawNodeTest, WhatWasAppliedCountsAsCommitted) {
  Start({1});
  Entry entry;
  entry.term = 1;
  entry.index = 11;
  ASSERT_TRUE(storage_.Append({entry}).ok());
  config_.applied = 11;
  EXPECT_EQ((*RawNode::Open(config_))->GetBasicStatus().hard_state.commit, 11U);
  config_.applied = 12;
  EXPECT_TRUE(RawNode::Open(config_).status().IsCorruption());
}

TEST_F(RawNodeTest, AHardStateBeyondTheLogIsDamage) {
  Start({1});
  storage_.SetHardState({5, 1, 99});
  EXPECT_TRUE(RawNode::Open(config_).status().IsCorruption());
}

// A storage whose reads fail once they are told to.
class FailingStorage : public MemoryStorage {
 public:
  Result<std::vector<Entry>> Entries(LogIndex low, LogIndex high, uint64_t max) const override {
    if (fail) return Status::IoError("read the log", 5);
    return MemoryStorage::Entries(low, high, max);
  }
  bool fail = false;
};

TEST_F(RawNodeTest, AFailedStorageStopsTheGroup) {
  FailingStorage failing;
  Snapshot snapshot;
  snapshot.index = 10;
  snapshot.term = 1;
  snapshot.conf_state.voters = {1};
  ASSERT_TRUE(failing.ApplySnapshot(std::make_shared<const Snapshot>(snapshot)).ok());
  Entry entry;
  entry.term = 1;
  entry.index = 11;
  ASSERT_TRUE(failing.Append({entry}).ok());
  failing.SetHardState({1, 1, 11});
  config_ = {};
  config_.id = 1;
  config_.storage = &failing;
  config_.applied = 10;
  node_ = std::move(RawNode::Open(config_)).value();
  failing.fail = true;
  ASSERT_TRUE(node_->HasReady());
  EXPECT_TRUE(node_->TakeReady().committed_entries.empty());
  EXPECT_FALSE(node_->failure().ok());
  EXPECT_FALSE(node_->HasReady());
  EXPECT_EQ(node_->Propose(std::string("x")).code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace nokv::raft
