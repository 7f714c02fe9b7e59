// Listeners: where nokv-redis takes connections, in plain text, over TLS, or both.
//
// Thread safety: owned by the loop.
#pragma once

#include <memory>
#include <string>

#include "cli/flags.h"
#include "metrics/registry.h"
#include "rpc/stream/stream.h"
#include "rpc/stream/tls.h"

namespace nokv::cli {

struct ListenFlags {
  std::string address = "127.0.0.1:6380";  // empty: no plain text
  std::string tls_address;                 // empty: no TLS
  rpc::stream::TlsOptions tls;
  std::string tls_auth_clients = "yes";
};

// Declares the flags of `target`, which the set borrows.
void Define(FlagSet& flags, ListenFlags* target);

class Listeners {
 public:
  // Both are borrowed.
  Listeners(rpc::stream::Loop& loop, base::Logger& logger) : loop_(loop), logger_(logger) {}

  // Listens on every address of `flags`. Certificates are watched from then on: connections that
  // come after a change of the files use the new ones, and the days to the expiry are in
  // `registry`, which is borrowed.
  Status Open(const ListenFlags& flags, const rpc::stream::AcceptHandler& accept,
              metrics::Registry& registry);
  // Takes no more connections.
  void Close();
  // Warns of what an operator should know about the addresses.
  void Warn() const;

  // "address 127.0.0.1:6380, TLS address 127.0.0.1:6390".
  std::string description() const;
  // The address for those who know one only: that for plain text, if there is one.
  const std::string& address() const;

 private:
  Status OpenTls(const ListenFlags& flags, const rpc::stream::AcceptHandler& accept,
                 metrics::Registry& registry);
  void Refresh();

  rpc::stream::Loop& loop_;
  base::Logger& logger_;
  metrics::Gauge* days_to_expiry_ = nullptr;
  std::unique_ptr<rpc::stream::TlsContext> tls_context_;
  std::unique_ptr<rpc::stream::Listener> plain_;
  std::unique_ptr<rpc::stream::Listener> tls_;
  std::unique_ptr<rpc::stream::Timer> refresh_;
};

}  // namespace nokv::cli
