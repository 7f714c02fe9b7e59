// Progress: what long work shows on standard error while it runs.
//
//   crash  61%  5024/8240 cuts  812/s  4 s left
//
// Nothing appears in the first second, so short work stays silent. On a terminal one line is
// rewritten a few times a second and goes at the end; with --progress=json each second is an event
// on a line of its own; otherwise, and with -q, nothing is printed.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "cli/command.h"

namespace nokv::cli {

class Progress {
 public:
  // `unit` is in the plural ("cuts"). `environment` and `clock` are borrowed.
  Progress(const Environment& environment, base::Clock& clock, std::string what, std::string unit);
  ~Progress() { Finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `total` 0: not known.
  void Update(uint64_t done, uint64_t total);
  // Removes the line, or prints the last event. Idempotent.
  void Finish();

 private:
  void PrintLine(double rate, double seconds_left);
  void PrintEvent(double rate, double seconds_left, bool finished);

  const Environment& environment_;
  base::Clock& clock_;
  const std::string what_, unit_;
  const uint64_t began_us_;
  uint64_t printed_us_ = 0;  // 0: never
  uint64_t done_ = 0, total_ = 0;
  bool finished_ = false;
};

}  // namespace nokv::cli
