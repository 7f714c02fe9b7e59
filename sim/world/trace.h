// Trace: everything that happens in a simulated world, as one hash and, on request, as lines of
// text. Two runs of one seed have the same trace; where they part, the lines show.
//
// Thread safety: thread-compatible.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <string_view>

namespace nokv::sim {

class Trace {
 public:
  // `lines` is borrowed; null: only the hash is kept.
  explicit Trace(std::ostream* lines) : lines_(lines) {}

  void Add(uint64_t now_us, std::string_view what, std::initializer_list<uint64_t> numbers,
           std::string_view text = {});
  uint64_t hash() const { return hash_; }

 private:
  std::ostream* const lines_;
  uint64_t hash_ = 0;
};

}  // namespace nokv::sim
