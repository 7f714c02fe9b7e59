// TLS of a stream::TlsContext for gRPC. Private to rpc/grpc.
#pragma once

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "rpc/stream/tls.h"

namespace nokv::rpc::grpc {

// Looks at the files at each handshake, and uses what they hold then. `tls` is borrowed.
std::shared_ptr<::grpc::ServerCredentials> ServerTls(stream::TlsContext& tls);
// For connections made from now on, until the files change.
std::shared_ptr<::grpc::ChannelCredentials> ChannelTls(const stream::TlsPem& pem);

}  // namespace nokv::rpc::grpc
