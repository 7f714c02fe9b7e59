// The text in which a command describes itself. Its first line is the summary; each further line is
// a word, a colon and what there is to say; none of them is needed:
//
//   keys     what is done to the keys: "RW access update", or "1 RW access delete, 2 OW update"
//            (commands/key_spec.h). By default: "RO access", or "RW update" if the command writes
//   acl      the ACL categories that do not follow from its flags. By default: those of its group
//   args     its arguments (commands/doc.h)
//   cost     how its time grows: "O(N)". By default: "O(1)"
//   tips     for clients of a cluster, separated by spaces
//   history  what later versions of Redis added: "6.0.0 KEEPTTL; 6.2.0 GET"
//   instead  since when it is deprecated, and by what it is replaced: "2.0.0 GETRANGE"
//
// Thread safety: pure functions.
#pragma once

#include <string_view>

namespace nokv::redis {

// What comes before the first `separator`; takes both off `*text`. All of it if there is none.
constexpr std::string_view TakeUntil(std::string_view* text, char separator) {
  const size_t end = text->find(separator);
  const std::string_view part = text->substr(0, end);
  *text = end == std::string_view::npos ? std::string_view() : text->substr(end + 1);
  return part;
}

// The line of `doc` that begins with `word` and a colon, without them; empty if there is none.
constexpr std::string_view DocLine(std::string_view doc, std::string_view word) {
  TakeUntil(&doc, '\n');
  while (!doc.empty()) {
    std::string_view line = TakeUntil(&doc, '\n');
    if (TakeUntil(&line, ':') == word) return line.substr(line.find_first_not_of(' '));
  }
  return {};
}

}  // namespace nokv::redis
