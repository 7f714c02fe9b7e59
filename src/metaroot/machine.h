// Machine: the metadata root as a replicated state machine. Commands come in the order of the log,
// as bytes; what they do depends on the state and the command alone, so every node that is given
// the same commands has the same state. A snapshot carries all of it.
//
// Beside the state it keeps the tail: the last events, by revision, from which whoever has followed
// up to then goes on; whoever is further behind takes the state as a whole.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metaroot/event.h"
#include "metaroot/state.h"
#include "nokv/status.h"

namespace nokv::metaroot {

inline constexpr size_t kMaxCommandEvents = 64;
inline constexpr size_t kMaxCommandBytes = size_t{8} << 20;
inline constexpr size_t kMaxTailEvents = 1024;
inline constexpr size_t kMaxTailBytes = size_t{4} << 20;

// Events that are taken together or not at all, and on what condition.
struct Command {
  std::vector<Event> events = {};
  // If given, nothing may have happened since.
  std::optional<uint64_t> expected_revision = std::nullopt;
  // If given, the layout must not have changed since.
  std::optional<uint64_t> expected_layout_epoch = std::nullopt;
  bool operator==(const Command&) const = default;
};

std::string EncodeCommand(const Command& command);
// kInvalidArgument for what EncodeCommand does not write, and for more than the limits.
Result<Command> DecodeCommand(std::string_view bytes);

// An event that took effect.
struct TailEvent {
  uint64_t revision = 0;
  Event event = {};
  bool operator==(const TailEvent&) const = default;
};

// What became of a command. Equal on every node.
struct Outcome {
  Status status = {};
  uint64_t applied = 0;  // events that did something; the others were so already
  StateHead head = {};   // as it was after the command
};

class Machine {
 public:
  const State& state() const { return state_; }

  // Never fails: what cannot be taken is refused in the outcome, and changes nothing.
  Outcome Apply(std::string_view command);

  // The events after `revision`; empty optional: they are not kept any more, take the state.
  // kInvalidArgument for a revision that is not there yet.
  Result<std::optional<std::vector<TailEvent>>> EventsAfter(uint64_t revision) const;
  const std::deque<TailEvent>& tail() const { return tail_; }

  // All of it, with magic, format, length and checksum (docs/formats/metaroot.md).
  std::string Snapshot() const;
  // kDataLoss for what is damaged, kUnimplemented (E1305) for a newer format; they name `what`.
  static Result<Machine> Restore(std::string_view snapshot, const std::string& what);

 private:
  Status Take(const Command& command, Outcome* outcome);
  void Append(TailEvent event);

  State state_;
  std::deque<TailEvent> tail_;
  size_t tail_bytes_ = 0;
};

}  // namespace nokv::metaroot
