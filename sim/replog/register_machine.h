// RegisterMachine: the state that the members of a replicated log apply its entries to: registers
// by key, and what each client was last told, so that a request takes effect once.
//
// It also chains a hash over all entries that it applied: two members that differ in it have
// applied different things.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "nokv/status.h"
#include "raft/conf_change.h"
#include "raft/types.h"
#include "sim/workload/request.h"

namespace nokv::sim {

// The bytes of a request in a log entry.
std::string EncodeRequest(const Request& request);
Result<Request> DecodeRequest(std::string_view bytes);
// What a reply to an entry says.
std::string EncodeValue(const RegisterValue& value);
RegisterValue DecodeValue(std::string_view bytes);
// What a change of the configuration carries as context: the one that it is meant for.
std::string EncodeConfIndex(raft::LogIndex index);

class RegisterMachine {
 public:
  raft::LogIndex applied() const { return applied_.index; }
  raft::EntryId applied_id() const { return applied_; }
  const raft::ConfState& conf_state() const { return conf_state_; }
  // Of the entry that made it so; names the configuration.
  raft::LogIndex conf_index() const { return conf_index_; }
  uint64_t digest() const { return digest_; }

  RegisterValue Get(uint64_t key) const;

  // An ordinary entry; what its client is to be told. Nullopt for one without a request.
  std::optional<Reply> Apply(const raft::Entry& entry);
  // True if `change` was meant for the configuration that there is. One that was not, say because
  // it was late, could bring back somebody whose disk is wiped.
  bool Fits(const raft::ConfChange& change) const;
  // A configuration entry that makes the configuration `conf_state`.
  void ApplyConfState(const raft::Entry& entry, const raft::ConfState& conf_state);

  // All of it, with its checksum.
  std::string Encode() const;
  // kDataLoss if `bytes` are not what Encode made.
  static Result<RegisterMachine> Decode(std::string_view bytes);
  // A snapshot for the raft core, with all of it as data.
  std::shared_ptr<const raft::Snapshot> ToSnapshot() const;
  // The state of a group that has just been founded.
  static RegisterMachine Founded(const raft::ConfState& conf_state);

  // Test only: as if less had been applied.
  void SetAppliedForTest(raft::EntryId applied) { applied_ = applied; }

 private:
  struct Session {
    uint64_t number = 0;
    RegisterValue before;
  };

  void Note(const raft::Entry& entry);

  raft::EntryId applied_;
  raft::ConfState conf_state_;
  raft::LogIndex conf_index_ = 0;
  uint64_t digest_ = 0;
  std::map<uint64_t, int64_t> values_;
  std::map<uint64_t, Session> sessions_;
};

}  // namespace nokv::sim
