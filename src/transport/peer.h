// Peer: the way to one other node: its queue, its stream, its snapshots. Private to transport.
//
// A stream is begun when there is something to send. When it ends, what waited is dropped, and so
// is what comes before the pause is over: it would be old by then.
//
// Thread safety: thread-safe. Nothing of another class is called with the lock held. Who replaces
// or ends a channel waits for those that are opening a call of it, so that no call is overlooked
// and nobody else ends the channel: a handler must not.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "rpc/call.h"
#include "transport/core.h"

namespace nokv::transport {

class Peer : public std::enable_shared_from_this<Peer> {
 public:
  Peer(std::shared_ptr<TransportCore> core, NodeId node, const std::string& address);

  void Send(Batch messages) EXCLUDES(mu_);
  void SetAddress(const std::string& address) EXCLUDES(mu_);
  void SetBlocked(bool blocked) EXCLUDES(mu_);
  bool blocked() const EXCLUDES(mu_);
  // Ends the streams and the connections. Nothing is sent or reported any more. Waits for what the
  // network is doing.
  void Close() EXCLUDES(mu_);
  // Why it could not be reached three times in a row; empty if that is not so.
  std::string Alarm() const EXCLUDES(mu_);

 private:
  class Stream;
  class SnapshotStream;

  struct Lost {
    Drop why;
    GroupMessage message;
  };

  // Takes a message into its queue, or gives it back with the reason.
  void Queue(GroupMessage&& message, std::vector<Lost>* lost) REQUIRES(mu_);
  void DropQueue(Drop why, std::vector<Lost>* lost) REQUIRES(mu_);
  void Report(const std::vector<Lost>& lost) EXCLUDES(mu_);
  size_t BatchLength() const REQUIRES(mu_);
  Batch TakeBatch() REQUIRES(mu_);
  void Pump() EXCLUDES(mu_);
  void Begin(const std::shared_ptr<Stream>& stream, rpc::Channel& channel) EXCLUDES(mu_);
  // The streams, for their caller to end, once nobody is opening one.
  std::vector<std::shared_ptr<rpc::Call>> TakeCalls() REQUIRES(mu_);

  std::string Greeting() const;
  Hello MakeHello() const;
  // Whether to go on after a welcome.
  Status Judge(std::string_view bytes) const;
  void Welcomed(const Stream* stream) EXCLUDES(mu_);
  void Sent(const Stream* stream) EXCLUDES(mu_);
  void Ended(const Stream* stream, const Status& status) EXCLUDES(mu_);

  void PumpSnapshots() EXCLUDES(mu_);
  // `is_old`: the node does not know how to go on with a snapshot.
  void SnapshotEnded(const SnapshotStream* stream, const GroupMessage& message, bool is_old,
                     bool arrived) EXCLUDES(mu_);

  const std::shared_ptr<TransportCore> core_;
  const NodeId node_;
  mutable base::Mutex mu_;
  // Not replaced while somebody is opening a call.
  std::unique_ptr<rpc::Channel> channel_ GUARDED_BY(mu_);
  std::unique_ptr<rpc::Channel> snapshot_channel_ GUARDED_BY(mu_);
  int opening_ GUARDED_BY(mu_) = 0;  // calls
  base::CondVar opened_;  // lint: allow(wait) Open waits for nobody; to end a channel waits, too
  bool blocked_ GUARDED_BY(mu_) = false;
  bool closed_ GUARDED_BY(mu_) = false;
  // Messages.
  Batch queue_ GUARDED_BY(mu_);
  size_t queued_bytes_ GUARDED_BY(mu_) = 0;
  size_t queued_entries_ GUARDED_BY(mu_) = 0;
  std::shared_ptr<Stream> stream_ GUARDED_BY(mu_);   // null: none
  std::shared_ptr<rpc::Call> call_ GUARDED_BY(mu_);  // of it; null while it is being opened
  bool welcomed_ GUARDED_BY(mu_) = false;
  bool writing_ GUARDED_BY(mu_) = false;
  uint64_t retry_at_us_ GUARDED_BY(mu_) = 0;
  int failures_ GUARDED_BY(mu_) = 0;  // in a row
  std::string last_failure_ GUARDED_BY(mu_);
  // Snapshots.
  std::deque<GroupMessage> snapshots_ GUARDED_BY(mu_);
  bool resumes_ GUARDED_BY(mu_) = true;  // as far as it is known
  std::shared_ptr<SnapshotStream> snapshot_stream_ GUARDED_BY(mu_);
  std::shared_ptr<rpc::Call> snapshot_call_ GUARDED_BY(mu_);
};

}  // namespace nokv::transport
