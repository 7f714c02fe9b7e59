#include "redis/slow_log.h"

#include <utility>

namespace nokv::redis {

namespace {

constexpr size_t kMaxWords = 32;
constexpr size_t kMaxWordBytes = 128;

// In Redis's words for what was left out.
std::vector<std::string> Shortened(std::span<const std::string_view> words) {
  std::vector<std::string> out;
  const size_t shown = words.size() > kMaxWords ? kMaxWords - 1 : words.size();
  for (const std::string_view word : words.first(shown)) {
    std::string& text = out.emplace_back(word.substr(0, kMaxWordBytes));
    if (word.size() > kMaxWordBytes) {
      text += "... (" + std::to_string(word.size() - kMaxWordBytes) + " more bytes)";
    }
  }
  if (shown < words.size()) {
    out.push_back("... (" + std::to_string(words.size() - shown) + " more arguments)");
  }
  return out;
}

}  // namespace

void SlowLog::Add(Entry entry, std::span<const std::string_view> words, size_t max_entries) {
  entry.id = next_id_++;
  entry.words = Shortened(words);
  entries_.push_front(std::move(entry));
  while (entries_.size() > max_entries) entries_.pop_back();
}

}  // namespace nokv::redis
