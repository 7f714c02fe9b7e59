// Batches to bytes and back: what protobuf would write and read, without an object for each part of
// it. With many groups there are more messages than anything else.
#include <nokv/raft/v1/raft.pb.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/coding.h"
#include "transport/codec.h"
#include "transport/wire_types.h"

namespace nokv::transport {
namespace {

namespace wire = ::nokv::raft::v1;

// Of a field whose number takes one byte with its type, as all numbers below 16 do.
constexpr char Tag(int field, int type) {
  return static_cast<char>(field << 3 | type);
}
constexpr int kVarint = 0;
constexpr int kBytes = 2;

// The sinks that the layouts below are written to: the first one counts.
struct Counter {
  size_t bytes = 0;

  void Number(int /*field*/, uint64_t value) {
    if (value != 0) bytes += 1 + base::VarintLength(value);
  }
  void Head(int /*field*/, size_t size) { bytes += 1 + base::VarintLength(size); }
  void Bytes(int field, std::string_view value) {
    if (value.empty()) return;
    Head(field, value.size());
    bytes += value.size();
  }
};

struct Store {
  char* at;

  void Number(int field, uint64_t value) {
    if (value == 0) return;
    *at++ = Tag(field, kVarint);
    at = base::StoreVarint64(at, value);
  }
  void Head(int field, size_t size) {
    *at++ = Tag(field, kBytes);
    at = base::StoreVarint64(at, size);
  }
  void Bytes(int field, std::string_view value) {
    if (value.empty()) return;
    Head(field, value.size());
    std::memcpy(at, value.data(), value.size());
    at += value.size();
  }
};

template <typename Sink>
void PutEntry(Sink& sink, const raft::Entry& entry) {
  sink.Number(wire::Entry::kTypeFieldNumber, static_cast<uint64_t>(entry.type));
  sink.Number(wire::Entry::kTermFieldNumber, entry.term);
  sink.Number(wire::Entry::kIndexFieldNumber, entry.index);
  sink.Bytes(wire::Entry::kDataFieldNumber, entry.data.view());
}

size_t SizeOf(const raft::Entry& entry) {
  Counter counter;
  PutEntry(counter, entry);
  return counter.bytes;
}

// A message without its entries: what comes before them, and what comes after.
template <typename Sink>
void PutBefore(Sink& sink, const raft::Message& message) {
  sink.Number(wire::Message::kTypeFieldNumber, static_cast<uint64_t>(WireTypeOf(message.type)));
  sink.Number(wire::Message::kToFieldNumber, message.to);
  sink.Number(wire::Message::kFromFieldNumber, message.from);
  sink.Number(wire::Message::kTermFieldNumber, message.term);
  sink.Number(wire::Message::kLogTermFieldNumber, message.log_term);
  sink.Number(wire::Message::kIndexFieldNumber, message.index);
}
template <typename Sink>
void PutAfter(Sink& sink, const raft::Message& message) {
  sink.Number(wire::Message::kCommitFieldNumber, message.commit);
  sink.Number(wire::Message::kVoteFieldNumber, message.vote);
  sink.Number(wire::Message::kRejectFieldNumber, message.reject ? 1 : 0);
  sink.Number(wire::Message::kRejectHintFieldNumber, message.reject_hint);
  sink.Bytes(wire::Message::kContextFieldNumber, message.context);
}

size_t SizeOf(const raft::Message& message) {
  Counter counter;
  PutBefore(counter, message);
  for (const raft::Entry& entry : message.entries) {
    const size_t size = SizeOf(entry);
    counter.Head(wire::Message::kEntriesFieldNumber, size);
    counter.bytes += size;
  }
  PutAfter(counter, message);
  return counter.bytes;
}

}  // namespace

std::string EncodeBatch(const Batch& batch) {
  // Of the bodies, of what each is in, and of all.
  struct Sizes {
    size_t body = 0;
    size_t whole = 0;
  };
  std::vector<Sizes> sizes;
  sizes.reserve(batch.size());
  Counter all;
  for (const GroupMessage& one : batch) {
    NOKV_CHECK(one.message.snapshot == nullptr) << "snapshots have calls of their own";
    Counter whole;
    const size_t body = SizeOf(one.message);
    whole.Number(wire::GroupMessage::kGroupIdFieldNumber, one.group);
    whole.Head(wire::GroupMessage::kMessageFieldNumber, body);
    whole.bytes += body;
    all.Head(wire::Batch::kMessagesFieldNumber, whole.bytes);
    all.bytes += whole.bytes;
    sizes.push_back({body, whole.bytes});
  }
  Counter request;
  request.Head(wire::MessagesRequest::kBatchFieldNumber, all.bytes);
  std::string bytes(request.bytes + all.bytes, '\0');
  Store out{bytes.data()};
  out.Head(wire::MessagesRequest::kBatchFieldNumber, all.bytes);
  for (size_t i = 0; i < batch.size(); i++) {
    const raft::Message& message = batch[i].message;
    out.Head(wire::Batch::kMessagesFieldNumber, sizes[i].whole);
    out.Number(wire::GroupMessage::kGroupIdFieldNumber, batch[i].group);
    out.Head(wire::GroupMessage::kMessageFieldNumber, sizes[i].body);
    PutBefore(out, message);
    for (const raft::Entry& entry : message.entries) {
      out.Head(wire::Message::kEntriesFieldNumber, SizeOf(entry));
      PutEntry(out, entry);
    }
    PutAfter(out, message);
  }
  return bytes;
}

namespace {

// A field as it was read: a number, or bytes.
struct Field {
  uint32_t tag = 0;  // its number and its type
  uint64_t value = 0;
  std::string_view bytes;
};

constexpr uint32_t NumberTag(int field) {
  return static_cast<uint32_t>(Tag(field, kVarint));
}
constexpr uint32_t BytesTag(int field) {
  return static_cast<uint32_t>(Tag(field, kBytes));
}

// False at the end, and at what is no such field: then `*in` is not empty.
[[gnu::always_inline]] inline bool NextField(std::string_view* in, Field* field) {
  if (in->empty()) return false;
  // All fields that are known have tags of one byte.
  field->tag = static_cast<uint8_t>(in->front());
  std::string_view rest = in->substr(1);
  const uint32_t type = field->tag & 7;
  const bool read = type == kVarint  ? base::GetVarint64(&rest, &field->value)
                    : type == kBytes ? base::GetLengthPrefixed(&rest, &field->bytes)
                                     : false;
  if (read) *in = rest;
  return read;
}

// How many fields with `tag` there are.
size_t Count(std::string_view in, uint32_t tag) {
  size_t count = 0;
  for (Field field; NextField(&in, &field);) count += field.tag == tag ? 1 : 0;
  return count;
}

// The functions below answer false where the parser of protobuf has to judge.
bool TakeEntry(std::string_view in, raft::Entry* entry) {
  for (Field field; NextField(&in, &field);) {
    switch (field.tag) {
      case NumberTag(wire::Entry::kTypeFieldNumber):
        if (field.value > static_cast<uint64_t>(raft::EntryType::kConfChangeV2)) return false;
        entry->type = static_cast<raft::EntryType>(field.value);
        break;
      case NumberTag(wire::Entry::kTermFieldNumber):
        entry->term = field.value;
        break;
      case NumberTag(wire::Entry::kIndexFieldNumber):
        entry->index = field.value;
        break;
      case BytesTag(wire::Entry::kDataFieldNumber):
        entry->data = raft::Payload(std::string(field.bytes));
        break;
      default:
        return false;
    }
  }
  return in.empty();
}

bool TakeField(const Field& field, raft::Message* message) {
  switch (field.tag) {
    case NumberTag(wire::Message::kTypeFieldNumber): {
      const auto type = FromWireType(
          static_cast<int>(std::min<uint64_t>(field.value, wire::MessageType_MAX + 1)));
      if (!type || *type == raft::MessageType::kSnap) return false;
      message->type = *type;
      return true;
    }
    case NumberTag(wire::Message::kToFieldNumber):
      message->to = field.value;
      return true;
    case NumberTag(wire::Message::kFromFieldNumber):
      message->from = field.value;
      return true;
    case NumberTag(wire::Message::kTermFieldNumber):
      message->term = field.value;
      return true;
    case NumberTag(wire::Message::kLogTermFieldNumber):
      message->log_term = field.value;
      return true;
    case NumberTag(wire::Message::kIndexFieldNumber):
      message->index = field.value;
      return true;
    case NumberTag(wire::Message::kCommitFieldNumber):
      message->commit = field.value;
      return true;
    case NumberTag(wire::Message::kVoteFieldNumber):
      message->vote = field.value;
      return true;
    case NumberTag(wire::Message::kRejectFieldNumber):
      message->reject = field.value != 0;
      return true;
    case NumberTag(wire::Message::kRejectHintFieldNumber):
      message->reject_hint = field.value;
      return true;
    case BytesTag(wire::Message::kContextFieldNumber):
      message->context = field.bytes;
      return true;
    default:
      return false;
  }
}

// `entries`: how many more are taken.
bool TakeMessage(std::string_view in, raft::Message* message, size_t* entries) {
  constexpr uint32_t kEntries = BytesTag(wire::Message::kEntriesFieldNumber);
  for (Field field; NextField(&in, &field);) {
    if (field.tag != kEntries) {
      if (!TakeField(field, message)) return false;
      continue;
    }
    if (*entries == 0) return false;
    --*entries;
    if (message->entries.empty()) {
      message->entries.reserve(1 + std::min(Count(in, kEntries), *entries));
    }
    if (!TakeEntry(field.bytes, &message->entries.emplace_back())) return false;
  }
  return in.empty() && message->type != raft::MessageType::kHup && IsMember(message->to) &&
         IsMember(message->from) && message->context.size() <= kMaxContextBytes &&
         std::max({message->index, message->commit, message->reject_hint, message->term,
                   message->log_term}) <= kLastIndex;
}

bool TakeGroupMessage(std::string_view in, GroupMessage* out, size_t* entries) {
  bool has_message = false;
  for (Field field; NextField(&in, &field);) {
    if (field.tag == NumberTag(wire::GroupMessage::kGroupIdFieldNumber)) {
      out->group = field.value;
    } else if (field.tag != BytesTag(wire::GroupMessage::kMessageFieldNumber) ||
               std::exchange(has_message, true) ||
               !TakeMessage(field.bytes, &out->message, entries)) {
      return false;
    }
  }
  return in.empty() && has_message;
}

}  // namespace

std::optional<Batch> DecodePlainBatch(std::string_view bytes) {
  Field all;
  if (!NextField(&bytes, &all) || !bytes.empty() ||
      all.tag != BytesTag(wire::MessagesRequest::kBatchFieldNumber)) {
    return std::nullopt;
  }
  constexpr uint32_t kMessages = BytesTag(wire::Batch::kMessagesFieldNumber);
  const size_t count = Count(all.bytes, kMessages);
  if (count > kMaxBatchMessages) return std::nullopt;
  Batch batch;
  batch.reserve(count);
  size_t entries = kMaxBatchEntries;
  for (Field field; NextField(&all.bytes, &field);) {
    if (field.tag != kMessages || !TakeGroupMessage(field.bytes, &batch.emplace_back(), &entries)) {
      return std::nullopt;
    }
  }
  if (!all.bytes.empty()) return std::nullopt;
  return batch;
}

}  // namespace nokv::transport
