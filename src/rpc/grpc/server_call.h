// ServerCall: the server's end of a call over gRPC. Private to rpc/grpc.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <memory>
#include <string>

#include "rpc/call_end.h"
#include "rpc/service.h"

namespace nokv::rpc::grpc {

// Lives until gRPC is done with it and nobody holds it. Thread safety: thread-safe.
class ServerCall final : public CallEnd,
                         public ::grpc::ServerBidiReactor<::grpc::ByteBuffer, ::grpc::ByteBuffer> {
 public:
  // The reactor that gRPC is given. `accept` is asked in the executor.
  static ServerCall* Serve(::grpc::CallbackServerContext* context, const CallLimits& limits,
                           const Executor& executor, const AcceptCall& accept);

  std::string peer() const override { return peer_; }

 private:
  ServerCall(const CallLimits& limits, const Executor& executor, std::string peer)
      : CallEnd(Side::kServer, limits, executor), peer_(std::move(peer)) {}

  void StartWrite(std::string message, bool more) override;
  void StartRead() override;
  void StartEnd(const Status& status) override;
  void StartCancel() override {}

  void OnWriteDone(bool ok) override { Written(ok); }
  void OnReadDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  const std::string peer_;
  std::atomic<bool> cancelled_{false};
  ::grpc::ByteBuffer writing_;
  ::grpc::ByteBuffer reading_;
  std::shared_ptr<CallEnd> self_;  // while gRPC uses this
};

}  // namespace nokv::rpc::grpc
