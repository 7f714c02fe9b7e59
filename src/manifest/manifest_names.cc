#include "manifest/manifest_names.h"

#include <charconv>
#include <cstdio>

namespace nokv::manifest {

namespace {
constexpr std::string_view kManifestPrefix = "MANIFEST-";
constexpr size_t kMinDigits = 6;
}  // namespace

std::string ManifestName(uint64_t number) {
  char name[40];
  const int length =
      std::snprintf(name, sizeof name, "MANIFEST-%06llu", static_cast<unsigned long long>(number));
  return std::string(name, static_cast<size_t>(length));
}

std::optional<uint64_t> ParseManifestName(std::string_view name) {
  if (!name.starts_with(kManifestPrefix)) return std::nullopt;
  const std::string_view digits = name.substr(kManifestPrefix.size());
  if (digits.size() < kMinDigits) return std::nullopt;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  // One name per number: no further leading zeros.
  if (ManifestName(number) != name) return std::nullopt;
  return number;
}

}  // namespace nokv::manifest
