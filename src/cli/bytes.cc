#include "cli/bytes.h"

#include <optional>

#include "cli/text.h"

namespace nokv::cli {

namespace {

constexpr std::string_view kHexPrefix = "hex:";
constexpr std::string_view kBase64Prefix = "b64:";
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::optional<uint8_t> HexDigit(char c) {
  if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  const size_t digit = kHexDigits.find(c);
  return digit == std::string_view::npos ? std::nullopt
                                         : std::optional<uint8_t>(static_cast<uint8_t>(digit));
}

std::optional<std::string> DecodeHex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += 2) {
    const auto high = HexDigit(text[i]);
    const auto low = HexDigit(text[i + 1]);
    if (!high.has_value() || !low.has_value()) return std::nullopt;
    bytes.push_back(static_cast<char>(*high << 4 | *low));
  }
  return bytes;
}

// Strict: whole groups, padded, no bits beyond the bytes.
std::optional<std::string> DecodeBase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t digit = kBase64Digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count));
    bits &= (1U << count) - 1;
  }
  return bits == 0 ? std::optional<std::string>(bytes) : std::nullopt;
}

Result<std::string> ReadAll(std::istream* in, uint64_t limit) {
  std::string bytes;
  char buffer[1 << 16];
  while (in != nullptr && *in) {
    in->read(buffer, sizeof buffer);
    bytes.append(buffer, static_cast<size_t>(in->gcount()));
    if (bytes.size() > limit) {
      return Status::InvalidArgument("standard input is longer than the " + std::to_string(limit) +
                                     " bytes that are allowed");
    }
  }
  return bytes;
}

Status BadNotation(std::string_view text, const char* what) {
  return Status::InvalidArgument(Quoted(text) + " is not " + what);
}

}  // namespace

Result<std::string> ParseBytes(std::string_view text, std::istream* in, vfs::FileSystem& fs,
                               uint64_t limit) {
  if (text == "-") return ReadAll(in, limit);
  if (text.starts_with('@')) return fs.ReadFile(std::string(text.substr(1)), limit);
  if (text.starts_with(kHexPrefix)) {
    auto bytes = DecodeHex(text.substr(kHexPrefix.size()));
    if (!bytes.has_value()) return BadNotation(text, "an even number of hexadecimal digits");
    return *std::move(bytes);
  }
  if (text.starts_with(kBase64Prefix)) {
    auto bytes = DecodeBase64(text.substr(kBase64Prefix.size()));
    if (!bytes.has_value()) return BadNotation(text, "base 64 with its padding");
    return *std::move(bytes);
  }
  return std::string(text);
}

std::string FormatBytes(std::string_view bytes) {
  const bool ambiguous = bytes.empty() || bytes.starts_with('-') || bytes.starts_with('@') ||
                         bytes.starts_with(kHexPrefix) || bytes.starts_with(kBase64Prefix);
  const bool ragged =
      bytes.starts_with(' ') || bytes.ends_with(' ') || bytes.find("  ") != std::string_view::npos;
  if (!ambiguous && !ragged && IsPrintable(bytes)) return std::string(bytes);
  std::string text(kHexPrefix);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += {kHexDigits[byte >> 4], kHexDigits[byte & 15]};
  }
  return text;
}

std::string EncodeBase64(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t j = 0; j < 3; j++) {
      bits = bits << 8 | (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    const size_t digits = std::min<size_t>(bytes.size() - i, 3) + 1;
    for (size_t j = 0; j < 4; j++) {
      text += j < digits ? kBase64Digits[bits >> (18 - 6 * j) & 63] : '=';
    }
  }
  return text;
}

JsonBytes BytesForJson(std::string_view bytes) {
  for (std::string_view rest = bytes; !rest.empty(); rest.remove_prefix(Utf8Length(rest))) {
    if (Utf8Length(rest) == 0) return {"b64", EncodeBase64(bytes)};
  }
  return {"utf8", std::string(bytes)};
}

}  // namespace nokv::cli
