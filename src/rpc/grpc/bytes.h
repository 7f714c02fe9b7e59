// Messages and statuses as gRPC has them. Private to rpc/grpc.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

#include <string>

#include "nokv/status.h"

namespace nokv::rpc::grpc {

// Without a copy: the buffer owns the message.
::grpc::ByteBuffer ToBuffer(std::string message);
std::string FromBuffer(const ::grpc::ByteBuffer& buffer);

// Codes are the same; hint and error number travel as nokv.error.v1.ErrorDetail.
::grpc::Status ToGrpc(const Status& status);
// Of others than nokv only code and message count. UNAUTHENTICATED becomes kPermissionDenied.
Status FromGrpc(const ::grpc::Status& status);

}  // namespace nokv::rpc::grpc
