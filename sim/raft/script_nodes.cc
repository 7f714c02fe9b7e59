// Directives: members, ticks, elections.
#include "base/macros.h"
#include "raft/describe.h"
#include "sim/raft/script_group.h"

namespace nokv::sim {
namespace {

// What add-nodes asks for.
struct NewNodes {
  raft::Config config;
  raft::Snapshot snapshot;
  bool bootstrap = false;
};

Status SetSnapshotOption(const std::string& key, const std::string& value, NewNodes* nodes) {
  nodes->bootstrap = true;
  if (key == "content") {
    nodes->snapshot.data = value;
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(const uint64_t number, ParseNumber(value));
  if (key == "voters") {
    nodes->snapshot.conf_state.voters.push_back(number);
  } else if (key == "learners") {
    nodes->snapshot.conf_state.learners.push_back(number);
  } else {
    nodes->snapshot.index = number;
    nodes->config.applied = number;
  }
  return Status::Ok();
}

Status SetBoolOption(const std::string& key, const std::string& value, raft::Config* config) {
  ASSIGN_OR_RETURN(const bool on, ParseBool(value));
  if (key == "async-storage-writes") {
    config->async_storage_writes = on;
  } else if (key == "prevote") {
    config->pre_vote = on;
  } else if (key == "checkquorum") {
    config->check_quorum = on;
  } else if (key == "disable-conf-change-validation") {
    config->disable_conf_change_validation = on;
  } else if (key == "step-down-on-removal") {
    config->step_down_on_removal = on;
  } else {
    return Status::InvalidArgument("unknown option " + key);
  }
  return Status::Ok();
}

Status SetOption(const std::string& key, const std::string& value, NewNodes* nodes) {
  if (key == "voters" || key == "learners" || key == "index" || key == "content") {
    return SetSnapshotOption(key, value, nodes);
  }
  if (key == "inflight") {
    ASSIGN_OR_RETURN(nodes->config.max_inflight_messages, ParseNumber(value));
    return Status::Ok();
  }
  if (key == "max-committed-size-per-ready") {
    ASSIGN_OR_RETURN(nodes->config.max_committed_bytes_per_ready, ParseNumber(value));
    return Status::Ok();
  }
  if (key == "read-only") {
    if (value != "safe" && value != "lease-based") {
      return Status::InvalidArgument("invalid read-only option \"" + value + "\"");
    }
    nodes->config.read_mode = value == "safe" ? raft::ReadMode::kSafe : raft::ReadMode::kLeaseBased;
    return Status::Ok();
  }
  return SetBoolOption(key, value, &nodes->config);
}

}  // namespace

Status ScriptGroup::AddNodes(const Directive& d) {
  if (d.args.empty()) return Status::InvalidArgument("add-nodes wants a number");
  ASSIGN_OR_RETURN(const uint64_t count, ParseNumber(d.args[0].key));
  NewNodes nodes;
  nodes.config.election_ticks = 3;
  nodes.config.heartbeat_ticks = 1;
  nodes.config.max_message_bytes = raft::kNoLimit;
  nodes.config.max_inflight_messages = INT32_MAX;
  nodes.config.elect_as_etcd = true;
  for (size_t i = 1; i < d.args.size(); i++) {
    for (const std::string& value : d.args[i].values) {
      RETURN_IF_ERROR(SetOption(d.args[i].key, value, &nodes));
    }
  }
  if (nodes.bootstrap && nodes.snapshot.index <= 1) {
    return Status::InvalidArgument("index must be specified as > 1 due to bootstrap");
  }
  nodes.snapshot.term = nodes.bootstrap ? 1 : 0;
  const auto snapshot = std::make_shared<const raft::Snapshot>(nodes.snapshot);
  for (uint64_t i = 0; i < count; i++) {
    RETURN_IF_ERROR(AddNode(nodes.config, snapshot, nodes.bootstrap));
  }
  return Status::Ok();
}

Status ScriptGroup::AddNode(raft::Config config,
                            const std::shared_ptr<const raft::Snapshot>& snapshot, bool bootstrap) {
  auto node = std::make_unique<ScriptNode>();
  node->storage = std::make_unique<ScriptNode::NodeStorage>();
  node->storage->history.push_back(snapshot);
  if (bootstrap) RETURN_IF_ERROR(node->storage->ApplySnapshot(snapshot));
  config.id = nodes_.size() + 1;
  config.seed = config.id;
  config.storage = node->storage.get();
  node->config = config;
  ASSIGN_OR_RETURN(node->raft, raft::RawNode::Open(config));
  nodes_.push_back(std::move(node));
  return Status::Ok();
}

Status ScriptGroup::Campaign(const Directive& d) {
  ASSIGN_OR_RETURN(ScriptNode * node, FirstNode(d));
  return node->raft->Campaign();
}

Status ScriptGroup::Tick(const Directive& d) {
  ASSIGN_OR_RETURN(ScriptNode * node, FirstNode(d));
  const bool election = d.command == "tick-election";
  const int ticks = election ? node->config.election_ticks : node->config.heartbeat_ticks;
  for (int i = 0; i < ticks; i++) node->raft->Tick();
  return Status::Ok();
}

Status ScriptGroup::SetElectionTimeout(const Directive& d) {
  ASSIGN_OR_RETURN(ScriptNode * node, FirstNode(d));
  ASSIGN_OR_RETURN(const uint64_t ticks, ParseNumber(d.Value("timeout")));
  if (ticks == 0 || ticks > INT32_MAX) return Status::InvalidArgument("timeout is out of range");
  node->raft->SetElectionTimeoutForTest(static_cast<int>(ticks));
  return Status::Ok();
}

Status ScriptGroup::TransferLeadership(const Directive& d) {
  ASSIGN_OR_RETURN(const uint64_t from, ParseNumber(d.Value("from")));
  ASSIGN_OR_RETURN(const uint64_t to, ParseNumber(d.Value("to")));
  ASSIGN_OR_RETURN(ScriptNode * node, FindNode(from));
  ASSIGN_OR_RETURN(ScriptNode * target, FindNode(to));
  // Scripts expect silence, also where the request is dropped.
  (void)node->raft->TransferLeader(target->config.id);
  return Status::Ok();
}

Status ScriptGroup::ForgetLeader(const Directive& d) {
  ASSIGN_OR_RETURN(ScriptNode * node, FirstNode(d));
  (void)node->raft->ForgetLeader();  // likewise
  return Status::Ok();
}

Status ScriptGroup::ReportUnreachable(const Directive& d) {
  ASSIGN_OR_RETURN(const std::vector<ScriptNode*> nodes, Nodes(d));
  if (nodes.size() != 2) {
    return Status::InvalidArgument(
        "must specify exactly two node indexes: node on which to report, and reported node");
  }
  nodes[0]->raft->ReportUnreachable(nodes[1]->config.id);
  return Status::Ok();
}

}  // namespace nokv::sim
