// Metamorphic runs: one list of operations, drawn from a seed, is played on a database of its own
// for each of many sets of options. No model says what is right: how memtables, tables, caches,
// files and compactions are set up must make no difference to any answer.
//
// Each set has its own luck with background work, too, and draws new options when the list has the
// database reopened, as far as they may be changed.
//
// Thread safety: pure functions; two runs of a seed give the same answers in two processes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nokv::sim {

struct MetamorphicOptions {
  uint64_t seed = 1;
  uint64_t ops = 200;  // of the list
  uint64_t sets = 6;   // of options; at least 2
};

struct MetamorphicReport {
  uint64_t answers = 0;  // that were compared
  // The first that differ, and between which sets; empty: none.
  std::string difference;
};

MetamorphicReport RunMetamorphic(const MetamorphicOptions& options);

// What each operation answered under one set, 0 being nearly the defaults.
std::vector<std::string> AnswersUnder(const MetamorphicOptions& options, uint64_t set);

}  // namespace nokv::sim
