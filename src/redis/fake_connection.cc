#include "redis/fake_connection.h"

#include "base/bytes.h"
#include "redis/number.h"

namespace nokv::redis {

std::string EncodeRequest(const std::vector<std::string>& words) {
  std::string out = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) {
    out += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  }
  return out;
}

std::string RenderReply(std::string_view* bytes) {
  const size_t end = bytes->find("\r\n");
  if (end == std::string_view::npos) return "(incomplete)";
  const std::string_view line = bytes->substr(0, end);
  bytes->remove_prefix(end + 2);
  if (line.empty()) return "(empty line)";
  const int64_t count = ParseInt64(line.substr(1)).value_or(-1);
  switch (line[0]) {
    case '$':
    case '=': {
      if (count < 0) return "(nil)";
      const std::string text = base::EscapeBytes(bytes->substr(0, static_cast<size_t>(count)));
      bytes->remove_prefix(static_cast<size_t>(count) + 2);
      return "\"" + text + "\"";
    }
    case '*':
    case '>':
    case '~':
    case '%': {
      if (count < 0) return "(nil)";
      std::string out;
      for (int64_t i = 0; i < (line[0] == '%' ? 2 * count : count); ++i) {
        out += (i == 0 ? "" : ", ") + RenderReply(bytes);
      }
      return (line[0] == '>' ? "push [" : "[") + out + "]";
    }
    case '_':
      return "(nil)";
    default:
      return std::string(line);
  }
}

std::vector<std::string> RenderReplies(std::string_view bytes) {
  std::vector<std::string> replies;
  while (!bytes.empty()) replies.push_back(RenderReply(&bytes));
  return replies;
}

}  // namespace nokv::redis
