#include "redis/number.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace nokv::redis {

namespace {
constexpr size_t kShortDigits = 9;
}  // namespace

std::optional<int64_t> ParseInt64(std::string_view text) {
  if (text == "0") return 0;
  const std::string_view digits = !text.empty() && text[0] == '-' ? text.substr(1) : text;
  if (digits.empty() || digits[0] < '1' || digits[0] > '9') return std::nullopt;
  int64_t value = 0;
  // The lengths in a request are short numbers, and every request has several.
  if (text.size() <= kShortDigits && text[0] != '-') {
    for (const char c : text) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    return value;
  }
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

std::optional<uint64_t> ParseUint64(std::string_view text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

std::optional<uint64_t> ParseMemory(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0) return std::nullopt;
  const uint64_t count = ParseUint64(text.substr(0, digits)).value_or(UINT64_MAX);
  std::string unit(text.substr(digits).substr(0, 3));
  for (char& c : unit) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  uint64_t scale = 0;
  if (unit.empty() || unit == "b") scale = 1;
  if (unit == "k") scale = 1000;
  if (unit == "kb") scale = uint64_t{1} << 10;
  if (unit == "m") scale = 1'000'000;
  if (unit == "mb") scale = uint64_t{1} << 20;
  if (unit == "g") scale = 1'000'000'000;
  if (unit == "gb") scale = uint64_t{1} << 30;
  if (scale == 0) return std::nullopt;
  return count > UINT64_MAX / scale ? UINT64_MAX : count * scale;
}

std::optional<long double> ParseLongDouble(std::string_view text) {
  // Longer text cannot be what FormatLongDouble wrote; Redis refuses it too.
  char buffer[5 * 1024];
  if (text.empty() || text.size() >= sizeof buffer) return std::nullopt;
  buffer[text.copy(buffer, text.size())] = '\0';
  const char first = buffer[0];
  if (first == ' ' || (first >= '\t' && first <= '\r')) return std::nullopt;
  char* end = nullptr;
  errno = 0;
  const long double value = std::strtold(buffer, &end);
  if (end != buffer + text.size() || std::isnan(value)) return std::nullopt;
  if (errno == ERANGE && (std::isinf(value) || value == 0)) return std::nullopt;
  return value;
}

std::string FormatLongDouble(long double value) {
  char buffer[5 * 1024];  // the largest long double has 4933 digits before the point
  const int length = std::snprintf(buffer, sizeof buffer, "%.17Lf", value);
  std::string text(buffer, static_cast<size_t>(length));
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text == "-0" ? "0" : text;
}

}  // namespace nokv::redis
