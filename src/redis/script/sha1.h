// SHA-1 (FIPS 180-4): the names of scripts. Not for anything that must resist an attacker.
//
// Thread safety: a pure function.
#pragma once

#include <array>
#include <string_view>

namespace nokv::redis {

// 40 lower-case hexadecimal digits.
using Sha1Text = std::array<char, 40>;

Sha1Text Sha1(std::string_view bytes);

}  // namespace nokv::redis
