#include "redis/output_limits.h"

#include <limits>
#include <optional>
#include <vector>

#include "redis/commands/table.h"
#include "redis/number.h"

namespace nokv::redis {

namespace {

constexpr std::string_view kNames[] = {"normal", "slave", "pubsub"};
// More than anybody means; a multiple of four.
constexpr size_t kMostWords = 64;
constexpr uint64_t kMostSeconds = 1U << 31;

std::optional<size_t> ClassNamed(std::string_view name) {
  if (EqualsIgnoreCase(name, "replica")) name = "slave";
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (EqualsIgnoreCase(name, kNames[i])) return i;
  }
  return std::nullopt;
}

// As Redis splits the argument: each single space separates.
std::vector<std::string_view> Split(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty() && words.size() <= kMostWords) {
    const size_t space = text.find(' ');
    words.push_back(text.substr(0, space));
    if (space + 1 == text.size()) words.emplace_back();
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  }
  return words;
}

}  // namespace

std::string FormatOutputLimits(const OutputLimits& limits) {
  std::string out;
  for (size_t i = 0; i < limits.classes.size(); ++i) {
    const OutputLimit& limit = limits.classes[i];
    if (i > 0) out += ' ';
    out += std::string(kNames[i]) + ' ' + std::to_string(limit.hard_bytes) + ' ' +
           std::to_string(limit.soft_bytes) + ' ' + std::to_string(limit.soft_seconds);
  }
  return out;
}

std::string_view ParseOutputLimits(std::string_view text, OutputLimits* limits) {
  const std::vector<std::string_view> words = Split(text);
  if (words.size() % 4 != 0) return "Wrong number of arguments in buffer limit configuration.";
  OutputLimits changed = *limits;
  for (size_t i = 0; i < words.size(); i += 4) {
    const auto which = ClassNamed(words[i]);
    if (!which.has_value()) return "Invalid client class specified in buffer limit configuration.";
    const auto hard = ParseMemory(words[i + 1]);
    const auto soft = ParseMemory(words[i + 2]);
    const auto seconds = ParseUint64(words[i + 3]);
    constexpr uint64_t kTooLarge = std::numeric_limits<uint64_t>::max();
    if (hard.value_or(kTooLarge) == kTooLarge || soft.value_or(kTooLarge) == kTooLarge ||
        seconds.value_or(kMostSeconds) >= kMostSeconds) {
      return "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
    }
    changed.classes[*which] = {*hard, *soft, *seconds};
  }
  *limits = changed;
  return "";
}

bool OutputWatch::Exceeds(const OutputLimit& limit, uint64_t bytes, uint64_t now_ms) {
  if (limit.hard_bytes != 0 && bytes > limit.hard_bytes) return true;
  if (limit.soft_bytes == 0 || bytes <= limit.soft_bytes) {
    above_soft_ = false;
    return false;
  }
  if (!above_soft_) {
    above_soft_ = true;
    above_soft_since_ms_ = now_ms;
  }
  return now_ms - above_soft_since_ms_ > limit.soft_seconds * 1000;
}

}  // namespace nokv::redis
