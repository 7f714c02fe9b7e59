// Follower: follows the root's events for a listener: one node at a time, the next one when it goes
// or falls silent, from the last event that came on. Private to metaroot/client.
//
// Thread safety: owned by the call that is under way: the next one begins when it is over, so that
// the listener is told one thing after the other. Only the time of the last message is shared with
// the timer that looks for silence.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "base/mutex.h"
#include "metaroot/client/client.h"
#include "metaroot/wire/wire.h"

namespace nokv::meta::v1 {
class WatchResponse;
}  // namespace nokv::meta::v1

namespace nokv::metaroot {

class Follower : public std::enable_shared_from_this<Follower> {
 public:
  Follower(std::shared_ptr<rpc::Endpoints> nodes, uint64_t heartbeat_ms,
           std::optional<uint64_t> after_revision, Listener& listener)
      : nodes_(std::move(nodes)),
        heartbeat_ms_(heartbeat_ms),
        listener_(listener),
        revision_(after_revision) {}

  void Start();

 private:
  class Stream;

  void Begin() EXCLUDES(mu_);
  // Ends the call under way if it has been silent for too long, and looks again later.
  void Watch(const std::shared_ptr<Stream>& stream) EXCLUDES(mu_);
  // An error ends the stream.
  Status Take(const std::string& message);
  Status TakeEvents(const meta::v1::WatchResponse& response);
  void Ended(const Status& status) EXCLUDES(mu_);

  const std::shared_ptr<rpc::Endpoints> nodes_;
  const uint64_t heartbeat_ms_;
  Listener& listener_;
  std::optional<uint64_t> revision_;  // the last that the listener knows
  bool must_reload_ = false;          // it cannot go on from there
  StateAssembler assembler_;
  size_t index_ = 0;
  size_t failures_ = 0;  // in a row
  std::atomic<uint64_t> heard_us_ = 0;
  base::Mutex mu_;
  std::shared_ptr<Stream> stream_ GUARDED_BY(mu_);  // under way; null: none
  std::shared_ptr<rpc::Call> call_ GUARDED_BY(mu_);
};

}  // namespace nokv::metaroot
