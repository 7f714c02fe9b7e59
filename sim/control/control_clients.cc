#include "sim/control/control_clients.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace nokv::sim {
namespace {

constexpr uint64_t kFirstAddress = 1'000;
constexpr uint64_t kThinkMicros = 40'000;  // between two requests, at most
constexpr uint64_t kPatienceMicros = 700'000;
constexpr uint64_t kMaxCount = 100;
constexpr uint64_t kStores = 40;

}  // namespace

ControlClients::ControlClients(World& world, ControlCluster& cluster, size_t clients)
    : world_(world), cluster_(cluster), random_(world.random().Fork()) {
  sessions_.resize(clients);
  for (size_t i = 0; i < clients; i++) sessions_[i].address = kFirstAddress + i;
}

void ControlClients::Run(uint64_t end_us) {
  end_us_ = end_us;
  for (size_t i = 0; i < sessions_.size(); i++) Next(i);
}

void ControlClients::Next(size_t client) {
  world_.After(1 + random_.Uniform(kThinkMicros), [this, client] {
    if (world_.now_us() >= end_us_) return;
    Session& session = sessions_[client];
    session.request++;
    session.invoked_us = world_.now_us();
    session.waiting = true;
    world_.After(kPatienceMicros, [this, client, request = session.request] {
      if (sessions_[client].request == request && sessions_[client].waiting) End(client, false);
    });
    const uint64_t kind = random_.Uniform(10);
    if (kind < 7) {
      AskNumbers(client, kind < 4);
    } else if (kind < 8) {
      Publish(client);
    } else {
      Route(client);
    }
  });
}

void ControlClients::Answer(size_t client, uint64_t request, size_t from,
                            std::function<void(bool)> take) {
  cluster_.network().Send(cluster_.machine(from).id(), sessions_[client].address,
                          [this, client, request, take = std::move(take)] {
                            const Session& session = sessions_[client];
                            take(session.waiting && session.request == request);
                          });
}

void ControlClients::AskNumbers(size_t client, bool timestamps) {
  const Session& session = sessions_[client];
  const uint64_t count = 1 + random_.Uniform(kMaxCount);
  const auto kind = timestamps ? metaroot::WindowKind::kTimestamps : metaroot::WindowKind::kIds;
  cluster_.Ask(
      session.address, session.target,
      [=, this, request = session.request, target = session.target,
       invoked_us = session.invoked_us](coordinator::Coordinator& coordinator, uint64_t process) {
        coordinator.allocator().Take(kind, count, [=, this](const auto& taken) {
          const bool ok = taken.ok();
          GivenNumbers given{.timestamps = timestamps,
                             .count = count,
                             .holder = process,
                             .invoked_us = invoked_us};
          if (ok) given.first = taken->first;
          if (ok) given.generation = taken->generation;
          const auto counted = std::make_shared<bool>(false);
          Answer(client, request, target, [=, this](bool current) mutable {
            // Numbers count also if nobody waits for them any more, but once.
            given.returned_us = world_.now_us();
            if (ok && !std::exchange(*counted, true)) numbers_.push_back(given);
            if (current) End(client, ok);
          });
        });
      });
}

void ControlClients::Publish(size_t client) {
  const Session& session = sessions_[client];
  const metaroot::StoreJoined event{1 + random_.Uniform(kStores),
                                    "s:" + std::to_string(next_address_++)};
  cluster_.Ask(session.address, session.target,
               [=, this, request = session.request, target = session.target](
                   coordinator::Coordinator& coordinator, uint64_t) {
                 coordinator.Publish(event, 0, [=, this](const auto& published) {
                   const bool ok = published.ok();
                   const uint64_t revision = ok ? published->revision : 0;
                   Answer(client, request, target, [=, this](bool current) {
                     if (!current) return;
                     if (ok) published_.push_back({world_.now_us(), revision});
                     End(client, ok);
                   });
                 });
               });
}

void ControlClients::Route(size_t client) {
  const Session& session = sessions_[client];
  uint64_t least = 0;
  for (const Publication& each : published_) least = std::max(least, each.revision);
  cluster_.Ask(
      session.address, session.target,
      [=, this, request = session.request, target = session.target](
          coordinator::Coordinator& coordinator, uint64_t process) {
        coordinator.catalog().Await(
            {.freshness = coordinator::Freshness::kStrong}, [=, this](const auto& standing) {
              const bool ok = standing.ok();
              const uint64_t served = ok ? standing->served_revision : 0;
              Answer(client, request, target, [=, this](bool current) {
                if (!current) return;
                if (ok && served < least) {
                  violations_.push_back("a strong answer of process " + std::to_string(process) +
                                        " is of revision " + std::to_string(served) + ", but " +
                                        std::to_string(least) +
                                        " was published before the question");
                }
                routes_ += ok ? 1 : 0;
                End(client, ok);
              });
            });
      });
}

void ControlClients::End(size_t client, bool ok) {
  Session& session = sessions_[client];
  session.waiting = false;
  acknowledged_ += ok ? 1 : 0;
  if (!ok) session.target = 1 + random_.Uniform(cluster_.machines() - 1);
  Next(client);
}

std::optional<uint64_t> ControlClients::FirstNumbersSince(uint64_t since_us) const {
  std::optional<uint64_t> first;
  for (const GivenNumbers& given : numbers_) {
    if (given.invoked_us < since_us) continue;
    first = std::min(first.value_or(UINT64_MAX), given.returned_us);
  }
  return first;
}

}  // namespace nokv::sim
