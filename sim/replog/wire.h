// What goes over the raw simulated network: raft messages, each on its own, as the bytes that the
// transport makes of them.
#pragma once

#include <string>
#include <string_view>

#include "nokv/status.h"
#include "transport/group_message.h"

namespace nokv::sim {

std::string EncodeForWire(transport::GroupMessage message);
// An error: these are not the bytes of a message that a correct node sends.
Result<transport::GroupMessage> DecodeFromWire(std::string_view bytes);

}  // namespace nokv::sim
