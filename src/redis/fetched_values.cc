#include "redis/fetched_values.h"

#include <utility>

namespace nokv::redis {

void FetchedValues::Fetch(engine::Engine& engine, const engine::ReadView& view,
                          std::span<const std::string> engine_keys) {
  Clear();
  if (pause_ > 0) {
    --pause_;
    return;
  }
  if (!engine.MultiGet(view, engine_keys, &values_).ok()) return Clear();  // who reads it is told
  keys_.resize(values_.size());
  size_t bytes = 0;
  for (size_t i = 0; i < values_.size(); ++i) {
    keys_[i].assign(engine_keys[i]);
    if (values_[i].has_value()) bytes += values_[i]->value.size();
  }
  if (bytes > kMaxBytes) pause_ = kPause;
}

bool FetchedValues::Take(std::string_view engine_key, std::optional<engine::FoundValue>* found) {
  for (size_t at = next_; at < values_.size(); ++at) {
    if (keys_[at] != engine_key) continue;
    *found = std::move(values_[at]);
    next_ = at + 1;
    return true;
  }
  return false;
}

void FetchedValues::Clear() {
  values_.clear();
  next_ = 0;
}

}  // namespace nokv::redis
