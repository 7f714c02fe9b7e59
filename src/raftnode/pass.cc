// The passes of a node, and the syncs between them.
#include <algorithm>

#include "raftnode/node.h"

namespace nokv::raftnode {
namespace {

using runtime::Lane;

// Ticks that are made up for at once: who stood still for longer knows nothing any more anyway.
constexpr uint64_t kMaxTicks = 200;
// After each so many bytes the next part of the log is written ahead.
constexpr uint64_t kWriteAheadStep = 1 << 20;
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
  return entries_of_sync_ <= kFewEntries && now_us() - synced_at_us_ >= sync_took_us_ / kPauseShare;
}

void Node::Run(int passes, bool may_wait) {
  while (true) {
    Mail mail;
    {
      const base::MutexLock lock(mu_);
      std::swap(mail, mail_);
      syncs_here_ = may_wait && LittleIsUnderWayLocked();
    }
    const Node* const outer = std::exchange(in_pass, this);
    Pass(std::move(mail));
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

void Node::Pass(Mail mail) {
  metrics_.passes.Add();
  // Before anything is answered: a process that stood still must not go by its old view of time.
  GiveTicks();
  Deliver(&mail);
  RunTouched();
  MaybeMark();
  Publish();
  if (!stopped_) ArmTimer();
}

void Node::GiveTicks() {
  const uint64_t now = now_us();
  for (uint64_t ticks = 0; next_tick_us_ <= now; ticks++) {
    next_tick_us_ += options_.tick_us;
    if (ticks >= kMaxTicks) continue;
    for (const auto& [group, peer] : peers_) peer->Tick();
  }
}

void Node::ArmTimer() {
  if (timer_armed_) return;
  timer_armed_ = true;
  const uint64_t now = now_us();
  timer_ = runtime_.PostAfter(Lane::kUrgent, next_tick_us_ > now ? next_tick_us_ - now : 0,
                              [this] { Call([this] { timer_armed_ = false; }); });
}

void Node::Deliver(Mail* mail) {
  if (mail->synced) NoteSynced(*mail->synced);
  for (const runtime::Task& call : mail->calls) call();
  for (Envelope& envelope : mail->messages) {
    if (Peer* peer = Find(envelope.group)) {
      peer->Step(std::move(envelope.message));
    } else if (options_.unknown_group && !stopped_) {
      options_.unknown_group(envelope);
    } else {
      metrics_.Dropped(Drop::kUnknownGroup);
    }
  }
  for (Request& request : mail->proposals) {
    if (Peer* peer = Find(request.group)) {
      peer->Propose({std::move(request.data), std::move(request.done)});
    } else {
      RefuseAtOnce(request.done, Refusal::kNoGroup);
    }
  }
  for (Request& request : mail->reads) {
    if (Peer* peer = Find(request.group)) {
      peer->Read(std::move(request.done));
    } else {
      RefuseAtOnce(request.done, Refusal::kNoGroup);
    }
  }
}

void Node::RunTouched() {
  while (!touched_.empty()) {
    const std::vector<Peer*> peers = std::exchange(touched_, {});
    Collected collected;
    for (Peer* peer : peers) {
      peer->touched = false;
      peer->Collect(&collected);
    }
    if (!collected.messages.empty()) {
      metrics_.sent.Add(collected.messages.size());
      sender_.Send(std::move(collected.messages));
    }
    if (!collected.writes.empty()) Append(std::move(collected.writes));
    MaybeSync();
    for (Peer* peer : peers) peer->Operate();
    to_publish_.insert(to_publish_.end(), peers.begin(), peers.end());
  }
}

void Node::Append(std::vector<PeerWrite> writes) {
  std::vector<raftlog::GroupWrite> group_writes;
  group_writes.reserve(writes.size());
  bool collects = false;
  for (const PeerWrite& write : writes) {
    const raft::Message& message = write.message;
    raftlog::GroupWrite& group_write = group_writes.emplace_back();
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
  const Result<wal::LogPosition> appended = log_.Append(group_writes);
  if (!appended.ok()) return FailAll(appended.status());
  metrics_.appends.Add();
  MaybeWriteAhead(*appended);

  NoteAppended(*appended, &writes);
  if (!collects) return;
  const Status collected = log_.Collect();
  if (!collected.ok()) FailAll(collected);
}

// What is promised for a write waits until it is durable with all that was appended before it.
void Node::NoteAppended(wal::LogPosition end, std::vector<PeerWrite>* writes) {
  bool must_sync = false;
  for (PeerWrite& write : *writes) {
    // Also if nothing is promised for it yet.
    if (write.must_sync && !std::exchange(must_sync, true)) unsynced_.push_back({end, {}});
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
  const uint64_t begin_us = now_us();
  Result<wal::LogPosition> synced = log_.Sync();
  const uint64_t end_us = now_us();
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
  write_ahead_at_ = {end.segment, end.offset + kWriteAheadStep};
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
  for (const Peer* peer : to_publish_) statuses_[peer->group()] = peer->GetStatus();
  to_publish_.clear();
}

}  // namespace nokv::raftnode
