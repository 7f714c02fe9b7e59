// How the values of flags are written. Each parser takes the whole text or nothing.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nokv::cli {

// Decimal digits only: no sign, blank or exponent. nullopt also when it does not fit.
std::optional<uint64_t> ParseNumber(std::string_view text);
// A number and ms, s, m, h or d, in milliseconds.
std::optional<uint64_t> ParseDurationMs(std::string_view text);
// A number and nothing, B, KB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (of 1024), in
// bytes. Upper or lower case.
std::optional<uint64_t> ParseSize(std::string_view text);

// The shortest exact text that the parsers above read: "10s", "64MiB".
std::string DurationText(uint64_t ms);
std::string SizeText(uint64_t bytes);

}  // namespace nokv::cli
