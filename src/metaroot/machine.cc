#include "metaroot/machine.h"

#include <utility>

#include "base/coding.h"
#include "base/framed.h"
#include "base/macros.h"
#include "metaroot/apply.h"

namespace nokv::metaroot {

namespace {

constexpr uint64_t kCommandFormat = 1;
constexpr std::string_view kMagic = "nokvroot";
constexpr uint32_t kFormat = 1;

// 0 for nothing, else the number and one.
void PutOptional(std::string* out, const std::optional<uint64_t>& number) {
  base::PutVarint64(out, number.has_value() ? 1 : 0);
  if (number.has_value()) base::PutVarint64(out, *number);
}

bool GetOptional(std::string_view* in, std::optional<uint64_t>* number) {
  uint64_t there = 0;
  if (!base::GetVarint64(in, &there) || there > 1) return false;
  return there == 0 || base::GetVarint64(in, &number->emplace());
}

// Roughly: what an event weighs in the tail.
size_t SizeOf(const Event& event) {
  std::string bytes;
  EncodeEvent(event, &bytes);
  return bytes.size();
}

Status CheckExpected(const char* what, const std::optional<uint64_t>& expected, uint64_t current) {
  if (!expected.has_value() || *expected == current) return Status::Ok();
  return Status::Aborted(std::string("the ") + what + " is " + std::to_string(current) +
                         ", not the " + std::to_string(*expected) + " that was expected")
      .WithHint("look at the state again, and decide anew");
}

}  // namespace

std::string EncodeCommand(const Command& command) {
  std::string bytes;
  base::PutVarint64(&bytes, kCommandFormat);
  PutOptional(&bytes, command.expected_revision);
  PutOptional(&bytes, command.expected_layout_epoch);
  base::PutVarint64(&bytes, command.events.size());
  for (const Event& event : command.events) EncodeEvent(event, &bytes);
  return bytes;
}

Result<Command> DecodeCommand(std::string_view bytes) {
  if (bytes.size() > kMaxCommandBytes) {
    return Status::InvalidArgument("a command has at most " + std::to_string(kMaxCommandBytes) +
                                   " bytes");
  }
  Command command;
  uint64_t format = 0;
  uint64_t count = 0;
  std::string_view in = bytes;
  if (!base::GetVarint64(&in, &format) || format != kCommandFormat ||
      !GetOptional(&in, &command.expected_revision) ||
      !GetOptional(&in, &command.expected_layout_epoch) || !base::GetVarint64(&in, &count)) {
    return Status::InvalidArgument("this is no command of format " +
                                   std::to_string(kCommandFormat));
  }
  if (count == 0 || count > kMaxCommandEvents) {
    return Status::InvalidArgument("a command has from 1 to " + std::to_string(kMaxCommandEvents) +
                                   " events, not " + std::to_string(count));
  }
  for (uint64_t i = 0; i < count; i++) {
    if (!DecodeEvent(&in, &command.events.emplace_back())) {
      return Status::InvalidArgument("event " + std::to_string(i + 1) + " of " +
                                     std::to_string(count) + " cannot be read");
    }
  }
  if (!in.empty()) return Status::InvalidArgument("there are bytes behind the last event");
  return command;
}

Outcome Machine::Apply(std::string_view bytes) {
  Outcome outcome;
  const Result<Command> command = DecodeCommand(bytes);
  outcome.status = command.ok() ? Take(*command, &outcome) : command.status();
  outcome.head = state_;
  return outcome;
}

Status Machine::Take(const Command& command, Outcome* outcome) {
  RETURN_IF_ERROR(CheckExpected("revision", command.expected_revision, state_.revision));
  RETURN_IF_ERROR(
      CheckExpected("layout epoch", command.expected_layout_epoch, state_.layout_epoch));
  Edit edit(&state_);
  std::vector<TailEvent> taken;
  for (size_t i = 0; i < command.events.size(); i++) {
    const Event& event = command.events[i];
    const Result<Effect> effect = metaroot::Apply(event, &edit);
    if (!effect.ok()) {
      return command.events.size() == 1
                 ? effect.status()
                 : effect.status().Prefixed("event " + std::to_string(i + 1) + ", " +
                                            std::string(NameOf(event)));
    }
    if (*effect == Effect::kApplied) taken.push_back({state_.revision, event});
  }
  edit.Keep();
  outcome->applied = taken.size();
  for (TailEvent& event : taken) Append(std::move(event));
  return Status::Ok();
}

void Machine::Append(TailEvent event) {
  tail_bytes_ += SizeOf(event.event);
  tail_.push_back(std::move(event));
  while (tail_.size() > kMaxTailEvents || tail_bytes_ > kMaxTailBytes) {
    tail_bytes_ -= SizeOf(tail_.front().event);
    tail_.pop_front();
  }
}

Result<std::optional<std::vector<TailEvent>>> Machine::EventsAfter(uint64_t revision) const {
  if (revision > state_.revision) {
    return Status::InvalidArgument("revision " + std::to_string(revision) +
                                   " is not there yet; the last one is " +
                                   std::to_string(state_.revision));
  }
  const uint64_t missing = state_.revision - revision;
  if (missing > tail_.size()) return std::optional<std::vector<TailEvent>>();
  return std::optional(
      std::vector<TailEvent>(tail_.end() - static_cast<ptrdiff_t>(missing), tail_.end()));
}

std::string Machine::Snapshot() const {
  std::string body;
  EncodeState(state_, &body);
  base::PutVarint64(&body, tail_.size());
  for (const TailEvent& event : tail_) EncodeEvent(event.event, &body);
  return base::EncodeFramed(kMagic, kFormat, body);
}

Result<Machine> Machine::Restore(std::string_view snapshot, const std::string& what) {
  ASSIGN_OR_RETURN(std::string_view in, base::DecodeFramed(snapshot, kMagic, kFormat, what));
  Machine machine;
  uint64_t events = 0;
  if (!DecodeState(&in, &machine.state_) || !base::GetVarint64(&in, &events) ||
      events > kMaxTailEvents || events > machine.state_.revision) {
    return base::FrameDamage(what, "the state cannot be read");
  }
  for (uint64_t i = 0; i < events; i++) {
    TailEvent event{.revision = machine.state_.revision - events + 1 + i};
    if (!DecodeEvent(&in, &event.event)) return base::FrameDamage(what, "the tail cannot be read");
    machine.Append(std::move(event));
  }
  if (!in.empty()) return base::FrameDamage(what, "has bytes behind the tail");
  // Nodes with equal events must not be told apart by it.
  if (machine.tail_.size() != events) return base::FrameDamage(what, "the tail is too long");
  if (const Status status = CheckState(machine.state_); !status.ok()) {
    return base::FrameDamage(what, std::string(status.message()));
  }
  return machine;
}

}  // namespace nokv::metaroot
