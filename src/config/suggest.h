// "Did you mean": the word that someone who mistyped had in mind.
//
// Thread safety: pure function.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nokv::config {

// The first of `candidates` that is nearest to `word`, if at most two letters must be changed,
// added, dropped or swapped with their neighbour, and fewer than half of the word's; else empty.
std::string Suggest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace nokv::config
