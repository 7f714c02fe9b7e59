#include "sim/metaroot/root_clients.h"

#include <algorithm>
#include <utility>

#include "metaroot/apply.h"
#include "metaroot/state.h"
#include "sim/metaroot/layout_events.h"

namespace nokv::sim {
namespace {

using metaroot::Command;
using metaroot::Event;
using metaroot::State;

constexpr uint64_t kThinkMicros = 60'000;  // between two questions, at most
constexpr uint64_t kDeadlineMs = 3'000;
// Of every lease: who asks again must not make it shorter.
constexpr uint64_t kTtlMs = 400;
constexpr uint64_t kFirstAddress = 100;  // of clients, in the network

// What a client could ask for, most of the time with sense, given what it knows.
class Generator {
 public:
  Generator(base::Random* random, std::string name)
      : random_(*random), layout_(random), name_(std::move(name)) {}

  Command Next(const State& state) {
    Command command;
    const size_t count = random_.OneIn(6) ? 1 + random_.Uniform(3) : 1;
    for (size_t i = 0; i < count; i++) command.events.push_back(One(state));
    if (random_.OneIn(4)) command.expected_revision = state.revision;
    if (random_.OneIn(8)) command.expected_layout_epoch = state.layout_epoch;
    return command;
  }

 private:
  Event One(const State& state) {
    if (state.stores.size() < 3 || state.regions.empty()) return layout_.Next(state);
    const uint64_t kind = random_.Uniform(8);
    if (kind < 2) return metaroot::LeaseGranted{name_, kTtlMs};
    if (kind < 4) return Window(state);
    if (kind == 4 && state.lease.holder == name_ && random_.OneIn(4)) {
      return metaroot::LeaseEnded{state.lease.generation, /*released=*/true};
    }
    return layout_.Next(state);
  }

  metaroot::WindowReserved Window(const State& state) {
    const auto kind = static_cast<metaroot::WindowKind>(random_.Uniform(2));
    const uint64_t from = metaroot::FenceOf(state, kind);
    return {kind, state.lease.generation, from, from + 1 + random_.Uniform(50)};
  }
  base::Random& random_;
  LayoutEvents layout_;
  const std::string name_;
};

}  // namespace

class RootClients::Session final : private metaroot::Listener {
 public:
  Session(RootClients& all, uint64_t number)
      : all_(all),
        random_(all.world_.random().Fork()),
        name_("c" + std::to_string(number)),
        generator_(&random_, name_) {
    metaroot::ClientOptions options;
    options.attempt_ms = 400;
    options.heartbeat_ms = 200;
    // Each begins elsewhere.
    for (uint64_t i = 0; i < RootCluster::kNodes; i++) {
      const uint64_t node = 1 + (number + i) % RootCluster::kNodes;
      options.members.push_back({node, RootCluster::ClientAddress(node)});
    }
    const std::string from = std::to_string(kFirstAddress + number) + ":client";
    client_ = std::make_unique<metaroot::Client>(
        all_.world_.runtime(), options, [this, from](const std::string& address) {
          return all_.cluster_.calls().NewChannel(from, address,
                                                  [this](std::function<void()> task) {
                                                    all_.world_.runtime().Post(
                                                        runtime::Lane::kUrgent, std::move(task));
                                                  },
                                                  {.max_message_bytes = metaroot::kMaxWireBytes});
        });
    client_->Follow(std::nullopt, this);
  }

  void Next() {
    if (all_.world_.now_us() >= all_.end_us_) return;
    const uint64_t floor = all_.history_.Floor();
    const uint64_t asked_us = all_.world_.now_us();
    if (random_.OneIn(4)) return Read(floor, asked_us);
    const Command command = generator_.Next(copy_);
    all_.history_.Asked(command);
    client_->Append(command, kDeadlineMs,
                    [this, floor, asked_us, command](const Result<metaroot::Outcome>& outcome) {
                      Answered(floor, asked_us, command, outcome);
                    });
  }

  const State& copy() const { return copy_; }
  const std::string& name() const { return name_; }

 private:
  void Read(uint64_t floor, uint64_t asked_us) {
    if (random_.OneIn(3)) {
      return client_->GetState(metaroot::Consistency::kStrong, kDeadlineMs,
                               [this, floor, asked_us](const Result<State>& state) {
                                 if (state.ok()) all_.history_.Saw(floor, state->revision);
                                 Done(asked_us, state.ok());
                               });
    }
    client_->Confirm(kDeadlineMs, [this, floor, asked_us](const Result<metaroot::StateHead>& head) {
      if (head.ok()) all_.history_.Saw(floor, head->revision);
      Done(asked_us, head.ok());
    });
  }

  void Answered(uint64_t floor, uint64_t asked_us, const Command& command,
                const Result<metaroot::Outcome>& outcome) {
    const uint64_t now_us = all_.world_.now_us();
    if (outcome.ok() && outcome->status.ok()) {
      all_.world_.Note("taken", {outcome->head.revision, outcome->applied}, name_);
      all_.history_.Took(floor, asked_us, now_us, command, *outcome);
    } else if (outcome.ok()) {
      all_.refused_++;
      all_.history_.Saw(floor, outcome->head.revision);
    }
    Done(asked_us, outcome.ok());
  }

  void Done(uint64_t asked_us, bool answered) {
    if (answered) {
      all_.acknowledged_++;
      all_.answers_.emplace_back(asked_us, all_.world_.now_us());
    } else {
      all_.unknown_++;
    }
    all_.world_.After(random_.Uniform(kThinkMicros), [this] { Next(); });
  }

  // Listener.
  void OnState(State state) override {
    all_.reloads_++;
    copy_ = std::move(state);
  }
  Status OnEvents(std::vector<metaroot::TailEvent> events) override {
    for (const metaroot::TailEvent& event : events) {
      all_.history_.Told(event);
      metaroot::Edit edit(&copy_);
      const auto effect = metaroot::Apply(event.event, &edit);
      if (!effect.ok() || copy_.revision != event.revision) {
        const std::string what = name_ + " was told of revision " + std::to_string(event.revision) +
                                 ", which does not follow";
        all_.cluster_.Violated(what);
        return Status::Internal(what);
      }
      edit.Keep();
    }
    return Status::Ok();
  }
  void OnHeartbeat(uint64_t revision) override {
    if (revision != copy_.revision) all_.cluster_.Violated(name_ + " was not told everything");
  }
  void OnLost(const Status& why) override { all_.world_.Note("lost", {}, why.message()); }

  RootClients& all_;
  base::Random random_;
  const std::string name_;
  Generator generator_;
  State copy_;
  std::unique_ptr<metaroot::Client> client_;
};

RootClients::RootClients(World& world, RootCluster& cluster, RootHistory& history, size_t clients)
    : world_(world), cluster_(cluster), history_(history) {
  for (uint64_t i = 0; i < clients; i++) sessions_.push_back(std::make_unique<Session>(*this, i));
}

RootClients::~RootClients() = default;

void RootClients::Run(uint64_t end_us) {
  end_us_ = end_us;
  for (const auto& session : sessions_) session->Next();
}

std::optional<uint64_t> RootClients::FirstAnswerSince(uint64_t since_us) const {
  std::optional<uint64_t> first;
  for (const auto& [asked, answered] : answers_) {
    if (asked >= since_us) first = std::min(first.value_or(answered), answered);
  }
  return first;
}

std::string RootClients::Divergence(const State& state) const {
  std::string text;
  for (const auto& session : sessions_) {
    if (session->copy() == state) continue;
    text += (text.empty() ? "" : ", ") + session->name() + " is at revision " +
            std::to_string(session->copy().revision) + " of " + std::to_string(state.revision);
  }
  return text;
}

}  // namespace nokv::sim
