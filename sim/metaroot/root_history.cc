#include "sim/metaroot/root_history.h"

#include <algorithm>
#include <iterator>

namespace nokv::sim {
namespace {

using metaroot::LeaseEnded;
using metaroot::LeaseGranted;
using metaroot::WindowReserved;

// Of a lease, what its holder may use although clocks run at different speeds.
constexpr uint64_t kUsableOfMs = 880;  // microseconds of a millisecond

}  // namespace

void RootHistory::Saw(uint64_t floor, uint64_t revision) {
  if (revision < floor) {
    violated_("an answer of revision " + std::to_string(revision) + " came after one of " +
              std::to_string(floor) + " had ended");
  }
  newest_ = std::max(newest_, revision);
}

void RootHistory::Asked(const metaroot::Command& command) {
  for (const metaroot::Event& event : command.events) {
    if (const auto* ended = std::get_if<LeaseEnded>(&event)) leases_.erase(ended->generation);
  }
}

void RootHistory::Took(uint64_t floor, uint64_t asked_us, uint64_t now_us,
                       const metaroot::Command& command, const metaroot::Outcome& outcome) {
  const uint64_t last = outcome.head.revision;
  Saw(floor, last);
  if (outcome.applied > 0) {
    const uint64_t before = last - outcome.applied;
    const auto next = made_.upper_bound(before);
    if (next != made_.end() && next->second < last) {
      violated_("two commands made revision " + std::to_string(std::min(next->first, last)));
    }
    made_[last] = before;
    if (before < floor) violated_("a command took effect before it was asked for");
    const auto& expected = command.expected_revision;
    if (expected.has_value() && *expected != before) {
      violated_("a command that expected revision " + std::to_string(*expected) +
                " was taken after " + std::to_string(before));
    }
  }
  for (const metaroot::Event& event : command.events) {
    if (const auto* window = std::get_if<WindowReserved>(&event)) NoteWindow(*window);
    if (const auto* grant = std::get_if<LeaseGranted>(&event)) {
      NoteGrant(*grant, asked_us, now_us, outcome.head.lease);
    }
  }
}

void RootHistory::NoteWindow(const WindowReserved& window) {
  std::map<uint64_t, uint64_t>& windows = windows_[window.kind];
  const auto next = windows.upper_bound(window.from);
  const bool over_next = next != windows.end() && next->first < window.until;
  const bool over_last = next != windows.begin() && std::prev(next)->second > window.from;
  if (over_next || over_last) {
    violated_("numbers from " + std::to_string(window.from) + " to " +
              std::to_string(window.until) + " were given away twice");
  }
  windows[window.from] = window.until;
}

void RootHistory::NoteGrant(const LeaseGranted& grant, uint64_t asked_us, uint64_t now_us,
                            const metaroot::Lease& lease) {
  // The command that granted it may have given it back as well.
  if (!lease.in_force || lease.holder != grant.holder) return;
  for (const auto& [generation, held] : leases_) {
    if (generation >= lease.generation || held.holder == grant.holder) continue;
    if (now_us < held.until_us) {
      violated_("the lease went to " + grant.holder + " while " + held.holder + " had it");
    }
  }
  Held& held = leases_[lease.generation];
  if (!held.holder.empty() && held.holder != grant.holder) {
    violated_("generation " + std::to_string(lease.generation) + " has two holders");
  }
  held.holder = grant.holder;
  held.until_us = std::max(held.until_us, asked_us + grant.ttl_ms * kUsableOfMs);
}

void RootHistory::Told(const metaroot::TailEvent& event) {
  std::string bytes;
  metaroot::EncodeEvent(event.event, &bytes);
  const auto [known, is_new] = events_.emplace(event.revision, bytes);
  if (known->second != bytes) {
    violated_("two events have revision " + std::to_string(event.revision));
  }
}

}  // namespace nokv::sim
