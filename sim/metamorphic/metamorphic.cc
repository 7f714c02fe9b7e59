#include "sim/metamorphic/metamorphic.h"

#include <algorithm>

#include "sim/metamorphic/player.h"

namespace nokv::sim {

namespace {

std::string Describe(const MetamorphicOptions& options, uint64_t set, size_t at,
                     const std::string& first, const std::string& other) {
  return "seed " + std::to_string(options.seed) + ": answer " + std::to_string(at) +
         " under options 0 is\n  " + first + "\nand under options " + std::to_string(set) + "\n  " +
         other + "\nrepeat it: nokv-sim metamorphic --runs 1 --seed " +
         std::to_string(options.seed) + " --ops " + std::to_string(options.ops) + " --sets " +
         std::to_string(options.sets);
}

}  // namespace

std::vector<std::string> AnswersUnder(const MetamorphicOptions& options, uint64_t set) {
  Player player(options.seed, set);
  for (uint64_t i = 0; i < options.ops; i++) player.Step();
  player.Finish();
  return player.answers();
}

MetamorphicReport RunMetamorphic(const MetamorphicOptions& options) {
  MetamorphicReport report;
  const std::vector<std::string> first = AnswersUnder(options, 0);
  for (uint64_t set = 1; set < options.sets && report.difference.empty(); set++) {
    const std::vector<std::string> other = AnswersUnder(options, set);
    const auto [a, b] = std::mismatch(first.begin(), first.end(), other.begin(), other.end());
    report.answers += static_cast<uint64_t>(a - first.begin());
    if (a == first.end() && b == other.end()) continue;
    report.difference =
        Describe(options, set, static_cast<size_t>(a - first.begin()),
                 a == first.end() ? "(none)" : *a, b == other.end() ? "(none)" : *b);
  }
  return report;
}

}  // namespace nokv::sim
