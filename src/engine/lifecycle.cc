// Background errors and close.
#include "base/check.h"
#include "engine/engine_impl.h"

namespace nokv::engine {

Status EngineImpl::background_error() const {
  base::MutexLock lock(mu_);
  return background_error_;
}

void EngineImpl::SetBackgroundErrorLocked(const Status& status, Completions* completions) {
  if (!background_error_.ok()) return;
  Status reason =
      Status(status.code() == StatusCode::kResourceExhausted ? StatusCode::kResourceExhausted
                                                             : StatusCode::kFailedPrecondition,
             "the database is read-only after an error: " + std::string(status.message()));
  if (status.code() == StatusCode::kResourceExhausted) {
    reason = reason.WithHint("free disk space, then reopen the database; reads go on");
  } else {
    reason = reason.WithHint("mend the cause, then reopen the database; reads go on");
  }
  background_error_ = reason.WithErrorNumber(1401);
  timings_.background_errors++;
  doors_.logger.Error(background_error_.ToString());
  tracker_.Fail(background_error_, completions);
  syncs_->Close();
  AnswerQueuesLocked(background_error_, completions);
}

void EngineImpl::AnswerQueuesLocked(const Status& status, Completions* completions) {
  for (StalledWrite& write : stalled_) {
    UnregisterLocked(write.validation.get());
    completions->Add(std::move(write.done), status);
  }
  stalled_.clear();
  timings_.stalls.End(clock().MonotonicMicros());
  for (FlushWaiter& waiter : flush_waiters_) completions->Add(std::move(waiter.done), status);
  flush_waiters_.clear();
  for (ManualCompaction& manual : manual_) completions->Add(std::move(manual.done), status);
  manual_.clear();
  if (value_gc_.has_value()) completions->Add(std::move(value_gc_->done), status);
  value_gc_.reset();
}

void EngineImpl::CloseAsync(Completion done) {
  Completions completions;
  {
    base::MutexLock lock(mu_);
    NOKV_CHECK(!closing_) << "CloseAsync called twice";
    closing_ = true;
    closed_->store(true, std::memory_order_release);
    close_done_ = std::move(done);
    AnswerQueuesLocked(DatabaseClosed(), &completions);
    HurrySlicesLocked();
    if (waker_.has_value() && doors_.runtime.Cancel(*waker_)) waker_.reset();
    if (collector_.has_value() && doors_.runtime.Cancel(*collector_)) collector_.reset();
    if (quiet_look_.has_value() && doors_.runtime.Cancel(*quiet_look_)) quiet_look_.reset();
    if (scattered_ != nullptr) scattered_->StopWaking();
    MaybeFinishCloseLocked();
  }
  completions.Run();
}

void EngineImpl::MaybeFinishCloseLocked() {
  if (!closing_ || close_posted_) return;
  if (flushing_ || !compactions_.empty() || checkpointing_ || finishing_ > 0) return;
  if (syncing_ || preparing_log_ || !ingests_.empty()) return;
  if (collector_.has_value() || quiet_look_.has_value()) return;
  if (scattered_ != nullptr && scattered_->waking()) return;
  if (waker_.has_value() || waking_ || tracker_.in_flight() > 0) return;
  close_posted_ = true;
  doors_.runtime.Post(runtime::Lane::kLog, [this] { FinishClose(); });
}

void EngineImpl::FinishClose() {
  Status status;
  Completion done;
  Completions completions;
  {
    base::MutexLock lock(mu_);
    status = background_error_;
  }
  // Closing the log syncs it, so whoever still waits for a sync has it.
  if (log_ != nullptr) {
    const Status closed = log_->Close();
    if (status.ok()) status = closed;
    base::MutexLock lock(mu_);
    if (closed.ok()) tracker_.Synced(tracker_.applied(), &completions);
    syncs_->Close();
  }
  {
    base::MutexLock lock(mu_);
    if (!status.ok()) tracker_.Fail(status, &completions);
    done = std::move(close_done_);
  }
  lock_.reset();
  completions.Run();
  // Last: the owner may destroy the engine as soon as it is told.
  done(std::move(status));
}

EngineImpl::~EngineImpl() = default;

}  // namespace nokv::engine
