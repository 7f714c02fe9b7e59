// ScriptGroup: raft members in one process, moved step by step by the directives of a script, which
// print what happened. Messages travel only when a directive delivers them, so that a script can
// hold any order of events.
//
// The grammar is that of etcd's interaction tests; docs/raft.md lists the directives. The
// directives are implemented by kind: script_nodes.cc (members, ticks, elections),
// script_proposals.cc, script_messages.cc (deliver, stabilize), script_storage.cc (Ready and
// storage threads), script_state.cc (printing).
//
// Thread safety: thread-compatible.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "nokv/status.h"
#include "raft/memory_storage.h"
#include "raft/raw_node.h"
#include "sim/raft/output.h"
#include "testing/data_driven.h"

namespace nokv::sim {

// One member. Its state machine appends the payloads that it applies.
struct ScriptNode {
  // Gives out the newest applied state as its snapshot.
  class NodeStorage : public raft::MemoryStorage {
   public:
    Result<std::shared_ptr<const raft::Snapshot>> LatestSnapshot() const override {
      return history.back();
    }
    std::vector<std::shared_ptr<const raft::Snapshot>> history;
  };

  raft::Config config;
  std::unique_ptr<NodeStorage> storage;
  std::unique_ptr<raft::RawNode> raft;
  std::deque<raft::Message> append_work;
  std::deque<raft::Message> apply_work;
};

class ScriptGroup {
 public:
  // Runs one directive and returns what it prints: "ok" if that is nothing. Errors are texts too.
  std::string Run(const datadriven::DataCase& directive);

 private:
  using Directive = datadriven::DataCase;
  struct Recipient {
    raft::NodeId id;
    bool drop;
  };

  Status Dispatch(const Directive& d);

  // The node whose id is the first argument.
  Result<ScriptNode*> FirstNode(const Directive& d);
  Result<ScriptNode*> FindNode(raft::NodeId id);
  // The arguments without a value, as nodes.
  Result<std::vector<ScriptNode*>> Nodes(const Directive& d);

  // script_nodes.cc
  Status AddNodes(const Directive& d);
  Status AddNode(raft::Config config, const std::shared_ptr<const raft::Snapshot>& snapshot,
                 bool bootstrap);
  Status Campaign(const Directive& d);
  Status Tick(const Directive& d);
  Status SetElectionTimeout(const Directive& d);
  Status TransferLeadership(const Directive& d);
  Status ForgetLeader(const Directive& d);
  Status ReportUnreachable(const Directive& d);

  // script_proposals.cc
  Status Propose(const Directive& d);
  Status ProposeConfChange(const Directive& d);

  // script_messages.cc
  Status DeliverMessages(const Directive& d);
  size_t Deliver(const std::string& type, const std::vector<Recipient>& recipients);
  std::vector<raft::Message> TakeMessages(const std::string& type, const Recipient& recipient);
  Status Stabilize(const Directive& d);
  Result<bool> StabilizeOnce(const std::vector<ScriptNode*>& nodes);
  bool HasMail(const ScriptNode& node) const;

  // script_storage.cc
  Status ProcessReady(const Directive& d);
  Status ProcessReady(ScriptNode* node);
  Status ProcessAppendThread(const Directive& d);
  Status ProcessAppendThread(ScriptNode* node);
  Status ProcessApplyThread(const Directive& d);
  Status ProcessApplyThread(ScriptNode* node);
  Status ForEach(const Directive& d, const std::string& what,
                 Status (ScriptGroup::*act)(ScriptNode*));
  void Finish(std::vector<raft::Message> responses);
  static Status StoreAppend(ScriptNode* node, const raft::HardState& state,
                            const std::vector<raft::Entry>& entries,
                            const std::shared_ptr<const raft::Snapshot>& snapshot);
  static Status Apply(ScriptNode* node, const std::vector<raft::Entry>& entries);
  Status Compact(const Directive& d);
  Status SendSnapshot(const Directive& d);

  // script_state.cc
  Status PrintLog(const Directive& d);
  void PrintLog(const ScriptNode& node);
  Status PrintStates(const Directive& d);
  Status PrintStatus(const Directive& d);
  Status SetLogLevel(const Directive& d);
  Status SetLogLevel(const std::string& name);

  std::vector<std::unique_ptr<ScriptNode>> nodes_;
  std::vector<raft::Message> messages_;  // on their way
  Output out_;
};

// The text that scripts expect for a refusal of the raft core, which says it in its own words.
std::string ScriptError(const Status& status);

// The number in `text`; kInvalidArgument if it is none.
Result<uint64_t> ParseNumber(const std::string& text);
Result<bool> ParseBool(const std::string& text);

}  // namespace nokv::sim
