// The words of the raft core: ids, entries, snapshots, configurations and messages.
//
// Values without behaviour. Thread safety: thread-compatible; a Payload is immutable and shared.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nokv::raft {

using NodeId = uint64_t;
using Term = uint64_t;
using LogIndex = uint64_t;

inline constexpr NodeId kNoNode = 0;
// Where messages to the local storage go when storage writes are asynchronous.
inline constexpr NodeId kAppendThread = UINT64_MAX;
inline constexpr NodeId kApplyThread = UINT64_MAX - 1;
inline constexpr uint64_t kNoLimit = UINT64_MAX;

inline bool IsStorageThread(NodeId id) {
  return id == kAppendThread || id == kApplyThread;
}

// Bytes that are never changed and shared by all copies: an entry waits in the log, in messages to
// several peers and in a Ready at once.
class Payload {
 public:
  Payload() = default;
  Payload(std::string bytes)  // NOLINT(google-explicit-constructor): a payload is its bytes
      : bytes_(bytes.empty() ? nullptr : std::make_shared<const std::string>(std::move(bytes))) {}

  std::string_view view() const { return bytes_ ? std::string_view(*bytes_) : ""; }
  size_t size() const { return bytes_ ? bytes_->size() : 0; }
  bool operator==(const Payload& other) const { return view() == other.view(); }

 private:
  std::shared_ptr<const std::string> bytes_;
};

// A place in the log together with the term that wrote it: two logs that agree on one agree on
// everything before it.
struct EntryId {
  Term term = 0;
  LogIndex index = 0;
  bool operator==(const EntryId&) const = default;
};

// What an entry holds. Configuration changes of the first form make one change at a time.
enum class EntryType : uint8_t { kNormal = 0, kConfChange = 1, kConfChangeV2 = 2 };

struct Entry {
  EntryType type = EntryType::kNormal;
  Term term = 0;
  LogIndex index = 0;
  Payload data;

  EntryId id() const { return {term, index}; }
  bool IsConfChange() const { return type != EntryType::kNormal; }
  bool operator==(const Entry&) const = default;
};

// What a group must find again after a restart, beside its entries.
struct HardState {
  Term term = 0;
  NodeId vote = kNoNode;
  LogIndex commit = 0;

  bool empty() const { return *this == HardState(); }
  bool operator==(const HardState&) const = default;
};

// A configuration as it is kept in snapshots. Joint while `voters_outgoing` is not empty.
struct ConfState {
  std::vector<NodeId> voters;
  std::vector<NodeId> learners;
  std::vector<NodeId> voters_outgoing;
  std::vector<NodeId> learners_next;  // voters of the outgoing half that will be learners
  bool auto_leave = false;

  bool operator==(const ConfState&) const = default;
};

struct Snapshot {
  Payload data;
  ConfState conf_state;
  LogIndex index = 0;
  Term term = 0;

  bool empty() const { return index == 0; }
  EntryId id() const { return {term, index}; }
};

enum class MessageType : uint8_t {
  kHup,      // local: start an election
  kProp,     // propose entries
  kApp,      // append entries
  kAppResp,  // answer to kApp and kSnap
  kVote,     // ask for a vote
  kVoteResp,
  kSnap,  // install a snapshot
  kHeartbeat,
  kHeartbeatResp,
  kUnreachable,  // local: a message to a peer was lost
  kSnapStatus,   // local: how sending a snapshot ended
  kTransferLeader,
  kTimeoutNow,  // the leader asks the receiver to take over
  kReadIndex,
  kReadIndexResp,
  kPreVote,  // would a vote be granted?
  kPreVoteResp,
  kStorageAppend,      // to kAppendThread
  kStorageAppendResp,  // from kAppendThread
  kStorageApply,       // to kApplyThread
  kStorageApplyResp,   // from kApplyThread
  kForgetLeader,       // local: forget the leader without an election
};

// Which fields count depends on the type; the others are zero.
struct Message {
  MessageType type = MessageType::kHup;
  NodeId to = kNoNode;
  NodeId from = kNoNode;
  Term term = 0;  // 0: not bound to a term (local messages, proposals, reads)
  Term log_term = 0;
  LogIndex index = 0;
  std::vector<Entry> entries = {};
  LogIndex commit = 0;
  NodeId vote = kNoNode;
  std::shared_ptr<const Snapshot> snapshot = {};
  bool reject = false;
  LogIndex reject_hint = 0;
  std::string context = {};
  // What a storage thread delivers once it has done the work.
  std::vector<Message> responses = {};
};

}  // namespace nokv::raft
