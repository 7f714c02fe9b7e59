#include "rpc/grpc/library.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/cpu.h>
#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <memory>

#include "base/check.h"
#include "base/mutex.h"

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

// gRPC 1.51 has a thread for callbacks for every two processors, at least two. One of them polls,
// and wakes the next one to poll in its place before it looks at what came: with few processors
// that costs more than the callbacks, which only hand over, do. So some of them are kept in a
// callback that never ends.
class IdleThreads {
 public:
  IdleThreads() {
    const unsigned processors = gpr_cpu_num_cores();
    const unsigned threads = std::clamp(processors / 2, 2U, 16U);
    const unsigned wanted = std::max(processors / 4, 1U);
    for (unsigned i = wanted; i < threads; ++i) KeepOne();
  }

 private:
  struct Call {
    ::grpc::ClientContext context;
    ::grpc::ByteBuffer request;
    ::grpc::ByteBuffer answer;
  };

  void KeepOne() {
    // Without credentials no call gets anywhere: this one fails, and calls back.
    ::grpc::TemplatedGenericStub<::grpc::ByteBuffer, ::grpc::ByteBuffer> stub(
        ::grpc::CreateChannel("", nullptr));
    auto* const call = new Call;
    const ::grpc::Slice nothing("", 0);
    call->request = ::grpc::ByteBuffer(&nothing, 1);
    stub.UnaryCall(&call->context, "/none/None", {}, &call->request, &call->answer,
                   [this](const ::grpc::Status& /*status*/) { Stay(); });
  }
  void Stay() {
    base::MutexLock lock(mu_);
    while (true) never_.Wait(mu_);
  }

  base::Mutex mu_;
  base::CondVar never_;
};

}  // namespace

void SetUpLibrary() {
  // Never destroyed.
  static const KeepThreads* const kThreads = [] {
    // What goes wrong is said by the status of a call; a library prints nothing, not even of what
    // a peer sends as often as it likes.
    gpr_set_log_function([](gpr_log_func_args* /*arguments*/) {});
    google::protobuf::SetLogHandler(nullptr);
    const auto* threads = new KeepThreads;
    new IdleThreads;
    ::grpc::EnableDefaultHealthCheckService(true);
    ::grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    return threads;
  }();
  static_cast<void>(kThreads);
}

}  // namespace nokv::rpc::grpc
