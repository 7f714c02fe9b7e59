#include "sim/raft/confchange_script.h"

#include "base/macros.h"
#include "raft/confchange/changer.h"
#include "sim/raft/script_group.h"

namespace nokv::sim {
namespace {

Result<raft::Membership> Change(const datadriven::DataCase& d, const raft::Changer& changer) {
  ASSIGN_OR_RETURN(const std::vector<raft::ConfChangeStep> steps,
                   raft::ParseConfChangeSteps(d.input));
  if (d.command == "simple") return changer.Simple(steps);
  if (d.command == "enter-joint") {
    ASSIGN_OR_RETURN(const bool auto_leave, ParseBool(d.Value("autoleave", "false")));
    return changer.EnterJoint(auto_leave, steps);
  }
  if (d.command != "leave-joint") return Status::InvalidArgument("unknown command");
  if (!steps.empty()) return Status::InvalidArgument("this command takes no input");
  return changer.LeaveJoint();
}

}  // namespace

std::string ConfChangeScript::Run(const datadriven::DataCase& directive) {
  Result<raft::Membership> members = Change(directive, raft::Changer(tracker_, last_index_++));
  if (!members.ok()) return std::string(members.status().message());
  tracker_.SetMembers(std::move(members).value());
  return ToString(tracker_.config()) + "\n" + ToString(tracker_.progress());
}

}  // namespace nokv::sim
