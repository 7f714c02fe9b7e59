#include "coordinator/catalog.h"

#include <algorithm>
#include <iterator>

namespace nokv::coordinator {

namespace {

constexpr uint64_t kUsPerMs = 1'000;
constexpr uint64_t kFetchAgainUs = 1'000'000;

}  // namespace

Catalog::Catalog(const CatalogOptions& options, Root& root, runtime::Runtime& runtime,
                 base::Logger& logger)
    : options_(options),
      root_(root),
      runtime_(runtime),
      logger_(logger),
      view_(options.store_times, runtime.clock().MonotonicMicros()),
      latest_at_us_(runtime.clock().MonotonicMicros()) {}

void Catalog::OnState(metaroot::State state) {
  const uint64_t revision = state.revision;
  {
    base::MutexLock lock(mu_);
    if (state.revision < view_.root().revision) return;
    silence_.clear();
    heard_revision_ = std::max(heard_revision_, state.revision);
    view_.SetRoot(std::move(state));
    events_.clear();
    loaded_ = true;
    loaded_revision_ = revision;
    NoteLatestLocked();
  }
  Pump();
  FetchPast(revision, {});
}

void Catalog::FetchPast(uint64_t loaded, std::vector<metaroot::TailEvent> past) {
  const uint64_t after = past.empty() ? 0 : past.back().revision;
  root_.ListEvents(after, [weak = weak_from_this(), loaded, past = std::move(past)](
                              const Result<std::vector<metaroot::TailEvent>>& more) {
    if (const auto self = weak.lock()) self->PastListed(loaded, past, more);
  });
}

void Catalog::PastListed(uint64_t loaded, std::vector<metaroot::TailEvent> past,
                         const Result<std::vector<metaroot::TailEvent>>& more) {
  bool more_to_come = false;
  {
    base::MutexLock lock(mu_);
    if (loaded_revision_ != loaded) return;  // another state came, and its past is fetched, too
    if (more.ok()) more_to_come = TakePast(*more, &past);
  }
  if (more_to_come) return FetchPast(loaded, std::move(past));
  if (!more.ok()) {
    runtime_.PostAfter(runtime::Lane::kLog, kFetchAgainUs, [weak = weak_from_this(), loaded] {
      if (const auto self = weak.lock()) self->FetchPast(loaded, {});
    });
  }
}

bool Catalog::TakePast(const std::vector<metaroot::TailEvent>& more,
                       std::vector<metaroot::TailEvent>* past) {
  for (const metaroot::TailEvent& event : more) {
    // The root may have let go of some meanwhile.
    if (!past->empty() && event.revision != past->back().revision + 1) past->clear();
    if (event.revision <= loaded_revision_) past->push_back(event);
  }
  if (!more.empty() && more.back().revision < loaded_revision_) return true;
  if (past->empty() || past->back().revision != loaded_revision_) return false;
  const size_t room = options_.max_events - std::min(options_.max_events, events_.size());
  const size_t count = std::min(room, past->size());
  events_.insert(events_.begin(), past->end() - static_cast<ptrdiff_t>(count), past->end());
  return false;
}

Status Catalog::OnEvents(const std::vector<metaroot::TailEvent>& events) {
  Status followed;
  {
    base::MutexLock lock(mu_);
    silence_.clear();
    if (!loaded_) return Status::Internal("the state must come first");
    for (const metaroot::TailEvent& event : events) {
      if (event.revision <= view_.root().revision) continue;
      if (followed = view_.Follow(event); !followed.ok()) {
        logger_.Error("cannot follow the metadata root, and reads it anew: " +
                      std::string(followed.message()));
        loaded_ = false;
        break;
      }
      events_.push_back(event);
      if (events_.size() > options_.max_events) events_.pop_front();
    }
    heard_revision_ = std::max(heard_revision_, view_.root().revision);
    NoteLatestLocked();
  }
  Pump();
  return followed;
}

void Catalog::OnHeard(uint64_t revision) {
  {
    base::MutexLock lock(mu_);
    silence_.clear();
    heard_revision_ = std::max(heard_revision_, revision);
    // Nobody knows how long this was on its way, or waited in a process that stood still.
    confirm_wanted_ = true;
  }
  Confirm();
}

void Catalog::NoteLatestLocked() {
  if (!confirmed_.has_value() || !loaded_ || view_.root().revision < confirmed_->revision) return;
  latest_at_us_ = std::max(latest_at_us_, confirmed_->asked_us);
  was_latest_ = true;
  confirmed_.reset();
}

void Catalog::OnSilence(const Status& why) {
  base::MutexLock lock(mu_);
  silence_ = why.ToString();
}

RootStanding Catalog::StandingLocked(uint64_t now_us) const {
  return {.served_revision = view_.root().revision,
          .heard_revision = heard_revision_,
          .reachable = silence_.empty(),
          .must_reload = !loaded_,
          .silent_ms = (now_us - std::min(now_us, latest_at_us_)) / kUsPerMs,
          .was_latest = was_latest_};
}

RootStanding Catalog::standing() {
  return Read([](const Now& now) { return now.standing; });
}

void Catalog::Await(const FreshnessWanted& wanted, Ready ready) {
  const uint64_t now_us = runtime_.clock().MonotonicMicros();
  bool confirm = false;
  {
    base::MutexLock lock(mu_);
    const size_t waiting = waiting_.size() + confirming_.size() + unconfirmed_.size();
    Waiting one{wanted, now_us + options_.max_wait_ms * kUsPerMs, std::nullopt,
                std::exchange(ready, nullptr)};
    if (waiting >= options_.max_waiting) {
      ready = std::move(one.ready);
    } else if (wanted.freshness == Freshness::kStrong) {
      confirm = !asking_;
      unconfirmed_.push_back(std::move(one));
    } else {
      waiting_.push_back(std::move(one));
    }
  }
  if (ready != nullptr) {
    return ready(Status::ResourceExhausted("too many questions wait for the metadata root"));
  }
  confirm ? Confirm() : Pump();
}

void Catalog::Confirm() {
  const uint64_t asked_us = runtime_.clock().MonotonicMicros();
  {
    base::MutexLock lock(mu_);
    if (asking_ || (unconfirmed_.empty() && !confirm_wanted_)) return;
    asking_ = true;
    confirm_wanted_ = false;
    confirming_.swap(unconfirmed_);
  }
  root_.Confirm([self = shared_from_this(), asked_us](const Result<uint64_t>& revision) {
    self->ConfirmAnswered(asked_us, revision);
  });
}

void Catalog::ConfirmAnswered(uint64_t asked_us, const Result<uint64_t>& revision) {
  std::vector<Waiting> failed;
  RootStanding standing;
  {
    const uint64_t now_us = runtime_.clock().MonotonicMicros();
    base::MutexLock lock(mu_);
    asking_ = false;
    if (revision.ok()) {
      heard_revision_ = std::max(heard_revision_, *revision);
      // One that the copy has not caught up with comes first: it will.
      if (!confirmed_.has_value()) confirmed_ = {asked_us, *revision};
      NoteLatestLocked();
      for (Waiting& one : confirming_) {
        one.confirmed = *revision;
        waiting_.push_back(std::move(one));
      }
      confirming_.clear();
    } else {
      failed.swap(confirming_);
      standing = StandingLocked(now_us);
    }
  }
  for (const Waiting& one : failed) {
    const Status status = CheckFreshness(standing, one.wanted);
    one.ready(Status::Unavailable(std::string(status.message()) + ": " +
                                  std::string(revision.status().message()))
                  .WithHint(status.hint()));
  }
  Pump();
  Confirm();
}

Catalog::Answers Catalog::TakeReady(uint64_t now_us) {
  Answers answers;
  std::deque<Waiting> still;
  RootStanding standing = StandingLocked(now_us);
  for (Waiting& one : waiting_) {
    standing.confirmed_revision = one.confirmed;
    const Status status = CheckFreshness(standing, one.wanted);
    // Only what is on its way is worth to wait for.
    const uint64_t wanted = std::max(one.wanted.required_revision, one.confirmed.value_or(0));
    const bool comes = !loaded_ || wanted > standing.served_revision;
    if (status.ok() && (loaded_ || one.wanted.freshness == Freshness::kBestEffort)) {
      answers.emplace_back(std::move(one.ready), standing);
    } else if (comes && now_us < one.until_us) {
      still.push_back(std::move(one));
    } else {
      answers.emplace_back(
          std::move(one.ready),
          status.ok() ? Status::Unavailable("the metadata root was not read yet") : status);
    }
  }
  waiting_ = std::move(still);
  return answers;
}

void Catalog::Pump() {
  Answers answers;
  {
    const uint64_t now_us = runtime_.clock().MonotonicMicros();
    base::MutexLock lock(mu_);
    answers = TakeReady(now_us);
    Arm(now_us);
  }
  for (auto& [ready, answer] : answers) ready(std::move(answer));
}

void Catalog::Arm(uint64_t now_us) {
  if (waiting_.empty() || timer_set_) return;
  timer_set_ = true;
  const uint64_t at_us = std::max(waiting_.front().until_us, now_us + 1);
  runtime_.PostAfter(runtime::Lane::kLog, at_us - now_us, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr) return;
    {
      base::MutexLock lock(self->mu_);
      self->timer_set_ = false;
    }
    self->Pump();
  });
}

Catalog::Events Catalog::EventsAfter(uint64_t revision, size_t limit) {
  base::MutexLock lock(mu_);
  const auto first = std::find_if(events_.begin(), events_.end(), [revision](const auto& event) {
    return event.revision > revision;
  });
  const auto there = static_cast<size_t>(std::distance(first, events_.end()));
  Events found;
  found.kept_after = events_.empty() ? view_.root().revision : events_.front().revision - 1;
  found.events.assign(events_.end() - static_cast<ptrdiff_t>(std::min(there, limit)),
                      events_.end());
  return found;
}

std::string Catalog::silence() {
  base::MutexLock lock(mu_);
  return silence_;
}

uint64_t Catalog::waiting() {
  base::MutexLock lock(mu_);
  return waiting_.size() + confirming_.size() + unconfirmed_.size();
}

}  // namespace nokv::coordinator
