#include "coordinator/service.h"

#include <utility>

#include "coordinator/service_methods.h"
#include "metaroot/wire/wire.h"

namespace nokv::coordinator {

rpc::Service MakeService(const std::shared_ptr<Coordinator>& coordinator, rpc::Executor executor) {
  rpc::Service service{.name = std::string(kServiceName),
                       .methods = {},
                       .executor = std::move(executor),
                       .limits = {.max_message_bytes = metaroot::kMaxWireBytes}};
  AddNumberMethods(coordinator, &service.methods);
  AddStoreMethods(coordinator, &service.methods);
  AddPublishMethods(coordinator, &service.methods);
  AddViewMethods(coordinator, &service.methods);
  return service;
}

}  // namespace nokv::coordinator
