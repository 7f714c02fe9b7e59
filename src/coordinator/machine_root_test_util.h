// MachineRoot: the metadata root as one state machine in this process, for tests of what uses it.
// It can be made silent, to lose answers, and to end the lease as the root's leader does.
//
// Thread safety: owned by one thread, that of a SimRuntime.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/root.h"
#include "runtime/runtime.h"

namespace nokv::coordinator {

class MachineRoot final : public Root {
 public:
  explicit MachineRoot(runtime::Runtime& runtime) : runtime_(runtime) {}

  void Append(const metaroot::Command& command, Appended done) override {
    appends++;
    Later([this, command, done = std::move(done)] {
      if (silent) return done(Status::Unavailable("the root is silent"));
      const metaroot::Outcome outcome = Take(command);
      if (lose_answers) return done(Status::Unavailable("the answer was lost"));
      done(outcome);
    });
  }
  void Confirm(Confirmed done) override {
    Later([this, done = std::move(done)] {
      if (silent) return done(Status::Unavailable("the root is silent"));
      done(machine_.state().revision);
    });
  }
  void ListEvents(uint64_t after_revision, Listed done) override {
    Later([this, after_revision, done = std::move(done)] {
      if (silent) return done(Status::Unavailable("the root is silent"));
      std::vector<metaroot::TailEvent> events;
      for (const metaroot::TailEvent& event : machine_.tail()) {
        if (event.revision > after_revision && events.size() < 3) events.push_back(event);
      }
      done(std::move(events));
    });
  }
  void Watch(std::shared_ptr<RootWatcher> watcher) override {
    Later([this, watcher] {
      watcher->OnState(machine_.state());
      watcher->OnHeard(machine_.state().revision);
      watchers_.push_back(watcher);
    });
  }
  std::vector<RootMember> Members() const override {
    return {
        {.node = 1, .addr = "root:1", .reachable = !silent, .leader = !silent, .follows = !silent}};
  }

  // At once, as somebody else.
  metaroot::Outcome Take(const metaroot::Command& command) {
    const uint64_t before = machine_.state().revision;
    metaroot::Outcome outcome = machine_.Apply(metaroot::EncodeCommand(command));
    const auto events = machine_.EventsAfter(before);
    if (!mute) {
      for (const auto& watcher : watchers_) {
        Later([this, watcher, events = **events, revision = machine_.state().revision] {
          if (!watcher->OnEvents(events).ok()) watcher->OnState(machine_.state());
          watcher->OnHeard(revision);
        });
      }
    }
    return outcome;
  }
  // What the root's leader does when the time of the lease has passed.
  void EndLease() {
    const metaroot::Lease lease = machine_.state().lease;
    (void)Take({.events = {metaroot::LeaseEnded{.generation = lease.generation,
                                                .released = false,
                                                .granted_revision = lease.granted_revision}}});
  }
  void Create() { (void)Take({.events = {metaroot::ClusterCreated{77}}}); }
  void SetSilent(bool on) {
    silent = on;
    for (const auto& watcher : watchers_) {
      on ? watcher->OnSilence(Status::Unavailable("the root is silent"))
         : watcher->OnHeard(machine_.state().revision);
    }
  }
  // Tells watchers what they were not told while it was mute.
  void Unmute() {
    mute = false;
    for (const auto& watcher : watchers_) watcher->OnState(machine_.state());
  }
  const metaroot::State& state() const { return machine_.state(); }

  bool silent = false;
  bool lose_answers = false;
  bool mute = false;  // watchers are told nothing
  uint64_t appends = 0;
  uint64_t answers_after_us = 1'000;

 private:
  void Later(runtime::Task task) {
    runtime_.PostAfter(runtime::Lane::kLog, answers_after_us, std::move(task));
  }

  runtime::Runtime& runtime_;
  metaroot::Machine machine_;
  std::vector<std::shared_ptr<RootWatcher>> watchers_;
};

}  // namespace nokv::coordinator
