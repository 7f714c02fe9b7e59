// CheckMessage: refuses messages from outside that no correct member sends, before anything
// changes.
#pragma once

#include "nokv/status.h"
#include "raft/tracker/tracker.h"
#include "raft/types.h"

namespace nokv::raft {

// kInvalidArgument with what is wrong; kNotFound for an answer of somebody who is no member.
Status CheckMessage(const Message& message, const Tracker& tracker);

}  // namespace nokv::raft
