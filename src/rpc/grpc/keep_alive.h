// KeepAlive as arguments of gRPC, the same for both sides. Private to rpc/grpc.
#pragma once

#include <grpc/grpc.h>

#include "rpc/grpc/grpc.h"

namespace nokv::rpc::grpc {

// `set(name, value)` takes an argument of a channel.
template <typename Set>
void SetKeepAlive(const KeepAlive& keep_alive, Set set) {
  set(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(keep_alive.ping_after_ms));
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, static_cast<int>(keep_alive.give_up_after_ms));
  set(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  set(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
}

}  // namespace nokv::rpc::grpc
