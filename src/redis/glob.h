// Glob patterns as in KEYS and SCAN MATCH: * ? [abc] [^a-z] and \ before a literal character.
#pragma once

#include <string_view>

namespace nokv::redis {

// The empty text is matched by the empty pattern only, as in Redis: commands for which "*" means
// all must look for it.
//
// Iterative, with one point to go back to, so the time is at most pattern length times text length
// (a recursive matcher takes exponential time on "a*a*a*a*b").
bool GlobMatch(std::string_view pattern, std::string_view text, bool ignore_case = false);

}  // namespace nokv::redis
