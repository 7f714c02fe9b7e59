#include "sim/control/control_cluster.h"

#include <map>
#include <utility>

namespace nokv::sim {
namespace {

constexpr uint64_t kHandOverMicros = 200'000;
constexpr uint64_t kAnswerMicros = 600'000;  // until an answer is given up
constexpr uint64_t kPollMicros = 100'000;
constexpr uint64_t kSilenceMicros = 500'000;

}  // namespace

// The root as a coordinator has it: over the network, so that questions and answers are lost, late
// and repeated.
class ControlCluster::WireRoot final : public coordinator::Root {
 public:
  WireRoot(ControlCluster& cluster, size_t number)
      : cluster_(cluster), number_(number), runtime_(cluster.slots_[number].machine->runtime()) {}

  void Append(const metaroot::Command& command, Appended done) override {
    const uint64_t id = Wait([done](const Status& why) { done(why); });
    cluster_.CallRoot(number_, [this, id, command, done](IdealRoot& root, uint64_t now_us) {
      const metaroot::Outcome outcome = root.Append(command, now_us);
      return [this, id, outcome, done] {
        if (End(id)) done(outcome);
      };
    });
  }
  void Confirm(Confirmed done) override {
    const uint64_t id = Wait([done](const Status& why) { done(why); });
    cluster_.CallRoot(number_, [this, id, done](IdealRoot& root, uint64_t) {
      return [this, id, revision = root.state().revision, done] {
        if (End(id)) done(revision);
      };
    });
  }
  void ListEvents(uint64_t after_revision, Listed done) override {
    const uint64_t id = Wait([done](const Status& why) { done(why); });
    cluster_.CallRoot(number_, [this, id, after_revision, done](IdealRoot& root, uint64_t) {
      return [this, id, events = root.Kept(after_revision), done] {
        if (End(id)) done(events);
      };
    });
  }
  void Watch(std::shared_ptr<coordinator::RootWatcher> watcher) override {
    watcher_ = std::move(watcher);
    Poll();
  }
  std::vector<coordinator::RootMember> Members() const override {
    return {{.node = 1, .addr = "root", .reachable = !silent_, .leader = !silent_}};
  }

 private:
  uint64_t Wait(std::function<void(const Status&)> give_up) {
    const uint64_t id = next_++;
    const runtime::TimerId timer =
        runtime_.PostAfter(runtime::Lane::kUrgent, kAnswerMicros, [this, id, give_up] {
          waiting_.erase(id);
          give_up(Status::Unavailable("the root does not answer"));
        });
    waiting_.emplace(id, timer);
    return id;
  }
  // False: it was given up, or answered.
  bool End(uint64_t id) {
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return false;
    runtime_.Cancel(found->second);
    waiting_.erase(found);
    return true;
  }

  void Poll() {
    const uint64_t now_us = runtime_.clock().MonotonicMicros();
    if (now_us > heard_us_ + kSilenceMicros && !silent_) {
      silent_ = true;
      watcher_->OnSilence(Status::Unavailable("the root does not answer"));
    }
    cluster_.CallRoot(number_, [this, after = revision_](IdealRoot& root, uint64_t) {
      auto events = after == 0 ? std::nullopt : root.EventsAfter(after);
      return [this, after, events = std::move(events), state = root.state()] {
        Told(after, events, state);
      };
    });
    runtime_.PostAfter(runtime::Lane::kUrgent, kPollMicros, [this] { Poll(); });
  }
  void Told(uint64_t after, const std::optional<std::vector<metaroot::TailEvent>>& events,
            const metaroot::State& state) {
    heard_us_ = runtime_.clock().MonotonicMicros();
    silent_ = false;
    // Answers that were overtaken say nothing new.
    if (after != revision_) return;
    if (!events.has_value()) {
      watcher_->OnState(state);
    } else if (!events->empty()) {
      if (!watcher_->OnEvents(*events).ok()) return (void)(revision_ = 0);
    }
    revision_ = state.revision;
    watcher_->OnHeard(revision_);
  }

  ControlCluster& cluster_;
  const size_t number_;
  ProcessRuntime& runtime_;
  std::shared_ptr<coordinator::RootWatcher> watcher_;
  std::map<uint64_t, runtime::TimerId> waiting_;
  uint64_t next_ = 1;
  uint64_t revision_ = 0;
  uint64_t heard_us_ = 0;
  bool silent_ = true;
};

ControlCluster::ControlCluster(World& world, Network& network, const ControlOptions& options)
    : world_(world), network_(network), random_(world.random().Fork()), options_(options) {
  slots_.resize(kMachines);
  for (size_t i = 0; i < slots_.size(); i++) {
    slots_[i].machine = std::make_unique<Machine>(world_, i + 1);
    // For good: less than what leases allow for.
    slots_[i].machine->clock().SetRate(980 + random_.Uniform(41));
  }
}

ControlCluster::~ControlCluster() {
  for (size_t i = 0; i < slots_.size(); i++) Stop(i, End::kKill, Machine::Loss::kNothing);
}

void ControlCluster::Begin() {
  RestartAll();
}

void ControlCluster::Start(size_t number) {
  Slot& slot = slots_[number];
  slot.machine->Start();
  slot.process = next_process_++;
  world_.Note("start", {slot.machine->id(), slot.process});
  if (number == kRoot) {
    root_.Restarted(slot.machine->clock().MonotonicMicros());
    return;
  }
  coordinator::CoordinatorOptions options;
  options.allocator = {.holder = {.id = "c" + std::to_string(number),
                                  .addr = std::to_string(number),
                                  .incarnation = std::to_string(slot.process)},
                       .lease_ttl_ms = options_.lease_ttl_ms,
                       .lease_renew_before_ms = options_.lease_ttl_ms / 3,
                       .id_window = options_.id_window,
                       .timestamp_window_ms = options_.timestamp_window_ms,
                       .seed = random_.Next()};
  slot.root = std::make_unique<WireRoot>(*this, number);
  slot.coordinator = coordinator::Coordinator::Make(
      options, {*slot.root, slot.machine->runtime(), base::NullLogger()});
  slot.coordinator->Start();
}

std::optional<size_t> ControlCluster::leader() {
  for (size_t i = 0; i < slots_.size(); i++) {
    if (slots_[i].coordinator == nullptr) continue;
    if (slots_[i].coordinator->allocator().status().holds) return i;
  }
  return std::nullopt;
}

void ControlCluster::Stop(size_t number, End end, Machine::Loss loss) {
  Slot& slot = slots_[number];
  if (slot.process == 0) return;
  world_.Note("stop", {slot.machine->id(), slot.process, static_cast<uint64_t>(end)});
  slot.process = 0;
  slot.coordinator = nullptr;
  slot.root = nullptr;
  if (end == End::kKill) {
    slot.machine->EndByKill();
  } else {
    slot.machine->EndByPowerLoss(loss);
  }
}

void ControlCluster::Restart(size_t number) {
  if (slots_[number].process == 0) Start(number);
}

void ControlCluster::HandOver(size_t number) {
  const uint64_t process = slots_[number].process;
  if (number == kRoot || process == 0) return;
  slots_[number].machine->runtime().Arrive(
      [this, number] { slots_[number].coordinator->Stop([] {}); });
  world_.After(kHandOverMicros, [this, number, process] {
    if (Running(number, process) == nullptr) return;
    Stop(number, End::kKill, Machine::Loss::kNothing);
    Restart(number);
  });
}

void ControlCluster::RestartAll() {
  for (size_t i = 0; i < slots_.size(); i++) Restart(i);
}

ControlCluster::Slot* ControlCluster::Running(size_t number, uint64_t process) {
  Slot& slot = slots_[number];
  return slot.process != 0 && slot.process == process ? &slot : nullptr;
}

void ControlCluster::Ask(Network::Address from, size_t number, AskCoordinator ask) {
  network_.Send(from, slots_[number].machine->id(), [this, number, ask = std::move(ask)] {
    Slot& slot = slots_[number];
    if (slot.process == 0) return;
    slot.machine->runtime().Arrive(
        [this, number, ask] { ask(*slots_[number].coordinator, slots_[number].process); });
  });
}

void ControlCluster::CallRoot(size_t number, AskRoot ask) {
  const Network::Address from = slots_[number].machine->id();
  const Network::Address to = slots_[kRoot].machine->id();
  const uint64_t process = slots_[number].process;
  network_.Send(from, to, [this, number, process, from, to, ask = std::move(ask)] {
    if (slots_[kRoot].process == 0) return;
    slots_[kRoot].machine->runtime().Arrive([this, number, process, from, to, ask] {
      // Only functions of the process go back, and only to it.
      const auto answer = ask(root_, slots_[kRoot].machine->clock().MonotonicMicros());
      network_.Send(to, from, [this, number, process, answer] {
        Slot* slot = Running(number, process);
        if (slot != nullptr) slot->machine->runtime().Arrive(answer);
      });
    });
  });
}

std::string ControlCluster::Divergence() {
  std::string text;
  const metaroot::State& wanted = root_.state();
  for (const Slot& slot : slots_) {
    if (slot.coordinator == nullptr) continue;
    const bool same = slot.coordinator->catalog().Read([&](const coordinator::Catalog::Now& now) {
      const metaroot::State& copy = now.view.root();
      // Leases are renewed all the time; what clients publish has ended long ago.
      return copy.revision == wanted.revision ? copy == wanted : copy.stores == wanted.stores;
    });
    if (!same) text += " process " + std::to_string(slot.process);
  }
  return text;
}

}  // namespace nokv::sim
