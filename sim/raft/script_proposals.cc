// Directives: proposals.
#include "base/macros.h"
#include "sim/raft/script_group.h"

namespace nokv::sim {

Status ScriptGroup::Propose(const Directive& d) {
  ASSIGN_OR_RETURN(ScriptNode * node, FirstNode(d));
  if (d.args.size() != 2) return Status::InvalidArgument("propose wants a node and the data");
  return node->raft->Propose(d.args[1].key);
}

Status ScriptGroup::ProposeConfChange(const Directive& d) {
  ASSIGN_OR_RETURN(ScriptNode * node, FirstNode(d));
  static const std::map<std::string, raft::Transition> kTransitions = {
      {"auto", raft::Transition::kAuto},
      {"implicit", raft::Transition::kJointImplicit},
      {"explicit", raft::Transition::kJointExplicit}};
  raft::ConfChange change;
  bool v1 = false;
  for (size_t i = 1; i < d.args.size(); i++) {
    for (const std::string& value : d.args[i].values) {
      if (d.args[i].key == "v1") {
        ASSIGN_OR_RETURN(v1, ParseBool(value));
      } else if (d.args[i].key == "transition") {
        const auto found = kTransitions.find(value);
        if (found == kTransitions.end()) {
          return Status::InvalidArgument("unknown transition " + value);
        }
        change.transition = found->second;
      } else {
        return Status::InvalidArgument("unknown command " + d.args[i].key);
      }
    }
  }
  ASSIGN_OR_RETURN(change.steps, raft::ParseConfChangeSteps(d.input));
  if (v1 && (change.steps.size() > 1 || change.transition != raft::Transition::kAuto)) {
    return Status::InvalidArgument("v1 conf change can only have one operation and no transition");
  }
  return node->raft->ProposeConfChange(change, v1);
}

}  // namespace nokv::sim
