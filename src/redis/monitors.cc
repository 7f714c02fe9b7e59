#include "redis/monitors.h"

namespace nokv::redis {

namespace {

constexpr size_t kMaxWordBytes = size_t{64} << 10;

void AppendQuoted(std::string_view word, std::string* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  static constexpr std::string_view kEscaped = "\\\"\n\r\t\a\b";
  static constexpr std::string_view kLetters = "\\\"nrtab";
  out->push_back('"');
  for (const char c : word.substr(0, kMaxWordBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    if (const size_t at = kEscaped.find(c); at != std::string_view::npos) {
      out->push_back('\\');
      out->push_back(kLetters[at]);
    } else if (byte < 0x20 || byte >= 0x7f) {
      out->append("\\x");
      out->push_back(kHex[byte >> 4]);
      out->push_back(kHex[byte & 15]);
    } else {
      out->push_back(c);
    }
  }
  if (word.size() > kMaxWordBytes) {
    out->append("... (" + std::to_string(word.size() - kMaxWordBytes) + " more bytes)");
  }
  out->push_back('"');
}

}  // namespace

void Monitors::Show(uint64_t unix_us, int db, std::string_view address,
                    std::span<const std::string_view> words) const {
  const std::string micros = std::to_string(unix_us % 1'000'000);
  std::string line = "+" + std::to_string(unix_us / 1'000'000) + ".";
  line.append(6 - micros.size(), '0').append(micros);
  line.append(" [").append(std::to_string(db)).append(" ").append(address).append("]");
  for (const std::string_view word : words) {
    line.push_back(' ');
    AppendQuoted(word, &line);
  }
  line.append("\r\n");
  for (const auto& [id, receiver] : receivers_) receiver->Push(line, 0);
}

}  // namespace nokv::redis
