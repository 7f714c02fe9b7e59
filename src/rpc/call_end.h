// CallEnd: what both ends of a call do alike, whatever carries it: the queue of messages to send,
// reading ahead, and calling the handler one thing at a time. Private to rpc and rpc/grpc.
//
// What carries the call derives from it and does the Start functions; it reports by Written,
// Arrived, PeerEnded and Done. At most one write and one read are under way at a time.
//
// Thread safety: thread-safe. No function of another class is called with the lock held.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/mutex.h"
#include "rpc/call.h"

namespace nokv::rpc {

class CallEnd : public Call, public std::enable_shared_from_this<CallEnd> {
 public:
  void Send(std::string message) override;
  size_t pending_bytes() const override;
  void SetReading(bool on) override;
  void End(const Status& status) override;

 protected:
  enum class Side { kClient, kServer };

  CallEnd(Side side, const CallLimits& limits, Executor executor)
      : side_(side), limits_(limits), executor_(std::move(executor)) {}

  // Begins to read, and to tell `handler` from now on. REQUIRES: a shared_ptr owns this.
  void Start(std::shared_ptr<CallHandler> handler);

  // --- what carries the call ---

  // Takes a message to the peer; Written follows. `more`: another one comes at once.
  virtual void StartWrite(std::string message, bool more) = 0;
  // Arrived or PeerEnded follows.
  virtual void StartRead() = 0;
  // After the last write, once. A server says `status` to the client, and Done follows; a client
  // says that it has said all, and Written follows.
  virtual void StartEnd(const Status& status) = 0;
  // Breaks the call; reads fail, and Done follows. Clients only.
  virtual void StartCancel() = 0;
  // None of the other Start functions is called from now on.
  virtual void NothingMoreStarts() {}

  void Written(bool ok);
  void Arrived(std::string message);
  // A message of so many bytes came, over the limit: the call ends, at a server for OnDone, too.
  void TooLong(size_t bytes);
  // No message will arrive any more.
  void PeerEnded();
  // How the call ended; everything is over. The first one counts.
  void Done(const Status& status);
  // A server's call was given up by its client, or its connection broke: nothing more is sent.
  void Broken();

  const CallLimits& limits() const { return limits_; }

 private:
  // What the handler has to be told next.
  enum class Event { kNone, kSent, kMessage, kPeerEnded, kDone };

  void Pump();
  void BeginRead();
  // Reads the next message unless enough wait.
  void ReadOn();
  bool MayEndLocked() const REQUIRES(mu_);
  bool ClaimReadLocked() REQUIRES(mu_);
  bool ClaimReleaseLocked() REQUIRES(mu_);
  void DropOutgoingLocked() REQUIRES(mu_);
  Event NextLocked() const REQUIRES(mu_);
  void ScheduleDrain();
  void Drain();

  const Side side_;
  const CallLimits limits_;
  const Executor executor_;

  mutable base::Mutex mu_;
  std::shared_ptr<CallHandler> handler_ GUARDED_BY(mu_);
  // Sending.
  std::deque<std::string> outgoing_ GUARDED_BY(mu_);
  size_t pending_bytes_ GUARDED_BY(mu_) = 0;    // with the message under way
  size_t in_flight_bytes_ GUARDED_BY(mu_) = 0;  // of that message
  bool writing_ GUARDED_BY(mu_) = false;
  bool sealed_ GUARDED_BY(mu_) = false;  // Send does nothing any more
  bool end_wanted_ GUARDED_BY(mu_) = false;
  bool end_started_ GUARDED_BY(mu_) = false;
  bool released_ GUARDED_BY(mu_) = false;
  Status end_status_ GUARDED_BY(mu_);
  Status too_long_ GUARDED_BY(mu_);
  // Receiving.
  std::deque<std::string> incoming_ GUARDED_BY(mu_);
  size_t incoming_bytes_ GUARDED_BY(mu_) = 0;
  bool reading_ GUARDED_BY(mu_) = false;        // a read is under way
  bool starting_read_ GUARDED_BY(mu_) = false;  // and is being handed over
  bool discarding_ GUARDED_BY(mu_) = false;     // nobody wants what arrives
  bool wants_messages_ GUARDED_BY(mu_) = true;
  bool peer_ended_ GUARDED_BY(mu_) = false;
  // What the handler has to be told.
  bool tell_sent_ GUARDED_BY(mu_) = false;
  bool tell_peer_ended_ GUARDED_BY(mu_) = false;
  std::optional<Status> done_ GUARDED_BY(mu_);
  bool draining_ GUARDED_BY(mu_) = false;
};

}  // namespace nokv::rpc
