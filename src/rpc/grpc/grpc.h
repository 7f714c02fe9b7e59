// Calls over gRPC: servers and channels. See rpc/call.h and rpc/service.h.
//
// gRPC's threads end here: what they have to say goes to the executor of the service or channel.
// With TLS both sides show a certificate, and each checks the other's; the files may change while
// they are used. Without it everything is in plain text: for loopback and for networks of which
// something else takes care. A server on another address than loopback then logs one warning.
//
// Thread safety: thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "nokv/status.h"
#include "rpc/call.h"
#include "rpc/service.h"

namespace nokv::rpc::stream {
class TlsContext;
}  // namespace nokv::rpc::stream

namespace nokv::rpc::grpc {

// When a connection on which nothing is heard counts as broken.
struct KeepAlive {
  uint64_t ping_after_ms = 5'000;  // of silence
  uint64_t give_up_after_ms = 5'000;
};

struct ServerOptions {
  // Borrowed; null: plain text. Must ask clients for certificates as it likes.
  stream::TlsContext* tls = nullptr;
  KeepAlive keep_alive = {};
  int max_calls_per_connection = 1'000;
  // Of all connections together; beyond it gRPC takes no more from them.
  size_t max_memory_bytes = size_t{256} << 20;
};

// Listens on `address` ("127.0.0.1:0" chooses a port), also for health checks
// (grpc.health.v1.Health) and reflection. A failure names the address and the way out. `logger` is
// borrowed.
Result<std::unique_ptr<Server>> Listen(const std::string& address, std::vector<Service> services,
                                       const ServerOptions& options, base::Logger& logger);

struct ChannelOptions {
  Executor executor;  // of the handlers of its calls
  CallLimits limits = {};
  // Borrowed; null: plain text. Its authorities sign the servers' certificates, too.
  stream::TlsContext* tls = nullptr;
  // The name that the server's certificate must have, if it is not the host of the address.
  std::string tls_server_name = {};
  KeepAlive keep_alive = {};
  uint64_t connect_timeout_ms = 3'000;
  // Pauses between attempts to connect. Short: whoever calls has pauses of its own, and a server
  // that is back is not to be missed for both.
  uint64_t min_backoff_ms = 100;  // gRPC takes no less
  uint64_t max_backoff_ms = 250;
};

// Each channel has a connection of its own.
std::unique_ptr<Channel> NewChannel(const std::string& address, const ChannelOptions& options);

}  // namespace nokv::rpc::grpc
