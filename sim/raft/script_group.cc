#include "sim/raft/script_group.h"

#include <charconv>
#include <map>

#include "base/macros.h"

namespace nokv::sim {

std::string ScriptError(const Status& status) {
  switch (status.code()) {
    case StatusCode::kUnavailable:
    case StatusCode::kResourceExhausted:
      return "raft proposal dropped";
    case StatusCode::kNotFound:
      return "raft: cannot step as peer not found";
    default:
      return std::string(status.message());
  }
}

Result<uint64_t> ParseNumber(const std::string& text) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) {
    return Status::InvalidArgument("\"" + text + "\" is no number");
  }
  return number;
}

Result<bool> ParseBool(const std::string& text) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return Status::InvalidArgument("\"" + text + "\" is neither true nor false");
}

std::string ScriptGroup::Run(const Directive& directive) {
  const Status status = Dispatch(directive);
  std::string text = out_.Take();
  if (!status.ok()) text += ScriptError(status);
  return text.empty() ? "ok" : text;
}

Status ScriptGroup::Dispatch(const Directive& d) {
  using Method = Status (ScriptGroup::*)(const Directive&);
  static const std::map<std::string, Method> kDirectives = {
      {"add-nodes", &ScriptGroup::AddNodes},
      {"campaign", &ScriptGroup::Campaign},
      {"compact", &ScriptGroup::Compact},
      {"deliver-msgs", &ScriptGroup::DeliverMessages},
      {"forget-leader", &ScriptGroup::ForgetLeader},
      {"log-level", &ScriptGroup::SetLogLevel},
      {"process-append-thread", &ScriptGroup::ProcessAppendThread},
      {"process-apply-thread", &ScriptGroup::ProcessApplyThread},
      {"process-ready", &ScriptGroup::ProcessReady},
      {"propose", &ScriptGroup::Propose},
      {"propose-conf-change", &ScriptGroup::ProposeConfChange},
      {"raft-log", &ScriptGroup::PrintLog},
      {"raft-state", &ScriptGroup::PrintStates},
      {"report-unreachable", &ScriptGroup::ReportUnreachable},
      {"send-snapshot", &ScriptGroup::SendSnapshot},
      {"set-randomized-election-timeout", &ScriptGroup::SetElectionTimeout},
      {"stabilize", &ScriptGroup::Stabilize},
      {"status", &ScriptGroup::PrintStatus},
      {"tick-election", &ScriptGroup::Tick},
      {"tick-heartbeat", &ScriptGroup::Tick},
      {"transfer-leadership", &ScriptGroup::TransferLeadership},
  };
  const auto found = kDirectives.find(d.command);
  if (found == kDirectives.end()) return Status::InvalidArgument("unknown command");
  return (this->*found->second)(d);
}

Result<ScriptNode*> ScriptGroup::FindNode(raft::NodeId id) {
  if (id == 0 || id > nodes_.size()) {
    return Status::InvalidArgument("there is no node " + std::to_string(id));
  }
  return nodes_[id - 1].get();
}

Result<ScriptNode*> ScriptGroup::FirstNode(const Directive& d) {
  if (d.args.empty()) return Status::InvalidArgument(d.command + " wants a node");
  ASSIGN_OR_RETURN(const uint64_t id, ParseNumber(d.args[0].key));
  return FindNode(id);
}

Result<std::vector<ScriptNode*>> ScriptGroup::Nodes(const Directive& d) {
  std::vector<ScriptNode*> nodes;
  for (const datadriven::DataArg& arg : d.args) {
    if (!arg.values.empty()) continue;
    ASSIGN_OR_RETURN(const uint64_t id, ParseNumber(arg.key));
    ASSIGN_OR_RETURN(ScriptNode * node, FindNode(id));
    nodes.push_back(node);
  }
  return nodes;
}

}  // namespace nokv::sim
