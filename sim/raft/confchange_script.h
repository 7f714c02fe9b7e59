// Directives `simple`, `enter-joint` and `leave-joint`: changes of a configuration, one after the
// other.
#pragma once

#include <string>

#include "raft/tracker/tracker.h"
#include "testing/data_driven.h"

namespace nokv::sim {

class ConfChangeScript {
 public:
  // The configuration and the members after the change, or why it was refused.
  std::string Run(const datadriven::DataCase& directive);

 private:
  raft::Tracker tracker_{10, raft::kNoLimit};
  raft::LogIndex last_index_ = 0;  // rises with every directive
};

}  // namespace nokv::sim
