#include "sim/control/ideal_root.h"

#include <string>
#include <utility>
#include <variant>

namespace nokv::sim {

IdealRoot::IdealRoot() {
  Append({.events = {metaroot::ClusterCreated{1}}}, 0);
}

metaroot::Outcome IdealRoot::Append(metaroot::Command command, uint64_t now_us) {
  const metaroot::Lease lease = machine_.state().lease;
  const auto* granted = std::get_if<metaroot::LeaseGranted>(&command.events[0]);
  const std::optional<std::string> wanted =
      granted == nullptr ? std::nullopt : std::optional(granted->holder);
  const bool over = lease.in_force && now_us >= lease_since_us_ + lease.ttl_ms * 1000;
  if (wanted.has_value() && over && *wanted != lease.holder) {
    command.events.insert(command.events.begin(),
                          metaroot::LeaseEnded{.generation = lease.generation,
                                               .released = false,
                                               .granted_revision = lease.granted_revision});
  }
  metaroot::Outcome outcome = machine_.Apply(metaroot::EncodeCommand(command));
  if (wanted.has_value() && outcome.status.ok()) lease_since_us_ = now_us;
  return outcome;
}

std::optional<std::vector<metaroot::TailEvent>> IdealRoot::EventsAfter(uint64_t revision) const {
  auto events = machine_.EventsAfter(revision);
  if (!events.ok()) return std::nullopt;
  return *std::move(events);
}

std::vector<metaroot::TailEvent> IdealRoot::Kept(uint64_t after_revision) const {
  std::vector<metaroot::TailEvent> events;
  for (const metaroot::TailEvent& event : machine_.tail()) {
    if (event.revision > after_revision) events.push_back(event);
  }
  return events;
}

}  // namespace nokv::sim
