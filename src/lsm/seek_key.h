// SeekKey: an internal key taken apart once, to be compared with many stored ones. A search builds
// no temporary string, whether it starts from an internal key or from an engine key and a trailer.
//
// Thread safety: immutable. It borrows the bytes it was made from.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "keys/keys.h"

namespace nokv::lsm {

class SeekKey {
 public:
  explicit SeekKey(std::string_view internal_key)
      : SeekKey(keys::EngineKeyOf(internal_key), keys::TrailerOf(internal_key)) {}
  SeekKey(std::string_view engine_key, uint64_t trailer)
      : prefix_(keys::PrefixOf(engine_key)),
        suffix_(base::LoadBigEndian64(engine_key.data() + prefix_.size())),
        trailer_(trailer) {}

  // <0, 0, >0 as this key sorts before, with or after `internal_key`: keys::CompareInternalKeys.
  int Compare(std::string_view internal_key) const {
    const int order = CompareEngineKey(keys::EngineKeyOf(internal_key));
    if (order != 0) return order;
    const uint64_t trailer = keys::TrailerOf(internal_key);
    return trailer_ > trailer ? -1 : (trailer_ < trailer ? 1 : 0);
  }
  // As this key without its trailer sorts: keys::CompareEngineKeys.
  int CompareEngineKey(std::string_view engine_key) const {
    const size_t size = engine_key.size() - keys::kSuffixBytes;
    const int order =
        std::memcmp(prefix_.data(), engine_key.data(), std::min(prefix_.size(), size));
    if (order != 0) return order;
    if (prefix_.size() != size) return prefix_.size() < size ? -1 : 1;
    const uint64_t suffix = base::LoadBigEndian64(engine_key.data() + size);
    return suffix_ < suffix ? -1 : (suffix_ > suffix ? 1 : 0);
  }
  std::string_view prefix() const { return prefix_; }
  uint64_t trailer() const { return trailer_; }

 private:
  std::string_view prefix_;
  uint64_t suffix_;
  uint64_t trailer_;
};

}  // namespace nokv::lsm
