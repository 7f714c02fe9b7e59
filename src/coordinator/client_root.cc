#include "coordinator/client_root.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace nokv::coordinator {

// Asks each member again and again how it is.
class ClientRoot::Poll : public std::enable_shared_from_this<Poll> {
 public:
  Poll(runtime::Runtime& runtime, const ClientRootOptions& options)
      : runtime_(runtime), options_(options) {
    base::MutexLock lock(mu_);
    for (const metaroot::RootMember& member : options_.members) {
      members_[member.node] = {.node = member.node,
                               .addr = member.address,
                               .reachable = false,
                               .leader = false,
                               .follows = false,
                               .revision = 0,
                               .no_root = false,
                               .problem = "it was not asked yet"};
      named_[member.node] = 0;
    }
  }

  // `client` is borrowed until Stop.
  void Start(metaroot::Client* client) {
    {
      base::MutexLock lock(mu_);
      client_ = client;
    }
    for (const metaroot::RootMember& member : options_.members) Ask(member.node);
  }
  void Stop() {
    base::MutexLock lock(mu_);
    client_ = nullptr;
  }
  std::vector<RootMember> Members() const {
    base::MutexLock lock(mu_);
    std::vector<RootMember> members;
    const uint64_t leader = LeaderLocked();
    for (const auto& [node, member] : members_) {
      members.push_back(member);
      members.back().leader = node == leader;
      members.back().follows = member.reachable && leader != 0 && named_.at(node) == leader;
    }
    return members;
  }

 private:
  // Whom most of those that answer call the leader; 0: nobody. It may be out of reach from here
  // itself; and one that has just started, or was cut off, knows nothing or what was before.
  uint64_t LeaderLocked() const REQUIRES(mu_) {
    std::map<uint64_t, int> votes;
    for (const auto& [node, leader] : named_) {
      if (leader != 0) votes[leader]++;
    }
    const auto most =
        std::max_element(votes.begin(), votes.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == votes.end() ? 0 : most->first;
  }

  void Ask(uint64_t node) {
    base::MutexLock lock(mu_);
    if (client_ == nullptr) return;
    // Whoever is out of time, as a process is that stood still, is answered from inside.
    client_->GetStatus(node, options_.poll_ms,
                       [weak = weak_from_this(), node](const Result<metaroot::NodeStatus>& status) {
                         const auto self = weak.lock();
                         if (self == nullptr) return;
                         self->runtime_.Post(runtime::Lane::kLog, [weak, node, status] {
                           if (const auto later = weak.lock()) later->Answered(node, status);
                         });
                       });
  }

  void Answered(uint64_t node, const Result<metaroot::NodeStatus>& status) {
    // Whoever comes back, or finds a leader, is seen soon.
    const bool well = status.ok() && status->waits_for.empty();
    const uint64_t pause_ms = well ? options_.poll_ms : options_.poll_ms / 4;
    {
      base::MutexLock lock(mu_);
      RootMember& member = members_[node];
      member.reachable = status.ok();
      if (status.ok()) member.revision = status->head.revision;
      named_[node] = status.ok() ? status->leader : 0;
      member.problem = status.ok() ? status->waits_for : std::string(status.status().message());
      member.no_root = status.status().code() == StatusCode::kUnimplemented ||
                       (status.ok() && status->node != node);
      if (member.no_root) {
        member.problem = status.ok() ? "member " + std::to_string(status->node) + " answers there"
                                     : "it is no member of a metadata root";
      }
    }
    runtime_.PostAfter(runtime::Lane::kLog, pause_ms * 1000, [weak = weak_from_this(), node] {
      if (const auto self = weak.lock()) self->Ask(node);
    });
  }

  runtime::Runtime& runtime_;
  const ClientRootOptions options_;
  mutable base::Mutex mu_;
  metaroot::Client* client_ GUARDED_BY(mu_) = nullptr;
  std::map<uint64_t, RootMember> members_ GUARDED_BY(mu_);
  std::map<uint64_t, uint64_t> named_ GUARDED_BY(mu_);  // by each, as the leader; 0: nobody
};

class ClientRoot::Adapter final : public metaroot::Listener {
 public:
  explicit Adapter(std::shared_ptr<RootWatcher> watcher) : watcher_(std::move(watcher)) {}

  void OnState(metaroot::State state) override { watcher_->OnState(std::move(state)); }
  Status OnEvents(std::vector<metaroot::TailEvent> events) override {
    return watcher_->OnEvents(events);
  }
  void OnHeartbeat(uint64_t revision) override { watcher_->OnHeard(revision); }
  void OnLost(const Status& why) override { watcher_->OnSilence(why); }

 private:
  const std::shared_ptr<RootWatcher> watcher_;
};

ClientRoot::ClientRoot(runtime::Runtime& runtime, const ClientRootOptions& options,
                       const rpc::Dial& dial)
    : options_(options),
      poll_(std::make_shared<Poll>(runtime, options)),
      client_(
          runtime,
          metaroot::ClientOptions{.members = options.members, .heartbeat_ms = options.refresh_ms},
          dial) {
  poll_->Start(&client_);
}

ClientRoot::~ClientRoot() {
  poll_->Stop();
}

void ClientRoot::Append(const metaroot::Command& command, Appended done) {
  client_.Append(command, options_.append_ms, std::move(done));
}

void ClientRoot::Confirm(Confirmed done) {
  client_.Confirm(options_.confirm_ms,
                  [done = std::move(done)](const Result<metaroot::StateHead>& head) {
                    if (!head.ok()) return done(head.status());
                    done(head->revision);
                  });
}

void ClientRoot::ListEvents(uint64_t after_revision, Listed done) {
  client_.ListEvents(after_revision, 0, options_.list_ms,
                     [done = std::move(done)](const Result<metaroot::EventList>& list) {
                       if (!list.ok()) return done(list.status());
                       done(list->events);
                     });
}

void ClientRoot::Watch(std::shared_ptr<RootWatcher> watcher) {
  adapter_ = std::make_unique<Adapter>(std::move(watcher));
  client_.Follow(std::nullopt, adapter_.get());
}

std::vector<RootMember> ClientRoot::Members() const {
  return poll_->Members();
}

}  // namespace nokv::coordinator
