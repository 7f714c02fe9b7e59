// ConfChange: a change of the members of a group, and its bytes in a log entry.
//
// The bytes are those of the protobuf messages ConfChange and ConfChangeV2 that raft libraries
// share, written and read by hand because the core depends on `base` only.
//
// Thread safety: values and free functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nokv/status.h"
#include "raft/types.h"

namespace nokv::raft {

enum class ConfChangeType : uint8_t {
  kAddVoter = 0,
  kRemove = 1,
  kUpdate = 2,  // changes nothing in the group; the application's business
  kAddLearner = 3,
};

struct ConfChangeStep {
  ConfChangeType type = ConfChangeType::kAddVoter;
  NodeId node = kNoNode;
  bool operator==(const ConfChangeStep&) const = default;
};

enum class Transition : uint8_t {
  kAuto = 0,           // simple where that is safe, else joint, left by itself
  kJointImplicit = 1,  // joint, left by itself
  kJointExplicit = 2,  // joint until an empty change is proposed
};

struct ConfChange {
  Transition transition = Transition::kAuto;
  std::vector<ConfChangeStep> steps;
  std::string context;  // for the application

  // An empty change leaves a joint configuration.
  bool LeavesJoint() const { return transition == Transition::kAuto && steps.empty(); }
  bool EntersJoint() const { return transition != Transition::kAuto || steps.size() > 1; }
  bool AutoLeave() const { return EntersJoint() && transition != Transition::kJointExplicit; }
};

// The entry that proposes `change`. `v1` takes the first form, which holds exactly one step.
Entry EncodeConfChange(const ConfChange& change, bool v1 = false);

// The change in a configuration entry of either form; kInvalidArgument if its bytes are none.
Result<ConfChange> DecodeConfChange(const Entry& entry);

// "v1 l2 r3 u4": voter, learner, remove, update. Empty text is no step.
Result<std::vector<ConfChangeStep>> ParseConfChangeSteps(std::string_view text);
std::string ToString(const std::vector<ConfChangeStep>& steps);

}  // namespace nokv::raft
