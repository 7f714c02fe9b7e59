#include "rpc/grpc/server_call.h"

#include <utility>

#include "rpc/grpc/bytes.h"

namespace nokv::rpc::grpc {

ServerCall* ServerCall::Serve(::grpc::CallbackServerContext* context, const CallLimits& limits,
                              const Executor& executor, const AcceptCall& accept) {
  std::shared_ptr<ServerCall> call(new ServerCall(limits, executor, context->peer()));
  call->self_ = call;
  executor([call, accept] {
    std::shared_ptr<CallHandler> handler = accept(call);
    if (handler == nullptr) return call->End(Status::Unavailable("the server takes no such calls"));
    call->Start(std::move(handler));
  });
  return call.get();
}

void ServerCall::StartWrite(std::string message, bool more) {
  writing_ = ToBuffer(std::move(message));
  ::grpc::WriteOptions options;
  if (more) options.set_buffer_hint();
  ServerBidiReactor::StartWrite(&writing_, options);
}

void ServerCall::StartRead() {
  ServerBidiReactor::StartRead(&reading_);
}

void ServerCall::StartEnd(const Status& status) {
  Finish(ToGrpc(status));
}

void ServerCall::OnReadDone(bool ok) {
  if (!ok) return PeerEnded();
  if (reading_.Length() > limits().max_message_bytes) {
    return TooLong(reading_.Length());
  }
  Arrived(FromBuffer(reading_));
}

void ServerCall::OnCancel() {
  // Pairs with the load in OnDone.
  cancelled_.store(true, std::memory_order_release);
  Broken();
}

void ServerCall::OnDone() {
  const std::shared_ptr<CallEnd> self = std::move(self_);
  Done(cancelled_.load(std::memory_order_acquire)
           ? Status(StatusCode::kCancelled, "the client is gone or has given the call up")
           : Status::Ok());
}

}  // namespace nokv::rpc::grpc
