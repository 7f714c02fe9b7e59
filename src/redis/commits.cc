#include "redis/commits.h"

namespace nokv::redis {

namespace {
// After a sync the clients that it answered are heard before the next one begins: without that, two
// halves of the clients take turns, and each waits for the sync of the other. They are waited for
// until as many commits have come as clients seem to be there, or for so many rounds of the loop.
constexpr int kRoundsBetweenSyncs = 32;
// The loop waits for a sync only if the last one took no longer.
constexpr uint64_t kQuickSyncMicros = 1000;
}  // namespace

Commits::Commits(Backend& backend, rpc::stream::Loop& loop, base::Clock& clock,
                 std::function<void()> on_progress)
    : backend_(backend), loop_(loop), clock_(clock), on_progress_(std::move(on_progress)) {}

Commits::Started Commits::Start(std::span<const Write> writes, Survives survives,
                                const ReadSet* reads) {
  const uint64_t number = ++last_;
  done_.push_back(false);
  starting_ = number;
  const auto done = [this, number](Status status) { Complete(number, std::move(status)); };
  const bool applied = reads == nullptr ? backend_.Commit(writes, survives, done)
                                        : backend_.CommitIf(*reads, writes, survives, done);
  starting_ = 0;
  if (acknowledged_ < number) SubmitSoon();
  if (survives == Survives::kPowerLoss) {
    ++unsynced_;
    if (!syncing_) SyncAfterRounds(1);
  }
  return {number, applied};
}

void Commits::SubmitSoon() {
  if (std::exchange(submit_posted_, true)) return;
  loop_.Post([this] {
    submit_posted_ = false;
    Submit();
  });
}

void Commits::Submit() {
  submitting_ = true;
  backend_.Submit();
  submitting_ = false;
  if (std::exchange(progress_, false)) on_progress_();
}

void Commits::SyncAfterRounds(int rounds) {
  syncing_ = true;
  loop_.Post([this, rounds] {
    if (rounds > 1 && unsynced_ < expected_) return SyncAfterRounds(rounds - 1);
    SyncWhenQuiet();
  });
}

void Commits::SyncWhenQuiet() {
  if (sync_us_ > kQuickSyncMicros) return Sync(/*leading=*/false);
  if (!std::exchange(heard_, false)) return Sync(/*leading=*/true);
  loop_.Post([this] { Sync(/*leading=*/!std::exchange(heard_, false)); });
}

void Commits::Sync(bool leading) {
  const size_t synced = std::exchange(unsynced_, 0);
  const uint64_t began_us = clock_.MonotonicMicros();
  // The commits have their own outcome.
  backend_.Sync(leading, [this, synced, began_us](const Status&) {
    const uint64_t took_us = clock_.MonotonicMicros() - began_us;
    loop_.Post([this, synced, took_us] {
      sync_us_ = took_us;
      syncing_ = false;
      // Those who are answered now, and those who have come meanwhile.
      expected_ = synced + unsynced_;
      if (unsynced_ > 0) SyncAfterRounds(kRoundsBetweenSyncs);
    });
  });
}

void Commits::Complete(uint64_t number, Status status) {
  if (loop_.OnLoopThread()) {
    Count(number, std::move(status));
    if (number == starting_) return;
    progress_ |= submitting_;
    if (!submitting_) PostProgress();
    return;
  }
  bool first = false;
  {
    base::MutexLock lock(mu_);
    first = queue_.empty();
    queue_.push_back({number, std::move(status)});
  }
  // One wake-up for all that complete before the loop gets to it.
  if (first) loop_.Post([this] { TakeQueue(); });
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
  for (Completed& one : completed) Count(one.number, std::move(one.status));
  on_progress_();
}

void Commits::Count(uint64_t number, Status status) {
  if (!status.ok()) {
    failure_ = true;
    failed_.emplace(number, std::move(status));
  }
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
