// Placement: which values stay apart from their entries.
//
// Thread safety: immutable.
#pragma once

#include <cstddef>
#include <string_view>

namespace nokv::vlog {

class Placement {
 public:
  // Values of `threshold` bytes and more stay apart. Empty ones never do.
  explicit Placement(size_t threshold) : threshold_(threshold) {}

  bool Apart(std::string_view /*engine_key*/, size_t value_bytes) const {
    return value_bytes >= threshold_ && value_bytes > 0;
  }

 private:
  const size_t threshold_;
};

}  // namespace nokv::vlog
