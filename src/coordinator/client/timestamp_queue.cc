#include "coordinator/client/timestamp_queue.h"

#include <nokv/coordinator/v1/coordinator.pb.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "coordinator/client/holder_hint.h"

namespace nokv::coordinator {

namespace wire = ::nokv::coordinator::v1;

namespace {

constexpr uint64_t kLeastPauseUs = 1'000;

}  // namespace

class TimestampQueue::Stream final : public rpc::CallHandler {
 public:
  explicit Stream(std::shared_ptr<TimestampQueue> queue) : queue_(std::move(queue)) {}

  void OnMessage(rpc::Call& /*call*/, std::string message) override {
    queue_->Answered(this, message);
  }
  void OnDone(rpc::Call& /*call*/, const Status& status) override { queue_->Ended(this, status); }

 private:
  const std::shared_ptr<TimestampQueue> queue_;
};

TimestampQueue::TimestampQueue(std::shared_ptr<rpc::Endpoints> endpoints, size_t max_waiting)
    : endpoints_(std::move(endpoints)), max_waiting_(max_waiting) {}

void TimestampQueue::Add(uint64_t count, uint64_t deadline_us, Client::Numbers done) {
  Status refused;
  {
    base::MutexLock lock(mu_);
    if (closed_) {
      refused = endpoints_->Closed();
    } else if (queue_.size() >= max_waiting_) {
      refused = Status::ResourceExhausted("too many requests wait for timestamps");
    } else {
      queue_.push_back({count, deadline_us, std::exchange(done, nullptr)});
    }
  }
  if (!refused.ok()) return done(std::move(refused));
  Pump();
}

void TimestampQueue::TakeBatch() {
  batch_count_ = 0;
  while (!queue_.empty() && batch_count_ + queue_.front().count <= kMaxBatch) {
    batch_count_ += queue_.front().count;
    batch_.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
}

void TimestampQueue::Pump() {
  std::shared_ptr<Stream> begin;
  std::shared_ptr<rpc::Call> call;
  size_t index = 0;
  wire::TsoStreamRequest request;
  {
    base::MutexLock lock(mu_);
    if (closed_ || moving_ || answering_ || !batch_.empty() || queue_.empty()) return;
    const uint64_t now_us = endpoints_->now_us();
    if (stream_ == nullptr) {
      stream_ = begin = std::make_shared<Stream>(shared_from_this());
      index = index_;
    } else if (call_ == nullptr) {
      return;  // it is being begun
    }
    TakeBatch();
    batch_since_us_ = now_us;
    request.set_request_id(++batch_id_);
    request.set_count(batch_count_);
    call = call_;
    Arm(now_us);
  }
  if (begin != nullptr) {
    call = endpoints_->Open(index, "TsoStream", {}, begin);
    if (call == nullptr) return Ended(begin.get(), endpoints_->Closed());
    base::MutexLock lock(mu_);
    if (stream_ == begin) call_ = call;
  }
  call->Send(request.SerializeAsString());
}

void TimestampQueue::Answered(const Stream* stream, const std::string& message) {
  wire::TsoStreamResponse response;
  Requests answered;
  std::shared_ptr<rpc::Call> wrong;
  {
    base::MutexLock lock(mu_);
    if (stream_.get() != stream) return;
    if (response.ParseFromString(message) && response.request_id() == batch_id_ &&
        response.count() == batch_count_ && response.timestamp() > frontier_ && !batch_.empty()) {
      frontier_ = response.timestamp() + response.count() - 1;
      answered.swap(batch_);
      answering_ = true;
      failures_ = 0;
    } else {
      wrong = call_;
    }
  }
  if (wrong != nullptr) {
    return wrong->End(
        Status::Unavailable("timestamps that do not rise, or are not what was asked"));
  }
  uint64_t next = response.timestamp();
  for (const Request& request : answered) {
    request.done(next);
    next += request.count;
  }
  {
    base::MutexLock lock(mu_);
    answering_ = false;
  }
  Pump();
}

void TimestampQueue::Ended(const Stream* stream, const Status& status) {
  size_t index = 0;
  size_t failures = 0;
  Status failed;
  Requests given_up;
  {
    base::MutexLock lock(mu_);
    if (stream_.get() != stream) return;
    stream_.reset();
    call_.reset();
    // The server may have answered a batch whose answer was lost: those numbers are skipped.
    queue_.insert(queue_.begin(), std::make_move_iterator(batch_.begin()),
                  std::make_move_iterator(batch_.end()));
    batch_.clear();
    if (closed_) return;
    last_ = status.ok() ? Status::Unavailable("the stream ended") : status;
    last_ = last_.Prefixed(endpoints_->AddressOf(index_));
    if (!status.ok() && !WorthAnotherTry(status)) {
      given_up.swap(queue_);
      failed = last_;
    }
    moving_ = true;
    index = index_;
    failures = ++failures_;
  }
  for (const Request& request : given_up) request.done(failed);
  endpoints_->PauseAfter(failures, UINT64_MAX, [self = shared_from_this(), index, status](bool go) {
    if (!go) return;
    FindNext(self->endpoints_, index, status, [self](size_t next) { self->Moved(next); });
  });
}

void TimestampQueue::Moved(size_t index) {
  {
    base::MutexLock lock(mu_);
    moving_ = false;
    index_ = index;
  }
  Pump();
}

void TimestampQueue::Arm(uint64_t now_us) {
  if (timer_set_ || closed_ || (queue_.empty() && batch_.empty())) return;
  timer_set_ = true;
  uint64_t at_us = UINT64_MAX;
  if (!queue_.empty()) at_us = queue_.front().deadline_us;
  if (!batch_.empty()) {
    at_us = std::min({at_us, batch_.front().deadline_us,
                      batch_since_us_ + endpoints_->options().attempt_ms * 1000});
  }
  endpoints_->Pause(std::max(at_us, now_us + kLeastPauseUs) - now_us,
                    [self = shared_from_this()](bool on) {
                      if (on) self->Sweep();
                    });
}

void TimestampQueue::Sweep() {
  Requests late;
  std::shared_ptr<rpc::Call> silent;
  Status why;
  {
    base::MutexLock lock(mu_);
    timer_set_ = false;
    const uint64_t now_us = endpoints_->now_us();
    Requests rest;
    for (Request& request : queue_) {
      (request.deadline_us <= now_us ? late : rest).push_back(std::move(request));
    }
    queue_ = std::move(rest);
    if (!batch_.empty() && (batch_since_us_ + endpoints_->options().attempt_ms * 1000 <= now_us ||
                            batch_.front().deadline_us <= now_us)) {
      silent = call_;
    }
    why = Status(StatusCode::kDeadlineExceeded,
                 "no coordinator gave timestamps in time; the last one: " +
                     (last_.ok() ? std::string("no answer") : std::string(last_.message())))
              .WithHint(last_.hint())
              .WithErrorNumber(last_.error_number());
    Arm(now_us);
  }
  for (const Request& request : late) request.done(why);
  if (silent != nullptr) {
    silent->End(Status(StatusCode::kDeadlineExceeded, "it did not answer in time"));
  }
}

void TimestampQueue::Close() {
  Requests waiting;
  {
    base::MutexLock lock(mu_);
    closed_ = true;
    waiting.swap(queue_);
    waiting.insert(waiting.end(), std::make_move_iterator(batch_.begin()),
                   std::make_move_iterator(batch_.end()));
    batch_.clear();
    stream_.reset();
    call_.reset();
  }
  for (const Request& request : waiting) request.done(endpoints_->Closed());
}

}  // namespace nokv::coordinator
