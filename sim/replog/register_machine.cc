#include "sim/replog/register_machine.h"

#include "base/coding.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "base/macros.h"
#include "base/random.h"

namespace nokv::sim {
namespace {

constexpr uint32_t kMagic = 0x4d525331;
// More of anything would be damage.
constexpr uint64_t kMostItems = 1'000'000;

void PutValue(std::string* out, const RegisterValue& value) {
  out->push_back(value ? 1 : 0);
  base::PutFixed64(out, static_cast<uint64_t>(value.value_or(0)));
}

bool GetByte(std::string_view* in, uint8_t* byte) {
  if (in->empty()) return false;
  *byte = static_cast<uint8_t>(in->front());
  in->remove_prefix(1);
  return true;
}

bool GetValue(std::string_view* in, RegisterValue* value) {
  uint8_t there;
  uint64_t number;
  if (!GetByte(in, &there) || there > 1 || !base::GetFixed64(in, &number)) return false;
  *value = there == 1 ? RegisterValue(static_cast<int64_t>(number)) : std::nullopt;
  return true;
}

void PutIds(std::string* out, const std::vector<raft::NodeId>& ids) {
  base::PutVarint64(out, ids.size());
  for (const raft::NodeId id : ids) base::PutVarint64(out, id);
}

bool GetIds(std::string_view* in, std::vector<raft::NodeId>* ids) {
  uint64_t count;
  if (!base::GetVarint64(in, &count) || count > kMostItems) return false;
  ids->resize(count);
  for (raft::NodeId& id : *ids) {
    if (!base::GetVarint64(in, &id)) return false;
  }
  return true;
}

void PutConfState(std::string* out, const raft::ConfState& state) {
  PutIds(out, state.voters);
  PutIds(out, state.learners);
  PutIds(out, state.voters_outgoing);
  PutIds(out, state.learners_next);
  out->push_back(state.auto_leave ? 1 : 0);
}

bool GetConfState(std::string_view* in, raft::ConfState* state) {
  uint8_t auto_leave;
  if (!GetIds(in, &state->voters) || !GetIds(in, &state->learners) ||
      !GetIds(in, &state->voters_outgoing) || !GetIds(in, &state->learners_next) ||
      !GetByte(in, &auto_leave)) {
    return false;
  }
  state->auto_leave = auto_leave == 1;
  return true;
}

}  // namespace

std::string EncodeRequest(const Request& request) {
  std::string bytes;
  base::PutFixed64(&bytes, request.client);
  base::PutFixed64(&bytes, request.number);
  bytes.push_back(static_cast<char>(request.kind));
  base::PutFixed64(&bytes, request.key);
  base::PutFixed64(&bytes, static_cast<uint64_t>(request.argument));
  PutValue(&bytes, request.expected);
  bytes.append(request.padding_bytes, 'x');
  return bytes;
}

Result<Request> DecodeRequest(std::string_view bytes) {
  Request request;
  uint8_t kind;
  uint64_t argument;
  if (!base::GetFixed64(&bytes, &request.client) || !base::GetFixed64(&bytes, &request.number) ||
      !GetByte(&bytes, &kind) || kind > static_cast<uint8_t>(OperationKind::kAdd) ||
      !base::GetFixed64(&bytes, &request.key) || !base::GetFixed64(&bytes, &argument) ||
      !GetValue(&bytes, &request.expected)) {
    return Status::Corruption("an entry holds no request");
  }
  request.kind = static_cast<OperationKind>(kind);
  request.argument = static_cast<int64_t>(argument);
  request.padding_bytes = bytes.size();
  return request;
}

std::string EncodeValue(const RegisterValue& value) {
  std::string bytes;
  PutValue(&bytes, value);
  return bytes;
}

RegisterValue DecodeValue(std::string_view bytes) {
  RegisterValue value;
  return GetValue(&bytes, &value) ? value : std::nullopt;
}

std::string EncodeConfIndex(raft::LogIndex index) {
  std::string bytes;
  base::PutFixed64(&bytes, index);
  return bytes;
}

RegisterValue RegisterMachine::Get(uint64_t key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? std::nullopt : RegisterValue(found->second);
}

void RegisterMachine::Note(const raft::Entry& entry) {
  applied_ = entry.id();
  digest_ = base::Hash64(entry.data.view(), base::MixSeed(digest_ ^ entry.index) ^ entry.term);
}

std::optional<Reply> RegisterMachine::Apply(const raft::Entry& entry) {
  Note(entry);
  const Result<Request> request = DecodeRequest(entry.data.view());
  if (!request.ok()) return std::nullopt;
  Session& session = sessions_[request->client];
  Reply reply{.done = true, .before = session.before, .leader = std::nullopt};
  // Asked before: the client has not heard the answer. An older one than the last was given up.
  if (request->number <= session.number) return reply;
  reply.before = Get(request->key);
  HistoryOperation operation;
  operation.kind = request->kind;
  operation.argument = request->argument;
  operation.expected = request->expected;
  const RegisterValue after = sim::Apply(operation, reply.before);
  if (after) {
    values_[request->key] = *after;
  } else {
    values_.erase(request->key);
  }
  session = {request->number, reply.before};
  return reply;
}

bool RegisterMachine::Fits(const raft::ConfChange& change) const {
  return change.steps.empty() || change.context == EncodeConfIndex(conf_index_);
}

void RegisterMachine::ApplyConfState(const raft::Entry& entry, const raft::ConfState& conf_state) {
  Note(entry);
  if (conf_state == conf_state_) return;
  conf_state_ = conf_state;
  conf_index_ = entry.index;
}

std::string RegisterMachine::Encode() const {
  std::string bytes;
  base::PutFixed32(&bytes, kMagic);
  base::PutFixed64(&bytes, applied_.term);
  base::PutFixed64(&bytes, applied_.index);
  base::PutFixed64(&bytes, digest_);
  PutConfState(&bytes, conf_state_);
  base::PutFixed64(&bytes, conf_index_);
  base::PutVarint64(&bytes, values_.size());
  for (const auto& [key, value] : values_) {
    base::PutFixed64(&bytes, key);
    base::PutFixed64(&bytes, static_cast<uint64_t>(value));
  }
  base::PutVarint64(&bytes, sessions_.size());
  for (const auto& [client, session] : sessions_) {
    base::PutFixed64(&bytes, client);
    base::PutFixed64(&bytes, session.number);
    PutValue(&bytes, session.before);
  }
  base::PutFixed32(&bytes, base::Crc32c(bytes));
  return bytes;
}

Result<RegisterMachine> RegisterMachine::Decode(std::string_view bytes) {
  const Status damaged = Status::Corruption("the state of a member is damaged");
  if (bytes.size() < sizeof(uint32_t)) return damaged;
  const std::string_view body = bytes.substr(0, bytes.size() - sizeof(uint32_t));
  if (base::LoadFixed32(body.data() + body.size()) != base::Crc32c(body)) return damaged;
  std::string_view in = body;
  RegisterMachine machine;
  uint32_t magic;
  uint64_t count;
  if (!base::GetFixed32(&in, &magic) || magic != kMagic ||
      !base::GetFixed64(&in, &machine.applied_.term) ||
      !base::GetFixed64(&in, &machine.applied_.index) || !base::GetFixed64(&in, &machine.digest_) ||
      !GetConfState(&in, &machine.conf_state_) || !base::GetFixed64(&in, &machine.conf_index_) ||
      !base::GetVarint64(&in, &count) || count > kMostItems) {
    return damaged;
  }
  for (uint64_t i = 0; i < count; i++) {
    uint64_t key;
    uint64_t value;
    if (!base::GetFixed64(&in, &key) || !base::GetFixed64(&in, &value)) return damaged;
    machine.values_[key] = static_cast<int64_t>(value);
  }
  if (!base::GetVarint64(&in, &count) || count > kMostItems) return damaged;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t client;
    Session session;
    if (!base::GetFixed64(&in, &client) || !base::GetFixed64(&in, &session.number) ||
        !GetValue(&in, &session.before)) {
      return damaged;
    }
    machine.sessions_[client] = session;
  }
  return machine;
}

std::shared_ptr<const raft::Snapshot> RegisterMachine::ToSnapshot() const {
  auto snapshot = std::make_shared<raft::Snapshot>();
  snapshot->data = raft::Payload(Encode());
  snapshot->conf_state = conf_state_;
  snapshot->index = applied_.index;
  snapshot->term = applied_.term;
  return snapshot;
}

RegisterMachine RegisterMachine::Founded(const raft::ConfState& conf_state) {
  RegisterMachine machine;
  machine.applied_ = {.term = 1, .index = 1};
  machine.conf_state_ = conf_state;
  machine.conf_index_ = machine.applied_.index;
  return machine;
}

}  // namespace nokv::sim
