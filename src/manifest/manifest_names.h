// Names of the manifest's files inside a database directory.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace nokv::manifest {

inline constexpr char kCurrentName[] = "CURRENT";
inline constexpr char kCurrentTempName[] = "CURRENT.tmp";
// The manifest that creates a database.
inline constexpr uint64_t kFirstManifestNumber = 1;

// "MANIFEST-000005".
std::string ManifestName(uint64_t number);
// The number of a manifest's name; nullopt for any other name.
std::optional<uint64_t> ParseManifestName(std::string_view name);

}  // namespace nokv::manifest
