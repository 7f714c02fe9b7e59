// What goes over the simulated network: raft messages as the bytes that the transport makes of
// them.
#pragma once

#include <string>
#include <string_view>

#include "nokv/status.h"
#include "raft/types.h"

namespace nokv::sim {

std::string EncodeForWire(raft::Message message);
// An error: these are not the bytes of a message that a correct node sends.
Result<raft::Message> DecodeFromWire(std::string_view bytes);

}  // namespace nokv::sim
