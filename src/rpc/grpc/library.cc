#include "rpc/grpc/library.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <memory>

#include "base/check.h"

namespace nokv::rpc::grpc {
namespace {

// gRPC's threads for callbacks live as long as a server or channel that calls back. The last of
// them may go in such a thread, which then waits for its own end and frees the queue that it reads
// from: a crash. So one server without a port, which nobody can call, lives as long as the process.
struct KeepThreads {
  ::grpc::CallbackGenericService service;
  std::unique_ptr<::grpc::Server> server;

  KeepThreads() {
    ::grpc::ServerBuilder builder;
    builder.RegisterCallbackGenericService(&service);
    server = builder.BuildAndStart();
    NOKV_CHECK(server != nullptr) << "gRPC cannot start its threads";
  }
};

}  // namespace

void SetUpLibrary() {
  // Never destroyed.
  static const KeepThreads* const kThreads = [] {
    // What goes wrong is said by the status of a call; a library prints nothing.
    gpr_set_log_function([](gpr_log_func_args* /*arguments*/) {});
    const auto* threads = new KeepThreads;
    ::grpc::EnableDefaultHealthCheckService(true);
    ::grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    return threads;
  }();
  static_cast<void>(kThreads);
}

}  // namespace nokv::rpc::grpc
