// Listeners: where nokv-redis takes connections, in plain text, over TLS, or both.
//
// Thread safety: owned by the loop.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/flags.h"
#include "metrics/registry.h"
#include "rpc/stream/stream.h"
#include "rpc/stream/tls.h"
#include "runtime/thread.h"

namespace nokv::cli {

struct ListenFlags {
  std::string address = "127.0.0.1:6380";  // empty: no plain text
  std::string tls_address;                 // empty: no TLS
  rpc::stream::TlsOptions tls;
  std::string tls_auth_clients = "yes";
  std::string tls_auth_clients_user = "off";
  uint64_t io_threads = 1;  // that serve sockets, the loop's own included
  uint64_t busy_poll_us = 50;
};

// For how long a loop of these polls before it sleeps. Not at all where that would keep a processor
// from whoever has something to do.
uint64_t PollMicros(const ListenFlags& flags);

// Declare the flags of `target`, which the set borrows.
void Define(FlagSet& flags, ListenFlags* target);
void Define(FlagSet& flags, rpc::stream::TlsOptions* target);

// What the listener for TLS is made from.
rpc::stream::TlsOptions TlsOptionsOf(const ListenFlags& flags);

class Listeners {
 public:
  // Both are borrowed.
  Listeners(rpc::stream::Loop& loop, base::Logger& logger) : loop_(loop), logger_(logger) {}
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;
  // Ends the threads that serve sockets. The loop must not run any more.
  ~Listeners();

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
  void StartIoThreads(const ListenFlags& flags);
  void Refresh();

  rpc::stream::Loop& loop_;
  base::Logger& logger_;
  metrics::Gauge* days_to_expiry_ = nullptr;
  std::unique_ptr<rpc::stream::TlsContext> tls_context_;
  std::vector<std::unique_ptr<rpc::stream::Loop>> io_loops_;
  std::vector<std::unique_ptr<runtime::Thread>> io_threads_;
  rpc::stream::ListenOptions options_;  // of every listener, but for TLS
  std::unique_ptr<rpc::stream::Listener> plain_;
  std::unique_ptr<rpc::stream::Listener> tls_;
  std::unique_ptr<rpc::stream::Timer> refresh_;
};

}  // namespace nokv::cli
