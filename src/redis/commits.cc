#include "redis/commits.h"

namespace nokv::redis {

Commits::Commits(Backend& backend, rpc::stream::Loop& loop, std::function<void()> on_progress)
    : backend_(backend), loop_(loop), on_progress_(std::move(on_progress)) {}

Commits::Started Commits::Start(std::span<const Write> writes, bool sync) {
  const uint64_t number = ++last_;
  done_.push_back(false);
  starting_ = number;
  const bool applied = backend_.Commit(
      writes, [this, number_and_sync = number << 1 | (sync ? 1 : 0)](Status status) {
        // Packed, so that the function needs no memory of its own.
        Complete(number_and_sync >> 1, (number_and_sync & 1) != 0, std::move(status));
      });
  starting_ = 0;
  return {number, applied};
}

void Commits::Complete(uint64_t number, bool sync, Status status) {
  if (!loop_.OnLoopThread()) {
    bool first = false;
    {
      base::MutexLock lock(mu_);
      first = queue_.empty();
      queue_.push_back({number, sync, std::move(status)});
    }
    // One wake-up for all that complete before the loop gets to it.
    if (first) loop_.Post([this] { TakeQueue(); });
    return;
  }
  if (!sync || !status.ok()) {
    Count(number, std::move(status));
    if (number != starting_) PostProgress();
    return;
  }
  awaiting_sync_.push_back(number);
  if (sync_posted_or_running_) return;
  sync_posted_or_running_ = true;
  loop_.Post([this] { BeginSync(); });
}

void Commits::BeginSync() {
  syncing_.swap(awaiting_sync_);
  backend_.Sync([this](Status status) {
    if (loop_.OnLoopThread()) return EndSync(status);
    loop_.Post([this, status = std::move(status)] { EndSync(status); });
  });
}

void Commits::EndSync(const Status& status) {
  for (const uint64_t number : syncing_) Count(number, status);
  syncing_.clear();
  sync_posted_or_running_ = !awaiting_sync_.empty();
  if (sync_posted_or_running_) loop_.Post([this] { BeginSync(); });
  PostProgress();
}

void Commits::PostProgress() {
  if (progress_posted_) return;
  progress_posted_ = true;
  loop_.Post([this] {
    progress_posted_ = false;
    on_progress_();
  });
}

void Commits::TakeQueue() {
  std::vector<Completed> completed;
  {
    base::MutexLock lock(mu_);
    completed.swap(queue_);
  }
  for (Completed& one : completed) Complete(one.number, one.sync, std::move(one.status));
  PostProgress();
}

void Commits::Count(uint64_t number, Status status) {
  if (!status.ok()) failed_.emplace(number, std::move(status));
  done_[number - acknowledged_ - 1] = true;
  while (!done_.empty() && done_.front()) {
    done_.pop_front();
    ++acknowledged_;
  }
}

std::optional<Status> Commits::Outcome(uint64_t number) const {
  if (number > acknowledged_ && !done_[number - acknowledged_ - 1]) return std::nullopt;
  if (failed_.empty()) return Status::Ok();
  const auto failed = failed_.find(number);
  return failed == failed_.end() ? Status::Ok() : failed->second;
}

void Commits::ForgetFailures() {
  failed_.erase(failed_.begin(), failed_.upper_bound(acknowledged_));
}

}  // namespace nokv::redis
