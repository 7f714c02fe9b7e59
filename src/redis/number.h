// Numbers as Redis reads and writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nokv::redis {

// A decimal integer in its one canonical form: no sign "+", no leading zeros, no spaces.
std::optional<int64_t> ParseInt64(std::string_view text);
// As ParseInt64, for the whole range of uint64_t; leading zeros are fine.
std::optional<uint64_t> ParseUint64(std::string_view text);
// A number of bytes with a unit, in any mixture of cases: 1000, 5k (5000), 4kb (4096), 32mb, 1gb.
// What does not fit is the largest number.
std::optional<uint64_t> ParseMemory(std::string_view text);
// Anything strtold takes but NaN, leading space and trailing text. May be infinite.
std::optional<long double> ParseLongDouble(std::string_view text);
// 17 digits after the point, without trailing zeros: 10.5, 3, 0.1.
std::string FormatLongDouble(long double value);

}  // namespace nokv::redis
