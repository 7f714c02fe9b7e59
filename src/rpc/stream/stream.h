// Byte streams over TCP and the event loop that drives them.
//
// One loop is one thread. Everything that belongs to a loop (listeners, connections, their
// handlers, timers) is called by that thread only; Post and Stop alone may be called from others.
// Sockets may be served by other loops than the handlers (ListenOptions::io_loops): nothing changes
// for a handler, but that Flush takes effect at the end of the loop's round.
// Reading is level-triggered with one buffer per loop, so an idle connection holds no memory for
// input; bytes that a handler does not consume are kept by the connection and shown again, with
// what came after them.
//
//   auto loop = NewLoop(logger);
//   auto listener = loop->Listen("127.0.0.1:6380", [](Connection& c) { return NewEcho(c); });
//   loop->Run();
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "nokv/status.h"

namespace nokv::rpc::stream {

class Loop;
class TlsContext;

// One connection. Owned by its loop; a handler's reference is good until OnClosed returns.
class Connection {
 public:
  virtual ~Connection() = default;

  // Bytes to send: append here, then Flush. Nothing leaves before.
  virtual std::string& output() = 0;
  // Gives the output to the operating system; what it does not take is sent when it can.
  virtual void Flush() = 0;
  // Bytes of output that the operating system has not taken.
  virtual size_t pending_bytes() const = 0;
  // Reading on or off; on at first. What is not read stays with the peer.
  virtual void SetReading(bool on) = 0;
  // Shows the handler, from the loop, the input that it has not consumed.
  virtual void RedeliverInput() = 0;
  // Closes when the output is sent; input is ignored from now on.
  virtual void CloseAfterFlush() = 0;
  // Closes now. OnClosed follows, from the loop.
  virtual void Close() = 0;

  // "127.0.0.1:51312".
  virtual const std::string& peer_address() const = 0;
  virtual const std::string& local_address() const = 0;
  virtual bool peer_is_loopback() const = 0;
  // The common name in the certificate that the peer has shown and that was found good; empty if
  // there is none, or more than one.
  virtual const std::string& peer_common_name() const = 0;
};

// What a server does with a connection. Owned by the connection.
class Handler {
 public:
  virtual ~Handler() = default;
  // Returns how many bytes of `data` were consumed. The view is good during the call.
  virtual size_t OnData(std::string_view data) = 0;
  // The peer has closed its side; it may still read. Unless overridden, closes after the output.
  virtual void OnPeerClosed(Connection& connection) { connection.CloseAfterFlush(); }
  // Output that had to wait has all been sent. It may also come when none had to wait, if reading
  // is off.
  virtual void OnDrained() {}
  // The operating system has taken output that had to wait; more may wait still.
  virtual void OnSent() {}
  // The last call; the connection must not be used afterwards.
  virtual void OnClosed() {}
};

// What serves a new connection; null closes it, after what was written to it. Over TLS it is asked
// when the handshake is done.
using AcceptHandler = std::function<std::unique_ptr<Handler>(Connection&)>;

struct ListenOptions {
  // Borrowed, by the loop; null: plain text. Who speaks plain text to a listener with TLS, or TLS
  // to one without, is closed, and the log says so.
  TlsContext* tls = nullptr;
  uint64_t handshake_timeout_ms = 10'000;
  // Where the sockets are served, in turns, TLS included; empty: on the loop that listens.
  // Borrowed; others run them, and stop them after the listening loop. Handlers stay on the
  // listening loop.
  std::vector<Loop*> io_loops = {};
};

// Accepts until destroyed. Running out of file descriptors pauses accepting for a moment.
class Listener {
 public:
  virtual ~Listener() = default;
  // Where it listens, with the port that was given if 0 was asked for.
  virtual const std::string& address() const = 0;
  virtual bool is_loopback() const = 0;
};

// Fires until destroyed.
class Timer {
 public:
  virtual ~Timer() = default;
};

class Loop {
 public:
  virtual ~Loop() = default;

  // Runs until Stop.
  virtual void Run() = 0;
  // Runs what is ready, without waiting; returns how many callbacks ran. For tests.
  virtual size_t Poll() = 0;
  // Thread-safe. Run returns soon.
  virtual void Stop() = 0;
  // Thread-safe. Runs `task` from the loop.
  virtual void Post(std::function<void()> task) = 0;
  virtual bool OnLoopThread() const = 0;

  // Calls `tick` every `interval_ms`; a late tick is not made up for.
  virtual std::unique_ptr<Timer> Every(uint64_t interval_ms, std::function<void()> tick) = 0;
  // Calls `handler` from the loop when the process gets one of `signals`, each time.
  virtual void OnSignals(const std::vector<int>& signals, std::function<void(int)> handler) = 0;
  // `address` has a form that ParseHostPort (rpc/http/host_port.h) takes. A failure names the
  // address and the way out.
  virtual Result<std::unique_ptr<Listener>> Listen(const std::string& address, AcceptHandler accept,
                                                   const ListenOptions& options = {}) = 0;
};

// Over the operating system's sockets. `logger` is borrowed. A busy loop polls its sockets for up
// to `poll_micros` before it sleeps; 0: it never does.
std::unique_ptr<Loop> NewLoop(base::Logger& logger, uint64_t poll_micros = 0);

}  // namespace nokv::rpc::stream
