// The service nokv.coordinator.v1.Coordinator over a coordinator. See
// proto/nokv/coordinator/v1/coordinator.proto.
#pragma once

#include <memory>
#include <string_view>

#include "coordinator/coordinator.h"
#include "rpc/service.h"

namespace nokv::coordinator {

inline constexpr std::string_view kServiceName = "nokv.coordinator.v1.Coordinator";

// Handlers never wait, so `executor` may run them at once.
rpc::Service MakeService(const std::shared_ptr<Coordinator>& coordinator, rpc::Executor executor);

}  // namespace nokv::coordinator
