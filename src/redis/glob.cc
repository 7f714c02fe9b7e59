#include "redis/glob.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace nokv::redis {

namespace {

unsigned char Fold(char c, bool ignore_case) {
  if (ignore_case && c >= 'A' && c <= 'Z') return static_cast<unsigned char>(c - 'A' + 'a');
  return static_cast<unsigned char>(c);
}

// Matches `c` against the set whose first byte after '[' is at `at`; `*end` is set to the position
// after the set. A set that is not closed ends with the pattern.
bool MatchSet(std::string_view pattern, size_t at, char c, bool ignore_case, size_t* end) {
  const unsigned char wanted = Fold(c, ignore_case);
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  bool found = false;
  while (at < pattern.size() && pattern[at] != ']') {
    if (pattern[at] == '\\' && at + 1 < pattern.size()) {
      found |= Fold(pattern[at + 1], ignore_case) == wanted;
      at += 2;
    } else if (at + 2 < pattern.size() && pattern[at + 1] == '-') {
      unsigned char low = Fold(pattern[at], ignore_case);
      unsigned char high = Fold(pattern[at + 2], ignore_case);
      if (low > high) std::swap(low, high);
      found |= low <= wanted && wanted <= high;
      at += 3;
    } else {
      found |= Fold(pattern[at], ignore_case) == wanted;
      ++at;
    }
  }
  *end = std::min(at + 1, pattern.size());
  return found != negated;
}

// Matches one character against the element at `at`, which is not '*'; `*end` is set past it.
bool MatchOne(std::string_view pattern, size_t at, char c, bool ignore_case, size_t* end) {
  *end = at + 1;
  switch (pattern[at]) {
    case '?':
      return true;
    case '[':
      return MatchSet(pattern, at + 1, c, ignore_case, end);
    case '\\':
      if (at + 1 < pattern.size()) *end = ++at + 1;
      break;
    default:
      break;
  }
  return Fold(pattern[at], ignore_case) == Fold(c, ignore_case);
}

}  // namespace

bool GlobMatch(std::string_view pattern, std::string_view text, bool ignore_case) {
  size_t at = 0;
  size_t position = 0;
  size_t star = std::string_view::npos;  // pattern position after the last '*'
  size_t star_position = 0;              // where the text after it began
  while (position < text.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = ++at;
      star_position = position;
      continue;
    }
    size_t next = 0;
    if (at < pattern.size() && MatchOne(pattern, at, text[position], ignore_case, &next)) {
      at = next;
      ++position;
      continue;
    }
    if (star == std::string_view::npos) return false;
    at = star;
    position = ++star_position;
  }
  if (text.empty()) return pattern.empty();
  while (at < pattern.size() && pattern[at] == '*') ++at;
  return at == pattern.size();
}

}  // namespace nokv::redis
