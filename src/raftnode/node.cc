#include "raftnode/node.h"

#include <algorithm>

#include "base/macros.h"
#include "base/random.h"

namespace nokv::raftnode {
namespace {

using runtime::Lane;

// A thread that brings messages has others to bring.
constexpr int kPassesOfReceiver = 4;

uint64_t BytesOf(const raft::Message& message) {
  return sizeof(Envelope) + raft::PayloadSize(message.entries) + message.context.size() +
         (message.snapshot != nullptr ? message.snapshot->data.size() : 0);
}

}  // namespace

Node::Node(runtime::Runtime& runtime, raftlog::RaftLog& log, Sender& sender,
           const NodeOptions& options)
    : runtime_(runtime),
      log_(log),
      sender_(sender),
      options_(options),
      own_registry_(options.registry == nullptr ? std::make_unique<metrics::Registry>() : nullptr),
      metrics_(options.registry == nullptr ? *own_registry_ : *options.registry),
      next_number_(options.seed),
      next_tick_us_(runtime.clock().MonotonicMicros() + options.tick_us) {}

Node::~Node() = default;

template <typename Fill>
bool Node::Put(const Fill& fill) {
  const base::MutexLock lock(mu_);
  if (ended_) return false;
  fill(&mail_);
  return !std::exchange(running_, true);
}

void Node::PostRun() {
  runtime_.Post(Lane::kUrgent, [this] { Run(kNoLimit, /*may_wait=*/false); });
}

void Node::Call(runtime::Task task) {
  if (Put([&task](Mail* mail) { mail->calls.push_back(std::move(task)); })) PostRun();
}

void Node::Receive(std::vector<Envelope> messages) {
  metrics_.received.Add(messages.size());
  uint64_t all_bytes = 0;
  for (const Envelope& envelope : messages) all_bytes += BytesOf(envelope.message);
  uint64_t dropped = 0;
  const bool run = Put([&](Mail* mail) {
    if (mail->messages.empty() && messages.size() <= options_.max_queued_messages &&
        all_bytes <= options_.max_queued_message_bytes) {
      mail->message_bytes = all_bytes;
      return mail->messages.swap(messages);
    }
    for (Envelope& envelope : messages) {
      const uint64_t bytes = BytesOf(envelope.message);
      if (mail->messages.size() >= options_.max_queued_messages ||
          mail->message_bytes + bytes > options_.max_queued_message_bytes) {
        dropped++;
        continue;
      }
      mail->message_bytes += bytes;
      mail->messages.push_back(std::move(envelope));
    }
  });
  if (dropped > 0) metrics_.Dropped(Drop::kQueueFull, dropped);
  if (run) Run(kPassesOfReceiver, options_.callers_may_wait);
}

Refusal Node::TakeLocked(std::vector<Request> Mail::* queue, Request* request) {
  if (ended_) return Refusal::kStopped;
  const uint64_t bytes = sizeof(Request) + request->data.size();
  if (mail_.proposals.size() + mail_.reads.size() >= options_.max_queued_requests ||
      mail_.request_bytes + bytes > options_.max_queued_request_bytes) {
    return Refusal::kBusy;
  }
  mail_.request_bytes += bytes;
  (mail_.*queue).push_back(std::move(*request));
  return Refusal::kNone;
}

void Node::Ask(std::vector<Request> Mail::* queue, std::vector<Request> requests) {
  std::vector<std::pair<OutcomeDone, Refusal>> refused;
  bool runs = true;
  bool here = false;
  {
    const base::MutexLock lock(mu_);
    for (Request& request : requests) {
      const Refusal refusal = TakeLocked(queue, &request);
      if (refusal != Refusal::kNone) refused.emplace_back(std::move(request.done), refusal);
    }
    if (refused.size() < requests.size()) runs = std::exchange(running_, true);
    // Otherwise what comes meanwhile shares the pass of another thread.
    here = !runs && options_.callers_may_wait && !syncing_ && LittleIsUnderWayLocked();
  }
  for (const auto& [done, why] : refused) RefuseAtOnce(done, why);
  if (here) return Run(kPassesOfReceiver, /*may_wait=*/true);
  if (!runs) PostRun();
}

void Node::RefuseAtOnce(const OutcomeDone& done, Refusal why) {
  metrics_.Refused(why);
  if (!done) return;
  Outcome outcome;
  outcome.refusal = why;
  done(std::move(outcome));
}

void Node::Propose(GroupId group, raft::Payload data, OutcomeDone done) {
  std::vector<Request> proposals;
  proposals.push_back({group, std::move(data), std::move(done)});
  Ask(&Mail::proposals, std::move(proposals));
}

void Node::Propose(std::vector<Request> proposals) {
  Ask(&Mail::proposals, std::move(proposals));
}

void Node::Read(GroupId group, OutcomeDone done) {
  std::vector<Request> reads;
  reads.push_back({.group = group, .done = std::move(done)});
  Ask(&Mail::reads, std::move(reads));
}

void Node::ProposeConfChange(GroupId group, raft::ConfChange change, OutcomeDone done) {
  Call([this, group, change = std::move(change), done = std::move(done)] {
    if (Peer* peer = Find(group)) return peer->ProposeConfChange(change, done);
    RefuseAtOnce(done, Refusal::kNoGroup);
  });
}

void Node::Campaign(GroupId group) {
  Call([this, group] {
    if (Peer* peer = Find(group)) peer->Campaign();
  });
}

void Node::TransferLeader(GroupId group, raft::NodeId to) {
  Call([this, group, to] {
    if (Peer* peer = Find(group)) peer->TransferLeader(to);
  });
}

void Node::ReportUnreachable(GroupId group, raft::NodeId to) {
  Call([this, group, to] {
    if (Peer* peer = Find(group)) peer->ReportUnreachable(to);
  });
}

void Node::ReportSnapshot(GroupId group, raft::NodeId to, bool arrived) {
  Call([this, group, to, arrived] {
    if (Peer* peer = Find(group)) peer->ReportSnapshot(to, arrived);
  });
}

void Node::Inspect(GroupId group, std::function<void(std::optional<raft::FullStatus>)> done) {
  Call([this, group, done = std::move(done)] {
    Peer* peer = Find(group);
    done(peer != nullptr && peer->failure().ok() ? std::optional(peer->GetFullStatus())
                                                 : std::nullopt);
  });
}

std::optional<GroupStatus> Node::GetStatus(GroupId group) const {
  const base::MutexLock lock(status_mu_);
  const auto found = statuses_.find(group);
  return found == statuses_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<GroupId> Node::Groups() const {
  const base::MutexLock lock(status_mu_);
  std::vector<GroupId> groups;
  for (const auto& [group, status] : statuses_) groups.push_back(group);
  return groups;
}

Peer* Node::Find(GroupId group) {
  const auto found = by_group_.find(group);
  return found == by_group_.end() || found->second->removed() ? nullptr : found->second;
}

void Node::Touch(Peer* peer) {
  if (std::exchange(peer->touched, true)) return;
  touched_.push_back(peer);
}

void Node::AddGroup(GroupOptions options, Done done) {
  Call([this, options = std::move(options), done = std::move(done)] { done(Add(options)); });
}

Status Node::Add(const GroupOptions& options) {
  if (stopped_) return Status::Closed("the driver of raft groups");
  if (peers_.contains(options.group)) {
    return Status::AlreadyExists("raft group " + std::to_string(options.group) + " has member " +
                                 std::to_string(peers_.at(options.group)->id()) + " here");
  }
  PeerHost& host = *this;
  auto peer = std::make_unique<Peer>(host, options);
  const Status opened = peer->Open();
  if (!opened.ok()) {
    std::erase(touched_, peer.get());
    return opened.Prefixed("raft group " + std::to_string(options.group));
  }
  by_group_.emplace(options.group, peer.get());
  peers_.emplace(options.group, std::move(peer));
  metrics_.groups.Add(1);
  return Status::Ok();
}

void Node::RemoveGroup(GroupId group, Done done) {
  Call([this, group, done = std::move(done)] {
    Peer* peer = Find(group);
    if (peer != nullptr) return peer->Remove(done);
    done(Status::NotFound("raft group " + std::to_string(group) + " has no member here"));
  });
}

// The member is gone from the log.
void Node::Forget(Peer* peer) {
  std::erase(touched_, peer);
  std::erase(to_publish_, peer);
  {
    const base::MutexLock lock(status_mu_);
    statuses_.erase(peer->group());
  }
  metrics_.groups.Add(-1);
  metrics_.stopped_groups.Add(-1);
  by_group_.erase(peer->group());
  const auto gone = peers_.extract(peer->group());
  peer->FinishRemoval();
}

void Node::FailAll(const Status& status) {
  for (const auto& [group, peer] : peers_) {
    peer->Fail(status);
    Touch(peer.get());
  }
}

void Node::Stop(runtime::Task stopped) {
  Call([this, stopped = std::move(stopped)] {
    stopped_ = stopped;
    FailAll(Status::Closed("the driver of raft groups"));
    if (timer_armed_ && runtime_.Cancel(timer_)) timer_armed_ = false;
  });
}

}  // namespace nokv::raftnode
