// FetchedValues: values that were looked up together, ahead of the reads that will ask for them.
//
// Invariant: what it holds is what the engine would answer now. So it is cleared before anything is
// written to the engine.
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace nokv::redis {

class FetchedValues {
 public:
  // Looks these up, in place of those before. Holds on to a few values only: where they are large,
  // which gains nothing, lookups ahead have a pause.
  void Fetch(engine::Engine& engine, const engine::ReadView& view,
             std::span<const std::string> engine_keys);
  // True if the key is among the fetched: `found` gets its value, nothing if there is none. A value
  // is given once; keys that were fetched before that one are forgotten.
  bool Take(std::string_view engine_key, std::optional<engine::FoundValue>* found);
  void Clear();

 private:
  // What a few values may take.
  static constexpr size_t kMaxBytes = size_t{256} << 10;
  static constexpr int kPause = 64;  // calls of Fetch

  std::vector<std::string> keys_;  // reused
  std::vector<std::optional<engine::FoundValue>> values_;
  size_t next_ = 0;
  int pause_ = 0;
};

}  // namespace nokv::redis
