#include "transport/codec.h"

#include <google/protobuf/arena.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <nokv/raft/v1/raft.pb.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "base/crc32c.h"
#include "base/macros.h"
#include "raft/describe.h"
#include "transport/identity.h"
#include "transport/wire_types.h"

namespace nokv::transport {
namespace {

namespace wire = ::nokv::raft::v1;
using ::google::protobuf::Arena;
using ::google::protobuf::internal::WireFormatLite;
using ::google::protobuf::io::CodedInputStream;
using raft::MessageType;

struct TypePair {
  MessageType ours;
  wire::MessageType theirs;
};
constexpr std::array<TypePair, 14> kTypes = {{
    {MessageType::kProp, wire::MESSAGE_TYPE_PROPOSE},
    {MessageType::kApp, wire::MESSAGE_TYPE_APPEND},
    {MessageType::kAppResp, wire::MESSAGE_TYPE_APPEND_RESPONSE},
    {MessageType::kVote, wire::MESSAGE_TYPE_VOTE},
    {MessageType::kVoteResp, wire::MESSAGE_TYPE_VOTE_RESPONSE},
    {MessageType::kSnap, wire::MESSAGE_TYPE_SNAPSHOT},
    {MessageType::kHeartbeat, wire::MESSAGE_TYPE_HEARTBEAT},
    {MessageType::kHeartbeatResp, wire::MESSAGE_TYPE_HEARTBEAT_RESPONSE},
    {MessageType::kTransferLeader, wire::MESSAGE_TYPE_TRANSFER_LEADER},
    {MessageType::kTimeoutNow, wire::MESSAGE_TYPE_TIMEOUT_NOW},
    {MessageType::kReadIndex, wire::MESSAGE_TYPE_READ_INDEX},
    {MessageType::kReadIndexResp, wire::MESSAGE_TYPE_READ_INDEX_RESPONSE},
    {MessageType::kPreVote, wire::MESSAGE_TYPE_PRE_VOTE},
    {MessageType::kPreVoteResp, wire::MESSAGE_TYPE_PRE_VOTE_RESPONSE},
}};

Status Bad(const std::string& what) {
  return Status::InvalidArgument(what);
}

// --- to the wire ---

void Encode(const raft::ConfState& state, wire::ConfState* out) {
  out->mutable_voters()->Add(state.voters.begin(), state.voters.end());
  out->mutable_learners()->Add(state.learners.begin(), state.learners.end());
  out->mutable_voters_outgoing()->Add(state.voters_outgoing.begin(), state.voters_outgoing.end());
  out->mutable_learners_next()->Add(state.learners_next.begin(), state.learners_next.end());
  out->set_auto_leave(state.auto_leave);
}

void Encode(const GroupMessage& in, wire::GroupMessage* out) {
  const raft::Message& message = in.message;
  out->set_group_id(in.group);
  wire::Message* body = out->mutable_message();
  body->set_type(static_cast<wire::MessageType>(WireTypeOf(message.type)));
  body->set_to(message.to);
  body->set_from(message.from);
  body->set_term(message.term);
  body->set_log_term(message.log_term);
  body->set_index(message.index);
  for (const raft::Entry& entry : message.entries) {
    wire::Entry* made = body->add_entries();
    made->set_type(static_cast<wire::EntryType>(entry.type));
    made->set_term(entry.term);
    made->set_index(entry.index);
    made->set_data(entry.data.view().data(), entry.data.size());
  }
  body->set_commit(message.commit);
  body->set_vote(message.vote);
  body->set_reject(message.reject);
  body->set_reject_hint(message.reject_hint);
  if (!message.context.empty()) body->set_context(message.context);
  if (message.snapshot == nullptr) return;
  wire::SnapshotMetadata* snapshot = body->mutable_snapshot();
  snapshot->set_index(message.snapshot->index);
  snapshot->set_term(message.snapshot->term);
  Encode(message.snapshot->conf_state, snapshot->mutable_conf_state());
}

template <typename Request>
std::string EncodeHelloAs(const Hello& hello) {
  Request request;
  wire::Hello* out = request.mutable_hello();
  out->set_protocol(hello.protocol);
  out->set_cluster_id(hello.cluster);
  out->set_from_node(hello.from);
  out->set_to_node(hello.to);
  out->set_greeting(hello.greeting);
  return request.SerializeAsString();
}

// --- from the wire ---

// Counts the parts of a request before it is parsed: an empty entry is two bytes here and a hundred
// in memory. Unknown fields are passed over.
class Counter {
 public:
  static Status Check(std::string_view bytes) {
    CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                        static_cast<int>(bytes.size()));
    Counter counter;
    const bool whole = counter.Walk(in, kRequest);
    if (counter.messages_ > kMaxBatchMessages) return Bad("it holds too many messages");
    if (counter.entries_ > kMaxBatchEntries) return Bad("it holds too many entries");
    return whole ? Status::Ok() : Bad("it is not a message of this protocol");
  }

 private:
  // What can be inside what; the number is that of the field.
  enum Level : uint8_t { kRequest, kBatch, kGroupMessage, kMessage, kNothing };
  static Level Inside(Level level, int field) {
    switch (level) {
      case kRequest:
        return field == wire::MessagesRequest::kBatchFieldNumber ? kBatch : kNothing;
      case kBatch:
        return field == wire::Batch::kMessagesFieldNumber ? kGroupMessage : kNothing;
      case kGroupMessage:
        return field == wire::GroupMessage::kMessageFieldNumber ? kMessage : kNothing;
      default:
        return kNothing;
    }
  }

  // False as soon as it is known that the request is not taken.
  bool Walk(CodedInputStream& in, Level level) {
    while (const uint32_t tag = in.ReadTag()) {
      const int field = WireFormatLite::GetTagFieldNumber(tag);
      const bool bytes =
          WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
      const Level inside = bytes ? Inside(level, field) : kNothing;
      if (inside == kGroupMessage && ++messages_ > kMaxBatchMessages) return false;
      if (level == kMessage && field == wire::Message::kEntriesFieldNumber &&
          ++entries_ > kMaxBatchEntries) {
        return false;
      }
      if (inside == kNothing) {
        if (!WireFormatLite::SkipField(&in, tag)) return false;
        continue;
      }
      uint32_t size = 0;
      if (!in.ReadVarint32(&size) || size > static_cast<uint32_t>(in.BytesUntilTotalBytesLimit())) {
        return false;
      }
      const CodedInputStream::Limit limit = in.PushLimit(static_cast<int>(size));
      if (!Walk(in, inside)) return false;
      in.PopLimit(limit);
    }
    return in.ConsumedEntireMessage();
  }

  size_t messages_ = 0;
  size_t entries_ = 0;
};

template <typename Ids>
Status DecodeIds(const Ids& ids, std::vector<raft::NodeId>* out) {
  if (static_cast<size_t>(ids.size()) > kMaxMembers) return Bad("it names too many members");
  out->assign(ids.begin(), ids.end());
  if (!std::all_of(out->begin(), out->end(), IsMember)) return Bad("it names no member");
  std::vector<raft::NodeId> sorted = *out;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    return Bad("it names a member twice");
  }
  return Status::Ok();
}

Status DecodeSnapshot(const wire::SnapshotMetadata& in, raft::Message* message) {
  auto snapshot = std::make_shared<raft::Snapshot>();
  snapshot->index = in.index();
  snapshot->term = in.term();
  if (in.index() == 0 || in.term() == 0) return Bad("its snapshot has no index or no term");
  raft::ConfState& state = snapshot->conf_state;
  RETURN_IF_ERROR(DecodeIds(in.conf_state().voters(), &state.voters));
  RETURN_IF_ERROR(DecodeIds(in.conf_state().learners(), &state.learners));
  RETURN_IF_ERROR(DecodeIds(in.conf_state().voters_outgoing(), &state.voters_outgoing));
  RETURN_IF_ERROR(DecodeIds(in.conf_state().learners_next(), &state.learners_next));
  if (state.voters.empty()) return Bad("its snapshot names no voter");
  state.auto_leave = in.conf_state().auto_leave();
  message->snapshot = std::move(snapshot);
  return Status::Ok();
}

Status DecodeEntries(wire::Message* in, raft::Message* message) {
  message->entries.reserve(static_cast<size_t>(in->entries_size()));
  for (wire::Entry& entry : *in->mutable_entries()) {
    if (!wire::EntryType_IsValid(entry.type())) return Bad("an entry has an unknown type");
    message->entries.push_back({.type = static_cast<raft::EntryType>(entry.type()),
                                .term = entry.term(),
                                .index = entry.index(),
                                .data = raft::Payload(std::move(*entry.mutable_data()))});
  }
  return Status::Ok();
}

Result<GroupMessage> Decode(wire::GroupMessage* in, bool snapshot) {
  GroupMessage out;
  out.group = in->group_id();
  if (!in->has_message()) return Bad("a message is missing");
  wire::Message* const body = in->mutable_message();
  const std::optional<MessageType> type = FromWireType(body->type());
  if (!type.has_value()) return Bad("a message has an unknown type");
  raft::Message& message = out.message;
  message.type = *type;
  message.to = body->to();
  message.from = body->from();
  if (!IsMember(message.to) || !IsMember(message.from)) {
    return Bad("a message has no sender or no receiver");
  }
  message.term = body->term();
  message.log_term = body->log_term();
  message.index = body->index();
  message.commit = body->commit();
  message.vote = body->vote();
  message.reject = body->reject();
  message.reject_hint = body->reject_hint();
  if (std::max({message.index, message.commit, message.reject_hint, message.term,
                message.log_term}) > kLastIndex) {
    return Bad("a message has an impossible index or term");
  }
  if (body->context().size() > kMaxContextBytes) return Bad("a message has too long a context");
  message.context = std::move(*body->mutable_context());
  if (snapshot != (message.type == MessageType::kSnap) || snapshot != body->has_snapshot()) {
    return Bad("a snapshot and other messages do not come the same way");
  }
  if (snapshot) RETURN_IF_ERROR(DecodeSnapshot(body->snapshot(), &message));
  RETURN_IF_ERROR(DecodeEntries(body, &message));
  return out;
}

Result<Hello> Decode(const wire::Hello& in) {
  if (in.greeting().size() > kMaxGreetingBytes) return Bad("a greeting is too long");
  return Hello{.protocol = in.protocol(),
               .cluster = in.cluster_id(),
               .from = in.from_node(),
               .to = in.to_node(),
               .greeting = in.greeting()};
}

template <typename Request>
Result<Request*> Parse(std::string_view bytes, Arena* arena) {
  auto* request = Arena::CreateMessage<Request>(arena);
  if (bytes.size() > static_cast<size_t>(std::numeric_limits<int>::max()) ||
      !request->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Bad("it is not a message of this protocol");
  }
  return request;
}

}  // namespace

int WireTypeOf(MessageType type) {
  for (const TypePair& pair : kTypes) {
    if (pair.ours == type) return pair.theirs;
  }
  return wire::MESSAGE_TYPE_UNSPECIFIED;
}

std::optional<MessageType> FromWireType(int type) {
  for (const TypePair& pair : kTypes) {
    if (pair.theirs == type) return pair.ours;
  }
  return std::nullopt;
}

std::string EncodeHello(const Hello& hello) {
  return EncodeHelloAs<wire::MessagesRequest>(hello);
}

std::string EncodeSnapshotHello(const Hello& hello) {
  return EncodeHelloAs<wire::SnapshotRequest>(hello);
}

std::string EncodeWelcome(const Welcome& welcome) {
  wire::MessagesResponse response;
  response.mutable_welcome()->set_greeting(welcome.greeting);
  response.mutable_welcome()->set_refusal(welcome.refusal);
  response.mutable_welcome()->set_later(welcome.later);
  return response.SerializeAsString();
}

Result<Welcome> DecodeWelcome(std::string_view bytes) {
  Arena arena;
  ASSIGN_OR_RETURN(auto* const response, Parse<wire::MessagesResponse>(bytes, &arena));
  if (!response->has_welcome()) return Bad("it is of no known kind");
  const wire::Welcome& in = response->welcome();
  if (in.greeting().size() > kMaxGreetingBytes) return Bad("a greeting is too long");
  return Welcome{.greeting = in.greeting(),
                 .refusal = in.refusal().substr(0, kMaxRefusalBytes),
                 .later = in.later()};
}

Result<std::variant<Hello, Batch>> DecodeMessagesRequest(std::string_view bytes) {
  if (std::optional<Batch> plain = DecodePlainBatch(bytes)) {
    return std::variant<Hello, Batch>(*std::move(plain));
  }
  RETURN_IF_ERROR(Counter::Check(bytes));
  Arena arena;
  ASSIGN_OR_RETURN(auto* const request, Parse<wire::MessagesRequest>(bytes, &arena));
  if (request->has_hello()) {
    ASSIGN_OR_RETURN(Hello hello, Decode(request->hello()));
    return std::variant<Hello, Batch>(std::move(hello));
  }
  if (!request->has_batch()) return Bad("it is of no known kind");
  Batch batch;
  batch.reserve(static_cast<size_t>(request->batch().messages_size()));
  for (wire::GroupMessage& message : *request->mutable_batch()->mutable_messages()) {
    ASSIGN_OR_RETURN(GroupMessage decoded, Decode(&message, /*snapshot=*/false));
    batch.push_back(std::move(decoded));
  }
  return std::variant<Hello, Batch>(std::move(batch));
}

std::string EncodeSnapshotHeader(const SnapshotHeader& header) {
  wire::SnapshotRequest request;
  Encode(header.message, request.mutable_header()->mutable_message());
  request.mutable_header()->set_size_bytes(header.size_bytes);
  request.mutable_header()->set_crc32c(header.crc32c);
  return request.SerializeAsString();
}

std::string EncodeSnapshotChunk(uint64_t offset, std::string_view data) {
  wire::SnapshotRequest request;
  request.mutable_chunk()->set_offset(offset);
  request.mutable_chunk()->set_crc32c(base::Crc32c(data));
  request.mutable_chunk()->set_data(data.data(), data.size());
  return request.SerializeAsString();
}

Result<std::variant<Hello, SnapshotHeader, SnapshotChunk>> DecodeSnapshotRequest(
    std::string_view bytes) {
  using Request = std::variant<Hello, SnapshotHeader, SnapshotChunk>;
  Arena arena;
  ASSIGN_OR_RETURN(auto* const request, Parse<wire::SnapshotRequest>(bytes, &arena));
  if (request->has_hello()) {
    ASSIGN_OR_RETURN(Hello hello, Decode(request->hello()));
    return Request(std::move(hello));
  }
  if (request->has_header()) {
    SnapshotHeader header;
    ASSIGN_OR_RETURN(header.message,
                     Decode(request->mutable_header()->mutable_message(), /*snapshot=*/true));
    header.size_bytes = request->header().size_bytes();
    header.crc32c = request->header().crc32c();
    return Request(std::move(header));
  }
  if (!request->has_chunk()) return Bad("it is of no known kind");
  return Request(SnapshotChunk{.offset = request->chunk().offset(),
                               .crc32c = request->chunk().crc32c(),
                               .data = std::move(*request->mutable_chunk()->mutable_data())});
}

std::string EncodeSnapshotProgress(const SnapshotProgress& progress) {
  wire::SnapshotProgress response;
  response.set_offset(progress.offset);
  response.set_taken(progress.taken);
  return response.SerializeAsString();
}

Result<SnapshotProgress> DecodeSnapshotProgress(std::string_view bytes) {
  Arena arena;
  ASSIGN_OR_RETURN(auto* const response, Parse<wire::SnapshotProgress>(bytes, &arena));
  return SnapshotProgress{.offset = response->offset(), .taken = response->taken()};
}

}  // namespace nokv::transport
