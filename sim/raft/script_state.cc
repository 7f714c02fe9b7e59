// Directives: printing what members hold and know.
#include <algorithm>
#include <array>

#include "base/macros.h"
#include "raft/describe.h"
#include "sim/raft/script_group.h"

namespace nokv::sim {

Status ScriptGroup::PrintLog(const Directive& d) {
  ASSIGN_OR_RETURN(ScriptNode * node, FirstNode(d));
  PrintLog(*node);
  return Status::Ok();
}

void ScriptGroup::PrintLog(const ScriptNode& node) {
  const raft::LogIndex first = node.storage->FirstIndex();
  const raft::LogIndex last = node.storage->LastIndex();
  if (last < first) {
    out_.Write("log is empty: first index=" + std::to_string(first) +
               ", last index=" + std::to_string(last));
  } else {
    out_.Write(raft::Describe(*node.storage->Entries(first, last + 1, raft::kNoLimit)));
  }
}

Status ScriptGroup::PrintStates(const Directive& /*d*/) {
  for (const auto& node : nodes_) {
    const raft::FullStatus status = node->raft->GetStatus();
    const raft::BasicStatus& basic = status.basic;
    out_.Line(std::to_string(basic.id) + ": " + ToString(basic.soft_state.role) +
              (status.config.voters.Contains(basic.id) ? " (Voter)" : " (Non-Voter)") +
              " Term:" + std::to_string(basic.hard_state.term) +
              " Lead:" + std::to_string(basic.soft_state.lead));
  }
  return Status::Ok();
}

Status ScriptGroup::PrintStatus(const Directive& d) {
  ASSIGN_OR_RETURN(ScriptNode * node, FirstNode(d));
  out_.Write(ToString(node->raft->GetStatus().progress));
  return Status::Ok();
}

Status ScriptGroup::SetLogLevel(const Directive& d) {
  return SetLogLevel(d.args.empty() ? "" : d.args[0].key);
}

Status ScriptGroup::SetLogLevel(const std::string& name) {
  static constexpr std::array<std::string_view, 6> kLevels = {"DEBUG", "INFO",  "WARN",
                                                              "ERROR", "FATAL", "NONE"};
  std::string upper = name;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (std::find(kLevels.begin(), kLevels.end(), upper) == kLevels.end()) {
    return Status::InvalidArgument(
        "log levels must be either of [DEBUG INFO WARN ERROR FATAL NONE]");
  }
  // The lines of the raft core are not printed at all, so only silence is a level.
  out_.set_quiet(upper == "NONE");
  return Status::Ok();
}

}  // namespace nokv::sim
