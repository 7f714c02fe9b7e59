#include "cli/flag_values.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace nokv::cli {

namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

// From large to small; the last is the unit of the result.
constexpr std::array<Unit, 5> kTimes = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};
constexpr std::array<Unit, 10> kSizes = {{{"tib", uint64_t{1} << 40},
                                          {"gib", uint64_t{1} << 30},
                                          {"mib", uint64_t{1} << 20},
                                          {"kib", uint64_t{1} << 10},
                                          {"tb", 1'000'000'000'000},
                                          {"gb", 1'000'000'000},
                                          {"mb", 1'000'000},
                                          {"kb", 1000},
                                          {"b", 1},
                                          {"", 1}}};
constexpr std::array<std::string_view, 4> kSizeNames = {"TiB", "GiB", "MiB", "KiB"};

template <size_t kCount>
std::optional<uint64_t> ParseWithUnit(std::string_view text,
                                      const std::array<Unit, kCount>& units) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = ParseNumber(text.substr(0, digits));
  const std::string_view unit = text.substr(digits);
  if (!number.has_value()) return std::nullopt;
  for (const Unit& known : units) {
    if (unit != known.name) continue;
    if (*number > UINT64_MAX / known.factor) return std::nullopt;
    return *number * known.factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return number;
}

std::optional<uint64_t> ParseDurationMs(std::string_view text) {
  return ParseWithUnit(text, kTimes);
}

std::optional<uint64_t> ParseSize(std::string_view text) {
  std::string lower(text.substr(0, 32));
  if (lower.size() < text.size()) return std::nullopt;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ParseWithUnit(lower, kSizes);
}

std::string DurationText(uint64_t ms) {
  for (const Unit& unit : kTimes) {
    if (ms != 0 && ms % unit.factor == 0) {
      return std::to_string(ms / unit.factor) + std::string(unit.name);
    }
  }
  return "0s";
}

std::string SizeText(uint64_t bytes) {
  for (size_t i = 0; i < kSizeNames.size(); i++) {
    if (bytes != 0 && bytes % kSizes[i].factor == 0) {
      return std::to_string(bytes / kSizes[i].factor) + std::string(kSizeNames[i]);
    }
  }
  return std::to_string(bytes);
}

}  // namespace nokv::cli
