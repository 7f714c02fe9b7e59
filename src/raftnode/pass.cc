// The passes of a node, and the syncs between them.
#include <algorithm>

#include "raftnode/node.h"

namespace nokv::raftnode {
namespace {

using runtime::Lane;

// Ticks that are made up for at once: who stood still for longer knows nothing any more anyway.
constexpr uint64_t kMaxTicks = 200;
// Little is under way if a sync is for so many entries, and comes so long after the last one, as a
// share of what that took.
constexpr uint64_t kFewEntries = 1;
constexpr uint64_t kPauseShare = 4;

// Whose pass this thread runs.
thread_local const Node* in_pass = nullptr;

}  // namespace

bool Node::InPass() const {
  return in_pass == this;
}

bool Node::LittleIsUnderWayLocked() {
  return entries_of_sync_ <= kFewEntries &&
         ClockMicros() - synced_at_us_ >= sync_took_us_ / kPauseShare;
}

void Node::Run(int passes, bool may_wait) {
  while (true) {
    {
      const base::MutexLock lock(mu_);
      std::swap(taken_, mail_);
      syncs_here_ = may_wait && LittleIsUnderWayLocked();
    }
    const Node* const outer = std::exchange(in_pass, this);
    Pass();
    in_pass = outer;
    bool sync = false;
    bool more = false;
    {
      const base::MutexLock lock(mu_);
      more = !mail_.empty();
      if (more && --passes > 0) continue;
      sync = std::exchange(sync_is_due_, false);
      if (!more) {
        running_ = false;
        ended_ = MayEnd();
        if (ended_) break;
      }
    }
    if (more) PostRun();
    if (sync) SyncLog();
    return;
  }
  // The owner may destroy the node from here on.
  const runtime::Task stopped = std::move(stopped_);
  stopped();
}

bool Node::MayEnd() const {
  if (!stopped_ || syncing_ || writing_ahead_ || timer_armed_) return false;
  return std::all_of(peers_.begin(), peers_.end(),
                     [](const auto& peer) { return peer.second->idle(); });
}

void Node::Pass() {
  metrics_.passes.Add();
  // Before anything is answered: a process that stood still must not go by its old view of time.
  GiveTicks();
  Deliver();
  RunTouched();
  MaybeMark();
  Publish();
  if (!stopped_) ArmTimer();
}

void Node::GiveTicks() {
  pass_us_ = ClockMicros();
  for (uint64_t ticks = 0; next_tick_us_ <= pass_us_; ticks++) {
    next_tick_us_ += options_.tick_us;
    if (ticks >= kMaxTicks) continue;
    for (const auto& [group, peer] : peers_) peer->Tick();
  }
}

void Node::ArmTimer() {
  if (timer_armed_) return;
  timer_armed_ = true;
  const uint64_t now = ClockMicros();
  timer_ = runtime_.PostAfter(Lane::kUrgent, next_tick_us_ > now ? next_tick_us_ - now : 0,
                              [this] { Call([this] { timer_armed_ = false; }); });
}

void Node::Deliver() {
  if (taken_.synced) NoteSynced(*taken_.synced);
  for (const runtime::Task& call : taken_.calls) call();
  for (Envelope& envelope : taken_.messages) {
    if (Peer* peer = Find(envelope.group)) {
      peer->Step(std::move(envelope.message));
    } else if (options_.unknown_group && !stopped_) {
      options_.unknown_group(envelope);
    } else {
      metrics_.Dropped(Drop::kUnknownGroup);
    }
  }
  for (Request& request : taken_.proposals) {
    if (Peer* peer = Find(request.group)) {
      peer->Propose({std::move(request.data), std::move(request.done)});
    } else {
      RefuseAtOnce(request.done, Refusal::kNoGroup);
    }
  }
  for (Request& request : taken_.reads) {
    if (Peer* peer = Find(request.group)) {
      peer->Read(std::move(request.done));
    } else {
      RefuseAtOnce(request.done, Refusal::kNoGroup);
    }
  }
  taken_.Clear();
}

void Node::RunTouched() {
  while (!touched_.empty()) {
    round_.clear();
    std::swap(round_, touched_);
    for (Peer* peer : round_) {
      peer->Collect(&collected_);
      // What touched it meanwhile was collected, too.
      peer->touched = false;
      if (!std::exchange(peer->publishing, true)) to_publish_.push_back(peer);
    }
    if (!collected_.messages.empty()) SendCollected();
    if (!collected_.writes.empty()) AppendCollected();
    MaybeSync();
    for (Peer* peer : round_) peer->Operate();
  }
}

void Node::SendCollected() {
  const size_t count = collected_.messages.size();
  metrics_.sent.Add(count);
  sender_.Send(std::exchange(collected_.messages, {}));
  // The next ones are about as many.
  collected_.messages.reserve(count);
}

void Node::AppendCollected() {
  bool collects = false;
  for (const PeerWrite& write : collected_.writes) {
    const raft::Message& message = write.message;
    raftlog::GroupWrite& group_write = group_writes_.emplace_back();
    group_write.group = write.peer->group();
    group_write.install = message.snapshot;
    group_write.entries = message.entries;
    unsynced_entries_ += message.entries.size();
    group_write.hard_state = {message.term, message.vote, message.commit};
    group_write.snapshot = write.taken;
    group_write.compact_to = write.compact_to;
    group_write.remove = write.remove;
    collects |= write.taken != nullptr || write.remove;
  }
  const Result<wal::LogPosition> appended = log_.Append(group_writes_);
  group_writes_.clear();
  if (appended.ok()) {
    metrics_.appends.Add();
    MaybeWriteAhead(*appended);
    NoteAppended(*appended);
  } else {
    FailAll(appended.status());
  }
  collected_.writes.clear();
  if (!collects || !appended.ok()) return;
  const Status collected = log_.Collect();
  if (!collected.ok()) FailAll(collected);
}

// What is promised for a write waits until it is durable with all that was appended before it.
void Node::NoteAppended(wal::LogPosition end) {
  bool must_sync = false;
  for (PeerWrite& write : collected_.writes) {
    // Also if nothing is promised for it yet.
    if (write.must_sync && !std::exchange(must_sync, true)) {
      unsynced_.push_back({end, {}});
      unsynced_.back().peers.reserve(collected_.writes.size());
    }
    if (!write.promises()) continue;
    Peer* const peer = write.peer;
    const bool durable = unsynced_.empty();
    if (!durable) {
      unsynced_.back().peers.emplace_back(peer, write.remove);
      sync_wanted_ = true;
    }
    peer->Appended(std::move(write));
    if (durable) peer->Stored();
  }
}

void Node::MaybeSync() {
  if (!sync_wanted_ || syncing_) return;
  sync_wanted_ = false;
  syncing_ = true;
  entries_of_sync_ = std::exchange(unsynced_entries_, 0);
  sync_is_due_ = syncs_here_ && entries_of_sync_ <= kFewEntries;
  if (!sync_is_due_) runtime_.Post(Lane::kLog, [this] { SyncLog(); });
}

void Node::SyncLog() {
  const uint64_t begin_us = ClockMicros();
  Result<wal::LogPosition> synced = log_.Sync();
  const uint64_t end_us = ClockMicros();
  metrics_.sync_us.Record(end_us - begin_us);
  {
    const base::MutexLock lock(mu_);
    synced_at_us_ = end_us;
    sync_took_us_ = end_us - begin_us;
    mail_.synced = std::move(synced);
    if (std::exchange(running_, true)) return;
  }
  // The next sync waits for this thread.
  Run(1, /*may_wait=*/false);
}

void Node::NoteSynced(const Result<wal::LogPosition>& synced) {
  syncing_ = false;
  if (!synced.ok()) return FailAll(synced.status());
  mark_is_due_ = true;
  while (!unsynced_.empty() && unsynced_.front().end <= *synced) {
    const Unsynced stored = std::move(unsynced_.front());
    unsynced_.pop_front();
    for (const auto& [peer, removed] : stored.peers) {
      if (removed) {
        Forget(peer);
      } else {
        peer->Stored();
      }
    }
  }
  sync_wanted_ = std::any_of(unsynced_.begin(), unsynced_.end(),
                             [](const Unsynced& unsynced) { return !unsynced.peers.empty(); });
}

// What was promised leaves first.
void Node::MaybeMark() {
  if (!std::exchange(mark_is_due_, false)) return;
  const Status marked = log_.MarkSynced();
  if (!marked.ok()) FailAll(marked);
}

void Node::MaybeWriteAhead(wal::LogPosition end) {
  if (writing_ahead_ || end < write_ahead_at_) return;
  writing_ahead_ = true;
  write_ahead_at_ = {end.segment, end.offset + wal::kWriteAheadBytes};
  runtime_.Post(Lane::kFlush, [this] { WriteAhead(); });
}

void Node::WriteAhead() {
  const Result<bool> done = log_.WriteAhead();
  Call([this, done] {
    writing_ahead_ = false;
    if (!done.ok()) return FailAll(done.status());
    if (*done || stopped_) return;
    writing_ahead_ = true;
    runtime_.Post(Lane::kFlush, [this] { WriteAhead(); });
  });
}

void Node::Publish() {
  if (to_publish_.empty()) return;
  const base::MutexLock lock(status_mu_);
  for (Peer* peer : to_publish_) {
    peer->publishing = false;
    if (peer->published == nullptr) peer->published = &statuses_[peer->group()];
    peer->GetStatus(peer->published);
  }
  to_publish_.clear();
}

}  // namespace nokv::raftnode
