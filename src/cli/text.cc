#include "cli/text.h"

#include <algorithm>

namespace nokv::cli {

size_t Utf8Length(std::string_view text) {
  if (text.empty()) return 0;
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  char32_t character = lead & (0x7f >> length);
  for (size_t i = 1; i < length; i++) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0) != 0x80) return 0;
    character = character << 6 | (byte & 0x3f);
  }
  const bool overlong = (length == 3 && character < 0x800) || (length == 4 && character < 0x10000);
  const bool surrogate = character >= 0xd800 && character < 0xe000;
  return overlong || surrogate || character > 0x10ffff ? 0 : length;
}

bool IsPrintable(std::string_view text) {
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text[0]);
    const size_t length = Utf8Length(text);
    // Also the controls U+0080 to U+009f, which terminals obey.
    const bool control =
        byte < 0x20 || byte == 0x7f ||
        (byte == 0xc2 && length == 2 && static_cast<unsigned char>(text[1]) < 0xa0);
    if (length == 0 || control) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string Quoted(std::string_view text) {
  constexpr size_t kShown = 64;
  static constexpr char kHex[] = "0123456789abcdef";
  const bool cut = text.size() > kShown;
  text = text.substr(0, kShown);
  std::string quoted = "\"";
  while (!text.empty()) {
    const size_t length = std::max<size_t>(Utf8Length(text), 1);
    const std::string_view character = text.substr(0, length);
    if (character == "\"" || character == "\\") {
      quoted += "\\" + std::string(character);
    } else if (IsPrintable(character)) {
      quoted += character;
    } else {
      for (const char c : character) {
        const auto byte = static_cast<unsigned char>(c);
        quoted += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
      }
    }
    text.remove_prefix(length);
  }
  return quoted + (cut ? "\"…" : "\"");
}

size_t Columns(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string Fill(std::string_view text, size_t width, const std::string& indent) {
  std::string filled;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line[0] == ' ') {
      filled += (line.empty() ? "" : indent + std::string(line)) + "\n";
      continue;
    }
    std::string out = indent;
    while (!line.empty()) {
      const std::string_view word = line.substr(0, line.find(' '));
      line.remove_prefix(std::min(word.size() + 1, line.size()));
      const bool first = out.size() == indent.size();
      if (!first && Columns(out) + 1 + Columns(word) > width) {
        filled += out + "\n";
        out = indent;
      } else if (!first) {
        out += " ";
      }
      out += word;
    }
    filled += out + "\n";
  }
  return filled;
}

}  // namespace nokv::cli
