// ClientPause: until when no client's commands run, or none that write (CLIENT PAUSE).
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <algorithm>
#include <cstdint>

namespace nokv::redis {

class ClientPause {
 public:
  // A pause that goes on becomes longer or wider, never shorter or narrower.
  void Begin(uint64_t now_ms, uint64_t until_ms, bool all) {
    all_ = all || (all_ && now_ms < until_ms_);
    until_ms_ = std::max(until_ms_, until_ms);
  }
  void End() { *this = ClientPause(); }

  // False costs one comparison while there is no pause.
  bool began() const { return until_ms_ != 0; }
  bool active(uint64_t now_ms) const { return now_ms < until_ms_; }
  bool all() const { return all_; }

 private:
  uint64_t until_ms_ = 0;
  bool all_ = false;
};

}  // namespace nokv::redis
