// TimestampQueue: requests for timestamps, in one stream to the holder of the lease. What comes
// while a batch is under way is the next batch: one message each way, however many requests there
// are. Private to coordinator/client.
//
// Thread safety: thread-safe. With the lock held nothing of another class is called but pauses and
// addresses of the endpoints.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "coordinator/client/client.h"

namespace nokv::coordinator {

class TimestampQueue : public std::enable_shared_from_this<TimestampQueue> {
 public:
  // No more than `max_waiting` requests wait.
  TimestampQueue(std::shared_ptr<rpc::Endpoints> endpoints, size_t max_waiting);

  // `count` is from 1 to kMaxBatch.
  void Add(uint64_t count, uint64_t deadline_us, Client::Numbers done) EXCLUDES(mu_);
  // Ends the stream; what waits is answered with kCancelled.
  void Close() EXCLUDES(mu_);

  static constexpr uint64_t kMaxBatch = uint64_t{1} << 16;

 private:
  class Stream;
  struct Request {
    uint64_t count;
    uint64_t deadline_us;
    Client::Numbers done;
  };
  using Requests = std::deque<Request>;

  // Sends the next batch if none is under way, over a new stream if there is none.
  void Pump() EXCLUDES(mu_);
  void TakeBatch() REQUIRES(mu_);
  // Answers what has waited too long, and leaves a coordinator that does not answer.
  void Sweep() EXCLUDES(mu_);
  void Arm(uint64_t now_us) REQUIRES(mu_);

  void Answered(const Stream* stream, const std::string& message) EXCLUDES(mu_);
  void Ended(const Stream* stream, const Status& status) EXCLUDES(mu_);
  void Moved(size_t index) EXCLUDES(mu_);

  const std::shared_ptr<rpc::Endpoints> endpoints_;
  const size_t max_waiting_;
  base::Mutex mu_;
  bool closed_ GUARDED_BY(mu_) = false;
  Requests queue_ GUARDED_BY(mu_);
  Requests batch_ GUARDED_BY(mu_);  // under way
  uint64_t batch_id_ GUARDED_BY(mu_) = 0;
  uint64_t batch_count_ GUARDED_BY(mu_) = 0;
  uint64_t batch_since_us_ GUARDED_BY(mu_) = 0;
  std::shared_ptr<Stream> stream_ GUARDED_BY(mu_);   // null: none
  std::shared_ptr<rpc::Call> call_ GUARDED_BY(mu_);  // of it; null while it is being begun
  size_t index_ GUARDED_BY(mu_) = 0;
  bool moving_ GUARDED_BY(mu_) = false;  // to another coordinator
  // Whoever is answered may ask again at once: all of those are one batch.
  bool answering_ GUARDED_BY(mu_) = false;
  size_t failures_ GUARDED_BY(mu_) = 0;  // in a row
  Status last_ GUARDED_BY(mu_);          // why there was no answer
  bool timer_set_ GUARDED_BY(mu_) = false;
  // What was given last: numbers that do not rise are not believed.
  uint64_t frontier_ GUARDED_BY(mu_) = 0;
};

}  // namespace nokv::coordinator
