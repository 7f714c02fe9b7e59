#include "transport/codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nokv/raft/v1/raft.pb.h>

#include "raft/describe.h"
#include "transport/wire_types.h"

namespace nokv::transport {
namespace {

namespace wire = ::nokv::raft::v1;
using testing::HasSubstr;
using testing::SizeIs;

raft::Message Append() {
  raft::Message message{.type = raft::MessageType::kApp, .to = 2, .from = 1, .term = 7};
  message.log_term = 6;
  message.index = 41;
  message.commit = 40;
  message.vote = 3;
  message.reject = true;
  message.reject_hint = 39;
  message.context = std::string("a\0b", 3);
  message.entries = {{.type = raft::EntryType::kNormal, .term = 7, .index = 42, .data = {"one"}},
                     {.type = raft::EntryType::kConfChangeV2, .term = 7, .index = 43, .data = {}}};
  return message;
}

void ExpectSame(const raft::Message& a, const raft::Message& b) {
  EXPECT_EQ(a.type, b.type);
  EXPECT_EQ(a.to, b.to);
  EXPECT_EQ(a.from, b.from);
  EXPECT_EQ(a.term, b.term);
  EXPECT_EQ(a.log_term, b.log_term);
  EXPECT_EQ(a.index, b.index);
  EXPECT_EQ(a.entries, b.entries);
  EXPECT_EQ(a.commit, b.commit);
  EXPECT_EQ(a.vote, b.vote);
  EXPECT_EQ(a.reject, b.reject);
  EXPECT_EQ(a.reject_hint, b.reject_hint);
  EXPECT_EQ(a.context, b.context);
}

TEST(CodecTest, BatchesComeBackAsTheyWere) {
  Batch batch;
  batch.push_back({.group = 5, .message = Append()});
  for (const raft::MessageType type :
       {raft::MessageType::kProp, raft::MessageType::kAppResp, raft::MessageType::kVote,
        raft::MessageType::kVoteResp, raft::MessageType::kHeartbeat,
        raft::MessageType::kHeartbeatResp, raft::MessageType::kTransferLeader,
        raft::MessageType::kTimeoutNow, raft::MessageType::kReadIndex,
        raft::MessageType::kReadIndexResp, raft::MessageType::kPreVote,
        raft::MessageType::kPreVoteResp}) {
    batch.push_back({.group = 9, .message = {.type = type, .to = 3, .from = 2, .term = 1}});
  }
  const auto request = DecodeMessagesRequest(EncodeBatch(batch));
  ASSERT_TRUE(request.ok()) << request.status();
  const Batch& back = std::get<Batch>(*request);
  ASSERT_THAT(back, SizeIs(batch.size()));
  for (size_t i = 0; i < batch.size(); ++i) {
    EXPECT_EQ(back[i].group, batch[i].group);
    ExpectSame(back[i].message, batch[i].message);
  }
}

TEST(CodecTest, BatchesAreTheBytesThatProtobufWrites) {
  Batch batch;
  batch.push_back({.group = 5, .message = Append()});
  batch.push_back({.group = UINT64_MAX, .message = Append()});
  batch.back().message.entries[0].data = raft::Payload(std::string(70'000, 'x'));
  batch.push_back({.group = 0, .message = {.type = raft::MessageType::kAppResp, .to = 1}});
  const std::string bytes = EncodeBatch(batch);
  wire::MessagesRequest request;
  ASSERT_TRUE(request.ParseFromString(bytes));
  EXPECT_EQ(request.SerializeAsString(), bytes);
  EXPECT_EQ(EncodeBatch({}), std::string("\x12\0", 2));
}

// The short way answers where it can, and never otherwise than the parser of protobuf: an unknown
// field at the end leaves it to that.
TEST(CodecTest, BothWaysToReadABatchAgree) {
  Batch batch;
  batch.push_back({.group = 5, .message = Append()});
  batch.push_back({.group = 6, .message = {.type = raft::MessageType::kVote, .to = 3, .from = 2}});
  const std::string bytes = EncodeBatch(batch);
  ASSERT_TRUE(DecodePlainBatch(bytes).has_value());
  const auto describe = [](const Batch& read) {
    std::string text;
    for (const GroupMessage& one : read) {
      text += std::to_string(one.group) + " " + raft::Describe(one.message) + one.message.context;
    }
    return text;
  };
  size_t short_ways = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(changed[at] ^ 1 << bit);
      const std::optional<Batch> plain = DecodePlainBatch(changed);
      if (!plain.has_value()) continue;
      const auto judged = DecodeMessagesRequest(changed + "\xfa\x07\x03xyz");
      ASSERT_TRUE(judged.ok()) << at << " " << bit << ": " << judged.status();
      EXPECT_EQ(describe(*plain), describe(std::get<Batch>(*judged))) << at << " " << bit;
      ++short_ways;
    }
  }
  EXPECT_GT(short_ways, bytes.size());
}

TEST(CodecTest, AnEmptyBatchIsOneToo) {
  const auto request = DecodeMessagesRequest(EncodeBatch({}));
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_TRUE(std::get<Batch>(*request).empty());
}

TEST(CodecTest, SnapshotsComeBackAsTheyWere) {
  raft::Snapshot snapshot{.data = {}, .conf_state = {}, .index = 10, .term = 3};
  snapshot.conf_state = {.voters = {1, 2},
                         .learners = {3},
                         .voters_outgoing = {2, 4},
                         .learners_next = {4},
                         .auto_leave = true};
  SnapshotHeader header;
  header.message = {.group = 4,
                    .message = {.type = raft::MessageType::kSnap, .to = 2, .from = 1, .term = 3}};
  header.message.message.snapshot = std::make_shared<raft::Snapshot>(snapshot);
  header.size_bytes = 12;
  header.crc32c = 99;
  const auto request = DecodeSnapshotRequest(EncodeSnapshotHeader(header));
  ASSERT_TRUE(request.ok()) << request.status();
  const auto& back = std::get<SnapshotHeader>(*request);
  EXPECT_EQ(back.size_bytes, 12U);
  EXPECT_EQ(back.crc32c, 99U);
  EXPECT_EQ(back.message.group, 4U);
  EXPECT_EQ(back.message.message.snapshot->conf_state, snapshot.conf_state);
  EXPECT_EQ(back.message.message.snapshot->id(), snapshot.id());
}

// What is said of one message with a change that no correct node makes.
template <typename Change>
std::string RefusalOf(const Change& change) {
  wire::MessagesRequest request;
  wire::GroupMessage* message = request.mutable_batch()->add_messages();
  message->set_group_id(1);
  message->mutable_message()->set_type(wire::MESSAGE_TYPE_APPEND);
  message->mutable_message()->set_to(2);
  message->mutable_message()->set_from(1);
  message->mutable_message()->set_term(1);
  EXPECT_TRUE(DecodeMessagesRequest(request.SerializeAsString()).ok());
  change(message);
  const auto decoded = DecodeMessagesRequest(request.SerializeAsString());
  EXPECT_TRUE(decoded.ok() || decoded.status().code() == StatusCode::kInvalidArgument);
  return std::string(decoded.status().message());
}

TEST(CodecTest, RefusesWhatNoCorrectNodeSays) {
  using In = wire::GroupMessage*;
  EXPECT_EQ(RefusalOf([](In m) { m->clear_message(); }), "a message is missing");
  EXPECT_EQ(RefusalOf([](In m) { m->mutable_message()->clear_type(); }),
            "a message has an unknown type");
  EXPECT_EQ(
      RefusalOf([](In m) { m->mutable_message()->set_type(static_cast<wire::MessageType>(99)); }),
      "a message has an unknown type");
  EXPECT_EQ(RefusalOf([](In m) { m->mutable_message()->set_from(0); }),
            "a message has no sender or no receiver");
  // Raft trusts what its own storage says.
  EXPECT_EQ(RefusalOf([](In m) { m->mutable_message()->set_from(raft::kAppendThread); }),
            "a message has no sender or no receiver");
  EXPECT_EQ(RefusalOf([](In m) { m->mutable_message()->set_to(raft::kApplyThread); }),
            "a message has no sender or no receiver");
  EXPECT_EQ(RefusalOf([](In m) { m->mutable_message()->set_index(UINT64_MAX); }),
            "a message has an impossible index or term");
  EXPECT_EQ(RefusalOf([](In m) { m->mutable_message()->set_term(UINT64_MAX); }),
            "a message has an impossible index or term");
  EXPECT_EQ(RefusalOf([](In m) { m->mutable_message()->set_context(std::string(5000, 'x')); }),
            "a message has too long a context");
  EXPECT_EQ(RefusalOf([](In m) {
              m->mutable_message()->add_entries()->set_type(static_cast<wire::EntryType>(7));
            }),
            "an entry has an unknown type");
  EXPECT_EQ(RefusalOf([](In m) { m->mutable_message()->set_type(wire::MESSAGE_TYPE_SNAPSHOT); }),
            "a snapshot and other messages do not come the same way");
}

TEST(CodecTest, CountsPartsBeforeThereIsMemoryForThem) {
  EXPECT_EQ(RefusalOf([](wire::GroupMessage* m) {
              for (size_t i = 0; i <= kMaxBatchEntries; ++i) m->mutable_message()->add_entries();
            }),
            "it holds too many entries");
  wire::MessagesRequest request;
  for (size_t i = 0; i <= kMaxBatchMessages; ++i) request.mutable_batch()->add_messages();
  EXPECT_EQ(DecodeMessagesRequest(request.SerializeAsString()).status().message(),
            "it holds too many messages");
}

TEST(CodecTest, RefusesBytesThatAreCutShort) {
  Batch batch;
  batch.push_back({.group = 5, .message = Append()});
  const std::string bytes = EncodeBatch(batch);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(DecodeMessagesRequest(bytes.substr(0, size)).status().code(),
              StatusCode::kInvalidArgument)
        << size;
  }
}

TEST(CodecTest, PassesOverFieldsOfALaterVersion) {
  Batch batch;
  batch.push_back({.group = 5, .message = Append()});
  const auto request = DecodeMessagesRequest(EncodeBatch(batch) + "\xfa\x07\x03xyz");
  EXPECT_TRUE(request.ok()) << request.status();
}

TEST(CodecTest, RefusesConfigurationsThatCannotBe) {
  const auto refusal = [](std::vector<raft::NodeId> voters) {
    SnapshotHeader header;
    raft::Snapshot snapshot{.data = {}, .conf_state = {}, .index = 1, .term = 1};
    snapshot.conf_state.voters = std::move(voters);
    header.message.message = {.type = raft::MessageType::kSnap, .to = 2, .from = 1, .term = 3};
    header.message.message.snapshot = std::make_shared<raft::Snapshot>(std::move(snapshot));
    return std::string(DecodeSnapshotRequest(EncodeSnapshotHeader(header)).status().message());
  };
  EXPECT_EQ(refusal({1, 2}), "");
  EXPECT_THAT(refusal({}), HasSubstr("no voter"));
  EXPECT_THAT(refusal({1, 1}), HasSubstr("twice"));
  EXPECT_THAT(refusal({0, 1}), HasSubstr("no member"));
  EXPECT_THAT(refusal(std::vector<raft::NodeId>(kMaxMembers + 1, 7)), HasSubstr("too many"));
}

}  // namespace
}  // namespace nokv::transport
