// RootHistory: what clients of the metadata root asked and were told, and whether one root that
// does one thing at a time could have told them so.
//
// Commands are answered with the revision after them, and reads with the revision that they saw, so
// the order is known, and nothing has to be searched:
//   - what began after something had ended knows at least the revision of that;
//   - a revision was made by one command only;
//   - windows of numbers do not overlap;
//   - a lease is not given to another while its holder, who counts from before it asked, may use
//   it;
//   - an event has one revision, whoever tells of it.
//
// Thread safety: owned by the world's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "metaroot/machine.h"

namespace nokv::sim {

class RootHistory {
 public:
  // `violated` is told what must not happen.
  explicit RootHistory(std::function<void(const std::string&)> violated)
      : violated_(std::move(violated)) {}

  // Something is asked; what it is answered with is not older than this.
  uint64_t Floor() const { return newest_; }
  // A command is asked for. Who gives a lease back does not use it from then on, whether it hears
  // an answer or not.
  void Asked(const metaroot::Command& command);
  // A read, or a command that was refused, was answered with `revision`.
  void Saw(uint64_t floor, uint64_t revision);
  // A command was taken.
  void Took(uint64_t floor, uint64_t asked_us, uint64_t now_us, const metaroot::Command& command,
            const metaroot::Outcome& outcome);
  // Somebody was told of it.
  void Told(const metaroot::TailEvent& event);

  uint64_t newest() const { return newest_; }

 private:
  void NoteWindow(const metaroot::WindowReserved& window);
  void NoteGrant(const metaroot::LeaseGranted& grant, uint64_t asked_us, uint64_t now_us,
                 const metaroot::Lease& lease);

  struct Held {
    std::string holder;
    uint64_t until_us = 0;  // while its holder may use it
  };

  const std::function<void(const std::string&)> violated_;
  uint64_t newest_ = 0;
  std::map<uint64_t, uint64_t> made_;  // last revision of a command, to the one before its first
  std::map<metaroot::WindowKind, std::map<uint64_t, uint64_t>> windows_;
  std::map<uint64_t, Held> leases_;  // by generation
  std::map<uint64_t, std::string> events_;
};

}  // namespace nokv::sim
