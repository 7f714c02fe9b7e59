// Monitors: the connections that are shown every command (MONITOR).
//
// Thread safety: owned by the gateway's loop.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "redis/pubsub.h"

namespace nokv::redis {

class Monitors {
 public:
  // `receiver` is borrowed until Remove.
  void Add(Receiver& receiver) { receivers_.emplace(receiver.id(), &receiver); }
  void Remove(const Receiver& receiver) { receivers_.erase(receiver.id()); }
  bool empty() const { return receivers_.empty(); }

  // Shows a command; `words` must not hold secrets. Of a word longer than 64 KiB only so much is
  // shown.
  void Show(uint64_t unix_us, int db, std::string_view address,
            std::span<const std::string_view> words) const;

 private:
  std::map<uint64_t, Receiver*> receivers_;  // by id
};

}  // namespace nokv::redis
