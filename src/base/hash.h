// Non-cryptographic hashing (xxh3) and a string map that is looked up by view.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace nokv::base {

// 64-bit xxh3. Stable across processes and versions: filters on disk depend on it.
uint64_t Hash64(std::string_view data, uint64_t seed = 0);

struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return Hash64(text); }
};

// Never iterate over one where the order could show (results, messages, traces).
template <typename V>
using StringMap = std::unordered_map<std::string, V, StringHash, std::equal_to<>>;

}  // namespace nokv::base
