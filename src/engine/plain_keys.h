// Plain keys: what DB takes, as the engine knows them.
//
// Thread safety: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "keys/keys.h"

namespace nokv::engine {

inline std::string PlainEngineKey(std::string_view user_key) {
  std::string engine_key;
  keys::AppendPlainEngineKey(user_key, &engine_key);
  return engine_key;
}

inline std::string PlainPrefix(std::string_view user_key) {
  return keys::EncodePrefix(keys::Keyspace::kData, keys::EncodePlainKey(user_key));
}

// Where the plain keys before `end` end; an empty `end` is the end of all keys.
inline std::string PlainEndPrefix(std::string_view end) {
  return end.empty() ? keys::EncodePrefix(keys::Keyspace::kLock, "") : PlainPrefix(end);
}

// Calls `add(begin, end)`, with prefixes, for each part of the range that has plain keys: they lie
// on both sides of the reserved area, which is not theirs. An empty `end` is the end of all keys.
template <typename Add>
void ForEachPlainRange(std::string_view begin, std::string_view end, const Add& add) {
  const std::string first = PlainPrefix(begin), last = PlainEndPrefix(end);
  const std::string reserved = keys::EncodePrefix(keys::Keyspace::kData, keys::kReservedBegin);
  const std::string behind = keys::EncodePrefix(keys::Keyspace::kData, keys::kReservedEnd);
  if (first >= reserved || last <= reserved) return add(first, last);
  add(first, reserved);
  if (last > behind) add(behind, last);
}

}  // namespace nokv::engine
