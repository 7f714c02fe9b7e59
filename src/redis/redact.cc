#include "redis/redact.h"

#include "redis/commands/table.h"

namespace nokv::redis {

namespace {
constexpr std::string_view kRedacted = "(redacted)";
}

std::vector<std::string_view> Redacted(const CommandSpec& spec,
                                       std::span<const std::string_view> args) {
  std::vector<std::string_view> words(args.begin(), args.end());
  const auto hide = [&words](size_t first, size_t end) {
    for (size_t i = first; i < end && i < words.size(); ++i) words[i] = kRedacted;
  };
  if (spec.name == "auth") {
    hide(1, words.size());
  } else if (spec.name == "acl|setuser") {
    hide(2, words.size());
  } else if (spec.name == "hello") {
    for (size_t i = 2; i < args.size(); ++i) {
      if (EqualsIgnoreCase(args[i], "auth")) hide(i + 1, i + 3);
    }
  } else if (spec.name == "config|set") {
    for (size_t i = 2; i < args.size(); i += 2) {
      if (EqualsIgnoreCase(args[i], "requirepass")) hide(i + 1, i + 2);
    }
  }
  return words;
}

}  // namespace nokv::redis
