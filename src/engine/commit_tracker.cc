#include "engine/commit_tracker.h"

#include <algorithm>

#include "base/check.h"

namespace nokv::engine {

uint64_t CommitTracker::Begin(std::string_view encoding, uint64_t count, SyncNeed need,
                              std::function<void(Status)> done) {
  next_ += count;
  in_flight_.push_back({encoding, next_ - 1, need, false, std::move(done)});
  return first_ticket_ + in_flight_.size() - 1;
}

void CommitTracker::Applied(uint64_t ticket, Completions* completions) {
  if (failed_) return;
  NOKV_CHECK(ticket >= first_ticket_ && ticket - first_ticket_ < in_flight_.size());
  in_flight_[ticket - first_ticket_].applied = true;
  while (!in_flight_.empty() && in_flight_.front().applied) {
    Write write = std::move(in_flight_.front());
    in_flight_.pop_front();
    first_ticket_++;
    applied_ = write.last;
    if (write.need == SyncNeed::kDue) syncs_waiting_++;
    waiting_.push_back(std::move(write));
  }
  Advance(completions);
}

void CommitTracker::AwaitSync(std::function<void(Status)> done, Completions* completions) {
  waiters_.push_back({next_ - 1, std::move(done)});
  Advance(completions);
}

void CommitTracker::Synced(keys::SequenceNumber sequence, Completions* completions) {
  durable_ = std::max(durable_, sequence);
  Advance(completions);
}

void CommitTracker::Advance(Completions* completions) {
  if (failed_) return;
  while (!waiting_.empty()) {
    Write& write = waiting_.front();
    if (write.need != SyncNeed::kNone && write.last > durable_) break;
    if (write.need == SyncNeed::kDue) syncs_waiting_--;
    visible_ = write.last;
    completions->Add(std::move(write.done), Status::Ok());
    waiting_.pop_front();
  }
  for (; !waiters_.empty() && waiters_.front().last <= durable_; waiters_.pop_front()) {
    completions->Add(std::move(waiters_.front().done), Status::Ok());
  }
  horizon_->Set(visible_, applied_);
}

void CommitTracker::Fail(const Status& status, Completions* completions) {
  failed_ = true;
  for (auto* queue : {&waiting_, &in_flight_}) {
    for (Write& write : *queue) completions->Add(std::move(write.done), status);
    queue->clear();
  }
  for (Waiter& waiter : waiters_) completions->Add(std::move(waiter.done), status);
  waiters_.clear();
  syncs_waiting_ = 0;
  // What was applied and will never be acknowledged is not shown.
  horizon_->Set(visible_, visible_);
}

}  // namespace nokv::engine
