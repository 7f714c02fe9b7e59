// Scenario: a simulated world by name: what runs in it, what breaks, and what is checked.
//
// A run is invalid, not passed, if too little happened in it: see kLeast below.
//
// Thread safety: a scenario is immutable, and each run has a world of its own; several threads may
// run one at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <vector>

namespace nokv::sim {

inline constexpr uint64_t kLeastAcknowledged = 200;
inline constexpr uint64_t kLeastFaultKinds = 3;
inline constexpr uint64_t kLeastLeaderChanges = 1;

struct RunOptions {
  uint64_t seed = 1;
  uint64_t seconds = 20;          // of virtual time; faults, then at least 8 without
  std::ostream* trace = nullptr;  // gets a line for everything that happens; may be null
};

struct RunReport {
  uint64_t trace_hash = 0;
  std::string drawn;                    // what the seed decided beforehand
  std::vector<std::string> violations;  // of what must hold
  std::string invalid;                  // why the run proves nothing; empty: it counts
  uint64_t acknowledged = 0;
  uint64_t leader_changes = 0;
  std::map<std::string, uint64_t> faults;    // kinds that fired, and how often
  std::map<std::string, uint64_t> counters;  // what else happened
};

struct Scenario {
  std::string name;
  std::string summary;
  std::function<RunReport(const RunOptions&)> run;
};

// All there are.
const std::vector<Scenario>& Scenarios();
// Null if there is none of that name.
const Scenario* FindScenario(const std::string& name);

// Fills `invalid` if too little happened.
void JudgeValidity(RunReport* report);

}  // namespace nokv::sim
