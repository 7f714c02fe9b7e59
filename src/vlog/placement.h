// Placement: which values stay apart from their entries.
//
// Thread safety: immutable.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace nokv::vlog {

// Values of keys that begin with `prefix` stay apart from `threshold` bytes on.
struct PlacementRule {
  std::string prefix;  // of an engine key
  size_t threshold = 0;
};

class Placement {
 public:
  static constexpr size_t kNever = SIZE_MAX;

  // The first rule that fits decides; without one, values of `threshold` bytes and more stay apart.
  // Empty ones never do.
  explicit Placement(size_t threshold, std::vector<PlacementRule> rules = {})
      : threshold_(threshold), rules_(std::move(rules)) {}

  bool Apart(std::string_view engine_key, size_t value_bytes) const {
    return value_bytes > 0 && value_bytes >= ThresholdOf(engine_key);
  }

  // False if every value stays in its table.
  bool any_apart() const {
    return threshold_ != kNever || std::any_of(rules_.begin(), rules_.end(), [](const auto& rule) {
             return rule.threshold != kNever;
           });
  }

 private:
  size_t ThresholdOf(std::string_view engine_key) const {
    for (const PlacementRule& rule : rules_) {
      if (engine_key.starts_with(rule.prefix)) return rule.threshold;
    }
    return threshold_;
  }

  size_t threshold_;
  std::vector<PlacementRule> rules_;
};

}  // namespace nokv::vlog
